// stat: interrupts, context switches, forks, boot time, runnable and blocked processes.

import { type CollectorKind, failed, OK } from '../kind.ts';
import { lines, uint, words } from '../text.ts';

const FIELDS = [
  ['intr', 'intr_total', 'counter', 'Interrupts served.'],
  ['ctxt', 'context_switches_total', 'counter', 'Context switches.'],
  ['processes', 'forks_total', 'counter', 'Processes started.'],
  ['btime', 'boot_time_seconds', 'gauge', 'When this host started, in seconds since 1970.'],
  ['procs_running', 'procs_running', 'gauge', 'Processes that run or could run.'],
  ['procs_blocked', 'procs_blocked', 'gauge', 'Processes waiting for I/O.'],
] as const;

/** Columns of the "softirq" line after the sum. */
const VECTORS = [
  'hi',
  'timer',
  'net_tx',
  'net_rx',
  'block',
  'block_iopoll',
  'tasklet',
  'sched',
  'hrtimer',
  'rcu',
];

export function parseStat(text: string): ReadonlyMap<string, readonly (number | undefined)[]> {
  const byName = new Map<string, readonly (number | undefined)[]>();
  for (const line of lines(text)) {
    if (line.startsWith('cpu')) continue;
    // The interrupt line has hundreds of columns; only the sum is needed of it.
    const short = line.startsWith('intr ') ? line.split(' ', 2) : words(line);
    byName.set(short[0] ?? '', short.slice(1).map(uint));
  }
  return byName;
}

export const stat: CollectorKind = {
  name: 'stat',
  enabledByDefault: true,
  platform: 'linux',
  create: host => async page => {
    const text = await host.files.load(host.proc('stat'));
    if (!text.ok) return failed(`reading "stat": ${text.error.message}`);
    const found = parseStat(text.value);
    for (const [key, name, type, help] of FIELDS) page[type](`node_${name}`, help, found.get(key)?.[0]);
    if (!host.settings.softirq) return OK;
    VECTORS.forEach((vector, i) => {
      const help = 'Soft interrupts by vector.';
      page.counter('node_softirqs_total', help, found.get('softirq')?.[i + 1], { vector });
    });
    return OK;
  },
};
