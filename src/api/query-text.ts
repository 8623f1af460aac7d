// The answer of a query as the text of its JSON (QueryData in the contract), written straight from its columns: an answer of
// millions of points would be as many arrays otherwise.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

import { formatFloatJson } from '../exposition/index.ts';
import type { AnswerSeries, Labels, QueryAnswer, QueryTimes } from '../model/index.ts';
import { histogramJson } from './encode.ts';
import type { TextParts } from './text-parts.ts';

export interface ShownData {
  readonly answer: QueryAnswer;
  /** Series at most; 0 is no limit. */
  readonly limit: number;
}

/** Without the brace at the end, so that more can stand within it. Returns whether the limit cut something off. */
export function* writeQueryData(parts: TextParts, { answer, limit }: ShownData): Generator<void, boolean> {
  const { times, resultType, series } = answer;
  const isInstant = times.stepMs === 0;
  const endS = times.endMs / 1000;
  if (resultType === 'string' || (resultType === 'scalar' && isInstant)) {
    const text =
      resultType === 'string' ? (answer.text ?? '') : formatFloatJson(series[0]?.values[0] ?? Number.NaN);
    parts.add(`{"resultType":"${resultType}","result":[${endS},${JSON.stringify(text)}]`);
    return false;
  }
  const isVector = resultType === 'vector' && isInstant;
  const openings: string[] = [];
  parts.add(`{"resultType":"${isVector ? 'vector' : 'matrix'}","result":[`);
  let shown = 0;
  for (const one of series) {
    if (!one.present.includes(1)) continue;
    if (shown === limit && limit > 0) {
      parts.add(']');
      return true;
    }
    parts.add(shown++ > 0 ? ',{"metric":' : '{"metric":');
    writeLabels(parts, one.labels);
    if (isVector) writeNow(parts, one, endS);
    else yield* writePoints(parts, one, { times, openings });
    parts.add('}');
    if (parts.isFull) yield;
  }
  parts.add(']');
  return false;
}

/** As a JSON object, in the order of the names. */
export function writeLabels(parts: TextParts, labels: Labels): void {
  parts.add('{');
  for (let i = 0; i < labels.length; i += 2) {
    if (i > 0) parts.add(',');
    parts.addQuoted(labels[i]!);
    parts.add(':');
    parts.addQuoted(labels[i + 1]!);
  }
  parts.add('}');
}

function writeNow(parts: TextParts, { values, histograms }: AnswerSeries, endS: number): void {
  const histogram = histograms?.get(0);
  if (histogram !== undefined) {
    parts.add(`,"histogram":[${endS},${JSON.stringify(histogramJson(histogram))}]`);
    return;
  }
  parts.add(`,"value":[${endS},"`);
  parts.addFloat(values[0]!);
  parts.add('"]');
}

/** Floats first, then histograms; of each kind that there is. */
function* writePoints(
  parts: TextParts,
  series: AnswerSeries,
  {
    times,
    openings,
  }: {
    readonly times: QueryTimes;
    /** Of a point, by step: up to its value. Made once for all series of an answer. */
    readonly openings: string[];
  },
): Generator<void> {
  const { values, present, timesMs, histograms } = series;
  const timeS = (i: number): number => (timesMs?.[i] ?? times.startMs + i * times.stepMs) / 1000;
  const openingOf = (i: number): string => {
    if (timesMs !== undefined) return `[${timeS(i)},"`;
    openings[i] ??= `[${timeS(i)},"`;
    return openings[i];
  };
  let before = ',"values":[';
  for (let i = 0; i < values.length; i++) {
    if (present[i] !== 1 || histograms?.has(i) === true) continue;
    parts.add(before);
    parts.add(openingOf(i));
    parts.addFloat(values[i]!);
    before = '"],';
    if (parts.isFull) yield;
  }
  if (before === '"],') parts.add('"]]');
  if (histograms === undefined) return;
  before = ',"histograms":[';
  for (let i = 0; i < values.length; i++) {
    const histogram = histograms.get(i);
    if (present[i] !== 1 || histogram === undefined) continue;
    parts.add(`${before}[${timeS(i)},${JSON.stringify(histogramJson(histogram))}]`);
    before = ',';
    if (parts.isFull) yield;
  }
  if (before === ',') parts.add(']');
}
