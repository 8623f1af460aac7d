// The answer of a query as the text of its JSON (QueryData in the contract), written straight from its columns: an answer of
// millions of points would be as many arrays otherwise.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

import { formatFloatJson } from '../exposition/index.ts';
import type { AnswerSeries, Labels, QueryAnswer, QueryTimes } from '../model/index.ts';
import { histogramJson } from './encode.ts';
import { KnownTexts, type TextParts } from './text-parts.ts';

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
  const openings = isVector ? undefined : openingsOf(times, stepsOf(series));
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

/** Of a range: the series have all of them. Those of a range selector have times of their own. */
function stepsOf(series: readonly AnswerSeries[]): number {
  const [first] = series;
  return first === undefined || first.timesMs !== undefined ? 0 : first.values.length;
}

interface Shown {
  readonly times: QueryTimes;
  /** Of points, by step: what all series have in common is made into text once. */
  readonly openings: KnownTexts | undefined;
}

/** Of points up to their values, by step. */
function openingsOf({ startMs, stepMs }: QueryTimes, steps: number): KnownTexts {
  const openings = new KnownTexts();
  for (let i = 0; i < steps; i++) openings.add('[', (startMs + i * stepMs) / 1000, ',"');
  openings.seal();
  return openings;
}

/** Floats first, then histograms; of each kind that there is. */
function* writePoints(parts: TextParts, series: AnswerSeries, shown: Shown): Generator<void> {
  const { values, present, timesMs, histograms } = series;
  const { times } = shown;
  const openings = timesMs === undefined ? shown.openings : undefined;
  const timeS = (i: number): number => (timesMs?.[i] ?? times.startMs + i * times.stepMs) / 1000;
  let count = 0;
  for (let i = 0; i < values.length; i++) {
    if (present[i] !== 1 || histograms?.has(i) === true) continue;
    // Asked before, so that the last point is still there when the list ends.
    if (parts.isFull) yield;
    if (count++ === 0) parts.add(',"values":[');
    if (openings !== undefined) parts.addPoint(openings, i, values[i]!);
    else {
      parts.add(`[${timeS(i)},"`);
      parts.addFloat(values[i]!);
      parts.add('"],');
    }
  }
  if (count > 0) parts.endList();
  if (histograms === undefined) return;
  let before = ',"histograms":[';
  for (let i = 0; i < values.length; i++) {
    const histogram = histograms.get(i);
    if (present[i] !== 1 || histogram === undefined) continue;
    parts.add(`${before}[${timeS(i)},${JSON.stringify(histogramJson(histogram))}]`);
    before = ',';
    if (parts.isFull) yield;
  }
  if (before === ',') parts.add(']');
}
