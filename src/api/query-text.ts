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
  const shared: Shared = { texts: new PairTexts(), openings: [] };
  parts.add(`{"resultType":"${isVector ? 'vector' : 'matrix'}","result":[`);
  let shown = 0;
  for (const one of series) {
    if (!one.present.includes(1)) continue;
    if (shown === limit && limit > 0) {
      parts.add(']');
      return true;
    }
    parts.add(`${shown++ > 0 ? ',' : ''}{"metric":${labelsText(one.labels, shared.texts)}`);
    if (isVector) writeNow(parts, one, endS);
    else yield* writePoints(parts, one, { times, shared });
    parts.add('}');
    if (parts.isFull) yield;
  }
  parts.add(']');
  return false;
}

/** What the series of an answer have in common is made into text once. */
interface Shared {
  readonly texts: PairTexts;
  /** Of a point, by step: up to its value. */
  readonly openings: string[];
}

/** In the order of the names. */
export function labelsText(labels: Labels, texts: PairTexts = new PairTexts()): string {
  if (labels.length === 0) return '{}';
  let text = `{${texts.of(labels[0]!, labels[1]!)}`;
  for (let i = 2; i < labels.length; i += 2) text += `,${texts.of(labels[i]!, labels[i + 1]!)}`;
  return `${text}}`;
}

/** Beyond so many they are mostly different ones, which are not met again. */
const TEXTS_MAX = 20_000;

/** Labels as text: most are met again and again. */
export class PairTexts {
  readonly #byName = new Map<string, Map<string, string>>();
  #size = 0;

  of(name: string, value: string): string {
    const known = this.#byName.get(name)?.get(value);
    if (known !== undefined) return known;
    const made = `${JSON.stringify(name)}:${JSON.stringify(value)}`;
    if (this.#size++ >= TEXTS_MAX) return made;
    const ofName = this.#byName.get(name) ?? new Map<string, string>();
    this.#byName.set(name, ofName.set(value, made));
    return made;
  }
}

function writeNow(parts: TextParts, { values, histograms }: AnswerSeries, endS: number): void {
  const histogram = histograms?.get(0);
  parts.add(
    histogram === undefined
      ? `,"value":[${endS},"${formatFloatJson(values[0]!)}"]`
      : `,"histogram":[${endS},${JSON.stringify(histogramJson(histogram))}]`,
  );
}

/** Floats first, then histograms; of each kind that there is. */
function* writePoints(
  parts: TextParts,
  series: AnswerSeries,
  { times, shared }: { readonly times: QueryTimes; readonly shared: Shared },
): Generator<void> {
  const { values, present, timesMs, histograms } = series;
  const timeS = (i: number): number => (timesMs?.[i] ?? times.startMs + i * times.stepMs) / 1000;
  const openingOf = (i: number): string => {
    if (timesMs !== undefined) return `[${timeS(i)},"`;
    shared.openings[i] ??= `[${timeS(i)},"`;
    return shared.openings[i];
  };
  let before = ',"values":[';
  for (let i = 0; i < values.length; i++) {
    if (present[i] !== 1 || histograms?.has(i) === true) continue;
    parts.add(`${before}${openingOf(i)}${formatFloatJson(values[i]!)}"]`);
    before = ',';
    if (parts.isFull) yield;
  }
  if (before === ',') parts.add(']');
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
