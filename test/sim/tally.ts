// What a run exercised: every fault that was made and every promise that was looked at, counted by name.

/** Kinds of faults that a plan may hold. One that no run makes would be a hole in the simulation. */
export const FAULTS = [
  'target refused',
  'target timeout',
  'target garbage page',
  'target status 500',
  'gauge over threshold',
  'receiver refused',
  'receiver status 4xx',
  'receiver status 5xx with Retry-After',
  'receiver slow beyond deadline',
  'receiver takes it, answer lost',
  'kill -9',
  'kill -9 around a commit',
  'kill -9 at a disk call',
  'kill -9 while a message is under way',
  'kill -9 during an action',
  'loss of power',
  'graceful restart',
  'disk full',
  'disk call fails',
  'state database fails',
  'clock jumps ahead',
  'clock jumps back',
  'alert posted from outside',
  'silence made',
  'silence changed',
  'silence ended by hand',
  'good reload',
  'bad reload',
] as const;
export type Fault = (typeof FAULTS)[number];

/** Checks that can fail. The number is how often each was made on a case that could have broken the promise. */
export const PROMISES = [
  'samples: each page that was taken is stored',
  'samples: all there after kill -9',
  'samples: all but the last second there after loss of power',
  'store and state open after a crash',
  'alerts: delivered in time',
  'alerts: undelivered is journaled',
  'alerts: the end is told',
  'alerts: no message repeated without its mark',
  'alerts: a repeat is marked and has its cause',
  'alerts: not resolved while the condition holds',
  'alerts: not resolved while data is missing',
  'alerts: told after recovery failed, not before',
  'alerts: not told when recovery worked',
  'posted: kept over a crash',
  'posted: delivered in time',
  'posted: the end is told',
  'posted: not told while inhibited, silenced or muted',
  'posted: no message repeated without its mark',
  'posted: silences are as they were answered',
  'posted: silences survive a crash',
  'actions: at most once for one intent',
  'actions: repeated only if idempotent',
  'actions: within attempts, pause and concurrency',
  'actions: only while the alert fires',
  'actions: verified as recovered',
  'actions: handed to people',
  'explained: intent before the message',
  'explained: intent before the action',
  'explained: each message in the journal',
  'explained: each action in the journal',
  'reload: a bad one changes nothing',
  'quiet end: all resolved and drained',
] as const;
export type Promised = (typeof PROMISES)[number];

export type Counts = Record<string, number>;

export interface Tally {
  readonly faults: Counts;
  readonly promises: Counts;
}

export function newTally(): Tally {
  return {
    faults: Object.fromEntries(FAULTS.map(name => [name, 0])),
    promises: Object.fromEntries(PROMISES.map(name => [name, 0])),
  };
}

export function addTally(into: Tally, more: Tally): void {
  for (const part of ['faults', 'promises'] as const) {
    for (const [name, count] of Object.entries(more[part])) {
      into[part][name] = (into[part][name] ?? 0) + count;
    }
  }
}

/** Names that were never exercised. */
export function untouched(tally: Tally): readonly string[] {
  return [...Object.entries(tally.faults), ...Object.entries(tally.promises)]
    .filter(([, count]) => count === 0)
    .map(([name]) => name);
}

export function tallyTable(tally: Tally): string {
  const lines = (title: string, counts: Counts): string[] => [
    title,
    ...Object.entries(counts).map(([name, count]) => `  ${String(count).padStart(9)}  ${name}`),
  ];
  return [...lines('faults made', tally.faults), ...lines('promises looked at', tally.promises)].join('\n');
}
