// softnet: what each CPU did with received packets.

import { type CollectorKind, failed, OK } from '../kind.ts';
import { hex, lines, words } from '../text.ts';

/** Column of the file, metric, type, help. Columns from 9 on came with later kernels. */
const COLUMNS = [
  [0, 'processed_total', 'counter', 'Packets processed.'],
  [1, 'dropped_total', 'counter', 'Packets dropped since the queue was full.'],
  [2, 'times_squeezed_total', 'counter', 'Times processing stopped with packets left.'],
  [8, 'cpu_collision_total', 'counter', 'Collisions on the transmit lock.'],
  [9, 'received_rps_total', 'counter', 'Times this CPU was woken to process packets.'],
  [10, 'flow_limit_count_total', 'counter', 'Times the flow limit was reached.'],
  [11, 'backlog_len', 'gauge', 'Packets waiting.'],
] as const;

/** Column with the CPU's number, since Linux 5.10; before, the line's number is taken. */
const CPU_COLUMN = 12;

export function parseSoftnet(text: string): { cpu: string; values: (number | undefined)[] }[] {
  return lines(text).flatMap((line, i) => {
    const values = words(line).map(hex);
    if (values.length < 9) return [];
    return [{ cpu: String(values[CPU_COLUMN] ?? i), values }];
  });
}

export const softnet: CollectorKind = {
  name: 'softnet',
  enabledByDefault: true,
  platform: 'linux',
  create: host => async page => {
    const text = await host.files.load(host.proc('net/softnet_stat'));
    if (!text.ok) return failed(`reading "net/softnet_stat": ${text.error.message}`);
    for (const { cpu, values } of parseSoftnet(text.value)) {
      for (const [column, name, type, help] of COLUMNS) {
        // Older kernels have fewer columns; node_exporter gives zeros for them, and so do we.
        page[type](`node_softnet_${name}`, help, values[column] ?? 0, { cpu });
      }
    }
    return OK;
  },
};
