// /federate: the newest samples of the series that are asked for, as a page that another Prometheus scrapes.

import { compareUtf8, type ServerResponse } from '../base/index.ts';
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
import type { ApiDeps } from './deps.ts';
import type { Asked } from './prometheus.ts';
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

export async function federate(deps: ApiDeps, { params, signal }: Asked): Promise<ServerResponse> {
  const selectors = selectorParams(params);
  if (!selectors.ok) return failure('bad_data', selectors.error);
  if (selectors.value.length === 0) return failure('bad_data', 'no match[] parameter provided');
  const nowMs = deps.clock.nowMs();
  const hints = { fromMs: nowMs - LOOKBACK_MS, toMs: nowMs, stepMs: 0, rangeMs: 0, func: '', limit: 0 };
  const found = new Map<string, Newest>();
  for (const matchers of selectors.value) {
    const read = await deps.reader.select(matchers, hints, signal);
    if (!read.ok) return failure('internal', read.error.message);
    for (const one of read.value) {
      const newest = newestOf(one);
      if (newest !== undefined) found.set(labelsKey(one.labels), newest);
    }
  }
  const body = bodyOf(deps.turns, parts => page(parts, [...found.values()], deps.externalLabels()));
  return plain(200, body, TEXT_CONTENT_TYPE);
}

/** Undefined for a series that has ended, and for native histograms, which this format has no place for. */
function newestOf({ labels, values, timesMs, histograms, to }: SeriesColumns): Newest | undefined {
  const last = to - 1;
  if (isStaleAt(wordsOf(values), last) || histograms?.has(last)) return undefined;
  return { labels, value: values[last] as number, timeMs: timesMs[last] as number };
}

function* page(parts: TextParts, found: readonly Newest[], external: Labels): Generator<void> {
  const named = found.filter(({ labels }) => labelValue(labels, METRIC_NAME) !== '');
  named.sort((a, b) => compareLabels(a.labels, b.labels));
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
