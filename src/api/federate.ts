// /federate: the newest samples of the series that are asked for, as a page that another Prometheus scrapes.

import { compareUtf8, inTurns, ok, type ServerResponse, sortInTurns } from '../base/index.ts';
import { printSample, TEXT_CONTENT_TYPE } from '../exposition/index.ts';
import {
  compareLabels,
  isStaleAt,
  type Labels,
  labelPairs,
  labelsFromSorted,
  labelsKey,
  labelValue,
  METRIC_NAME,
  type SeriesColumns,
  wordsOf,
} from '../model/index.ts';
import { attended, STOPPED } from './attended.ts';
import type { ApiDeps } from './deps.ts';
import type { Asked } from './prometheus.ts';
import { queryFailure } from './query-failure.ts';
import { failure, plain } from './respond.ts';
import { selectorParams } from './selectors.ts';
import { bodyOf, type TextParts } from './text-parts.ts';

/** As far as an instant query looks back. */
const LOOKBACK_MS = 300_000;

interface Newest {
  readonly labels: Labels;
  readonly value: number;
  readonly timeMs: number;
}

/** Of a series in the answer: its sample, and its place in lists. */
const NEWEST_BYTES = 400;
/** Series looked at between two yields: some tens of microseconds. */
const LOOKED_AT_ONCE = 64;

export async function federate(deps: ApiDeps, asked: Asked): Promise<ServerResponse> {
  const selectors = selectorParams(asked.params);
  if (!selectors.ok) return failure('bad_data', selectors.error);
  if (selectors.value.length === 0) return failure('bad_data', 'no match[] parameter provided');
  const nowMs = deps.clock.nowMs();
  const range = { fromMs: nowMs - LOOKBACK_MS, toMs: nowMs };
  const reads = { anyOf: selectors.value, range };
  const answered = await attended(deps, { asked, reads }, async work => {
    const hints = { ...range, stepMs: 0, rangeMs: 0, lastOnly: true, func: '', limit: 0, work };
    const found = new Map<string, Newest>();
    for (const matchers of selectors.value) {
      const read = await deps.reader.select(matchers, hints, work.signal);
      if (!read.ok) return read;
      work.count(read.value.length, read.value.length);
      if (!work.reserve(read.value.length * NEWEST_BYTES)) return STOPPED;
      if ((await inTurns(newestSteps(read.value, found), work)) === undefined) return STOPPED;
    }
    const named = [...found.values()].filter(({ labels }) => labelValue(labels, METRIC_NAME) !== '');
    const sorted = await sortInTurns(named, (a, b) => compareLabels(a.labels, b.labels), work);
    return sorted === undefined ? STOPPED : ok(sorted);
  });
  if (!answered.ok) return queryFailure(answered.error);
  const { value, handBack } = answered.value;
  const body = bodyOf(deps.turns, parts => page(parts, value, deps.externalLabels()), handBack);
  return plain(200, body, TEXT_CONTENT_TYPE);
}

function* newestSteps(columns: readonly SeriesColumns[], found: Map<string, Newest>): Generator<void, true> {
  let looked = 0;
  for (const one of columns) {
    const newest = newestOf(one);
    if (newest !== undefined) found.set(labelsKey(one.labels), newest);
    if (++looked % LOOKED_AT_ONCE === 0) yield;
  }
  return true;
}

/** Undefined for a series that has ended, and for native histograms, which this format has no place for. */
function newestOf({ labels, values, timesMs, histograms, to }: SeriesColumns): Newest | undefined {
  const last = to - 1;
  if (isStaleAt(wordsOf(values), last) || histograms?.has(last)) return undefined;
  return { labels, value: values[last] as number, timeMs: timesMs[last] as number };
}

function* page(parts: TextParts, named: readonly Newest[], external: Labels): Generator<void> {
  let metric = '';
  for (const { labels, value, timeMs } of named) {
    const name = labelValue(labels, METRIC_NAME);
    if (name !== metric && /^[a-zA-Z_:][\w:]*$/.test(name)) parts.add(`# TYPE ${name} untyped\n`);
    metric = name;
    parts.add(printSample(withExternal(labels, external), value, timeMs));
    if (parts.isFull) yield;
  }
}

/** What a series itself says comes first. Without an instance an empty one is said, so that the scraper adds none. */
function withExternal(labels: Labels, external: Labels): Labels {
  const all = new Map<string, string>([['instance', ''], ...labelPairs(external), ...labelPairs(labels)]);
  const names = [...all.keys()].sort(compareUtf8);
  return labelsFromSorted(names.flatMap(name => [name, all.get(name) ?? '']));
}
