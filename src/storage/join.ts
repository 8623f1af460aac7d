// What blocks and head have of the same series, for a query: nearly always stretches of time that follow one another, the
// newer one perhaps beginning with samples that the older one has too. What is not so goes to the merger.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

import { inTurns, type Pace } from '../base/index.ts';
import { compareLabels, type FloatLender, type SeriesColumns } from '../model/index.ts';
import { Merger, sameTimes } from './block/merge.ts';

/**
 * Of sources in the order of labels each, the oldest samples first: one list in that order. Undefined if the pace says that
 * the work shall end.
 */
export function joinSources(
  sources: readonly (readonly SeriesColumns[])[],
  how: { readonly memory: FloatLender | undefined; readonly pace: Pace },
): Promise<readonly SeriesColumns[] | undefined> {
  return inTurns(joiningSteps(sources, how.memory), how.pace);
}

function* joiningSteps(
  sources: readonly (readonly SeriesColumns[])[],
  memory: FloatLender | undefined,
): Generator<void, readonly SeriesColumns[]> {
  const filled = sources.filter(source => source.length > 0);
  if (filled.length <= 1) return filled[0] ?? [];
  const joiner = new Joiner(memory);
  const next = filled.map(() => 0);
  const joined: SeriesColumns[] = [];
  for (;;) {
    const least = leastOf(filled, next);
    if (least === undefined) return joined;
    const parts: SeriesColumns[] = [];
    for (let i = 0; i < filled.length; i++) {
      const one = filled[i]![next[i]!];
      if (one === undefined || !isSame(one, least)) continue;
      parts.push(one);
      next[i] = next[i]! + 1;
    }
    joined.push(joiner.join(parts));
    yield;
  }
}

function leastOf(
  sources: readonly (readonly SeriesColumns[])[],
  next: readonly number[],
): SeriesColumns | undefined {
  let least: SeriesColumns | undefined;
  for (let i = 0; i < sources.length; i++) {
    const one = sources[i]![next[i]!];
    if (one === undefined || one.ref === least?.ref) continue;
    if (least === undefined || compareLabels(one.labels, least.labels) < 0) least = one;
  }
  return least;
}

/** A ref is never given to another series; one series may have had several. */
function isSame(a: SeriesColumns, b: SeriesColumns): boolean {
  return a.ref === b.ref || compareLabels(a.labels, b.labels) === 0;
}

/** How the times of parts follow one another. */
interface Chain {
  readonly parts: readonly SeriesColumns[];
  /** Where each part begins behind the one before. */
  readonly starts: readonly number[];
  readonly timesMs: Float64Array;
}

class Joiner {
  readonly #memory: FloatLender | undefined;
  readonly #merger = new Merger();
  /** Most series have their times in common with others; the one used last first. */
  readonly #chains: Chain[] = [];

  constructor(memory: FloatLender | undefined) {
    this.#memory = memory;
  }

  join(parts: readonly SeriesColumns[]): SeriesColumns {
    const last = parts[parts.length - 1]!;
    if (parts.length === 1) return last;
    if (parts.some(part => part.histograms !== undefined || part.startTimesMs !== undefined))
      return this.#merger.merge(parts);
    const chain = this.#chainOf(parts);
    if (chain === undefined) return this.#merger.merge(parts);
    const { timesMs, starts } = chain;
    const values = this.#memory?.floats(timesMs.length) ?? new Float64Array(timesMs.length);
    let at = 0;
    for (let i = 0; i < parts.length; i++) {
      copySamples(parts[i]!, starts[i]!, { values, at });
      at += parts[i]!.to - starts[i]!;
    }
    const producer = parts.findLast(part => part.producer !== undefined)?.producer;
    const isPlain = parts.every(part => part.isPlain === true);
    const { labels, ref } = last;
    return { labels, ref, producer, timesMs, values, from: 0, to: timesMs.length, isPlain };
  }

  #chainOf(parts: readonly SeriesColumns[]): Chain | undefined {
    const at = this.#chains.findIndex(chain => fits(chain, parts));
    const known = this.#chains[at];
    if (known !== undefined) {
      // Series of one producer follow one another.
      if (at > 0) this.#chains.unshift(...this.#chains.splice(at, 1));
      return known;
    }
    const made = chainOf(parts);
    if (made === undefined) return undefined;
    const alike = this.#chains.find(({ timesMs }) => sameTimes(timesMs, made.timesMs));
    // One array for all with the same times: whoever finds windows in them does it once.
    const chain = alike === undefined ? made : { ...made, timesMs: alike.timesMs };
    if (this.#chains.unshift(chain) > CHAINS_MAX) this.#chains.pop();
    return chain;
  }
}

/** From `start` on. Numbers that are known to be finite go by themselves, which makes no views; others by their bytes. */
function copySamples(
  { values, to, isPlain }: SeriesColumns,
  start: number,
  into: { readonly values: Float64Array; readonly at: number },
): void {
  if (isPlain !== true) {
    into.values.set(values.subarray(start, to), into.at);
    return;
  }
  const shift = into.at - start;
  for (let i = start; i < to; i++) into.values[i + shift] = values[i]!;
}

/** Looking through them must stay cheaper than making one. */
const CHAINS_MAX = 64;

function fits(chain: Chain, parts: readonly SeriesColumns[]): boolean {
  return (
    chain.parts.length === parts.length &&
    chain.parts.every((part, i) => {
      const { timesMs, from, to } = parts[i]!;
      return part.timesMs === timesMs && part.from === from && part.to === to;
    })
  );
}

/** Undefined where a part has a sample in the time of the earlier ones that is not there. */
function chainOf(parts: readonly SeriesColumns[]): Chain | undefined {
  const starts: number[] = [];
  const timesMs = new Float64Array(parts.reduce((sum, { from, to }) => sum + to - from, 0));
  let count = 0;
  for (const part of parts) {
    const start = startBehind(timesMs.subarray(0, count), part);
    if (start === undefined) return undefined;
    starts.push(start);
    timesMs.set(part.timesMs.subarray(start, part.to), count);
    count += part.to - start;
  }
  return { parts, starts, timesMs: count === timesMs.length ? timesMs : timesMs.slice(0, count) };
}

/** The first sample behind those of the parts before, if these have all that the part has among them. */
function startBehind(earlier: Float64Array, { timesMs, from, to }: SeriesColumns): number | undefined {
  const lastMs = earlier[earlier.length - 1] ?? Number.NEGATIVE_INFINITY;
  let start = from;
  let at = 0;
  while (start < to && timesMs[start]! <= lastMs) {
    while (earlier[at]! < timesMs[start]!) at++;
    if (earlier[at] !== timesMs[start]) return undefined;
    start++;
  }
  return start;
}
