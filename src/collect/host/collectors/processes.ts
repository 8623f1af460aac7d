// processes: how many there are, by state, with their threads. Off in node_exporter, on here: one read a process.

import { type CollectorKind, failed, type Host, OK } from '../kind.ts';
import { uint, words } from '../text.ts';

/** "1 (a name) S ppid …": the name may hold anything, hence the last parenthesis. */
export function parseProcessStat(
  text: string,
): { readonly state: string; readonly threads: number } | undefined {
  const close = text.lastIndexOf(')');
  const fields = words(text.slice(close + 1));
  const state = fields[0];
  const threads = uint(fields[17]);
  return close < 0 || state === undefined || threads === undefined ? undefined : { state, threads };
}

/** Larger hosts are left out: reading them would cost a second of CPU a minute. */
const PROCESSES_READ_MAX = 2000;

/**
 * Reading the state of every process is by far the dearest part of a collection (measured: 16 of 24 CPU ms with 80
 * processes), so that it is done twice a minute at most; between, the last counts stand.
 */
const STATES_KEPT_MS = 30_000;

interface Counts {
  readonly processes: number;
  readonly threads: number;
  readonly byState: ReadonlyMap<string, number>;
  readonly readMs: number;
}

export const processes: CollectorKind = {
  name: 'processes',
  enabledByDefault: true,
  platform: 'linux',
  create: host => {
    let known: Counts | undefined;
    return async page => {
      const [threadsMax, pidMax] = await Promise.all([
        host.files.uint(host.proc('sys/kernel/threads-max')),
        host.files.uint(host.proc('sys/kernel/pid_max')),
      ]);
      page.gauge('node_processes_max_threads', 'Threads there may be.', threadsMax);
      page.gauge('node_processes_max_processes', 'Process ids there may be.', pidMax);
      const nowMs = host.clock.monotonicMs();
      if (known === undefined || nowMs - known.readMs >= STATES_KEPT_MS) {
        const counts = await readCounts(host, nowMs);
        if (typeof counts === 'string') return failed(counts);
        known = counts;
      }
      page.gauge('node_processes_threads', 'Threads.', known.threads);
      for (const [state, count] of known.byState) {
        page.gauge('node_processes_state', 'Processes by state.', count, { state });
      }
      page.gauge('node_processes_pids', 'Processes.', known.processes);
      return OK;
    };
  },
};

/** The counts, or why there are none. */
async function readCounts(host: Host, readMs: number): Promise<Counts | string> {
  const names = await host.files.list(host.settings.procfs);
  if (names === undefined) return 'the list of processes could not be read';
  const pids = names.filter(name => uint(name) !== undefined);
  if (pids.length > PROCESSES_READ_MAX) {
    return `there are more than ${PROCESSES_READ_MAX} processes: they are not read`;
  }
  const texts = await Promise.all(pids.map(pid => host.files.text(host.proc(`${pid}/stat`))));
  let threads = 0;
  let count = 0;
  const byState = new Map<string, number>();
  for (const text of texts) {
    // A process may end between the list and the read.
    const read = text === undefined ? undefined : parseProcessStat(text);
    if (read === undefined) continue;
    count++;
    threads += read.threads;
    byState.set(read.state, (byState.get(read.state) ?? 0) + 1);
  }
  return { processes: count, threads, byState, readMs };
}
