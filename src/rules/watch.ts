// The series that a rule with `no_data: firing` looks at, whether it alerts on them or not: what was there and is missing counts
// as the condition.

import { labelsKey, type QueryAnswer } from '../model/index.ts';
import { type AbsenceFacts, countsAsCondition, judgeAbsence, type Missing } from './absence.ts';
import type { AlertMap, Candidate } from './alert-state.ts';
import type { Sample } from './expansion.ts';

export interface Watched extends Pick<Missing, 'lastSeenMs' | 'missingSinceMs' | 'absence'> {
  /** As it was seen last. */
  readonly sample: Sample;
}

/** By the labels of the series. */
export type WatchMap = ReadonlyMap<string, Watched>;

export const NOTHING_WATCHED: WatchMap = new Map();

export interface WatchInput {
  readonly nowMs: number;
  /** The left side of the comparison, before filtering; undefined where there is none: then nothing can be watched. */
  readonly unfiltered: QueryAnswer['unfiltered'];
  readonly facts: AbsenceFacts;
  /** Those of the answer. */
  readonly candidates: readonly Candidate[];
  readonly alerts: AlertMap;
  readonly expand: (sample: Sample) => Promise<Candidate>;
}

export interface WatchOutcome {
  readonly watched: WatchMap;
  /** Series without an alert whose data is missing. Alerts that are missing themselves are judged with the others. */
  readonly missing: readonly Candidate[];
}

export async function watchSeries(before: WatchMap, input: WatchInput): Promise<WatchOutcome> {
  if (input.unfiltered === undefined) return { watched: NOTHING_WATCHED, missing: [] };
  const watched = new Map<string, Watched>();
  for (const series of input.unfiltered) {
    if (series.present[0] !== 1) continue;
    const { labels, producer } = series;
    const histogram = series.histograms?.get(0);
    const sample = { labels, value: series.values[0] ?? Number.NaN, histogram, producer };
    watched.set(labelsKey(labels), { sample, lastSeenMs: input.nowMs });
  }
  const present = new Set(input.candidates.map(({ fingerprint }) => fingerprint));
  const missing: Candidate[] = [];
  for (const [key, seen] of before) {
    if (watched.has(key)) continue;
    const candidate = await input.expand(seen.sample);
    const judged = judgeWatched(seen, candidate, input);
    if (judged === undefined) continue;
    watched.set(key, judged.watched);
    const state = input.alerts.get(candidate.fingerprint)?.state ?? 'resolved';
    if (judged.missing === undefined || state !== 'resolved' || present.has(candidate.fingerprint)) continue;
    present.add(candidate.fingerprint);
    missing.push({ ...candidate, missing: judged.missing });
  }
  return { watched, missing };
}

/** Undefined: it is over, and no longer looked at. */
function judgeWatched(seen: Watched, { fingerprint, producer }: Candidate, { facts, nowMs }: WatchInput) {
  const { lastSeenMs, missingSinceMs, absence, sample } = seen;
  const series: Missing = {
    fingerprint,
    state: 'pending',
    lastSeenMs,
    ...(missingSinceMs === undefined ? {} : { missingSinceMs }),
    ...(absence === undefined ? {} : { absence }),
    ...(producer === undefined ? {} : { producer }),
  };
  const verdict = judgeAbsence(series, facts, nowMs);
  if (verdict.kind === 'resolved') return undefined;
  const since = verdict.missingSinceMs === undefined ? {} : { missingSinceMs: verdict.missingSinceMs };
  const watched: Watched = { sample, lastSeenMs, absence: verdict.cause, ...since };
  return { watched, missing: countsAsCondition(verdict) };
}
