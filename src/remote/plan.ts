// A piece of the log cut into requests: by series into shards, so that one series' samples stay in their order, and each
// shard's into requests of at most so many samples. Pure, and the same again for the same piece and numbers.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

import { type LoggedExemplar, type LogPiece, type NativeHistogram, wordsOf } from '../model/index.ts';
import type { SentSeries } from './series.ts';

/** The samples of a piece in columns, and what some of them have beside. */
export interface PieceColumns {
  readonly series: readonly SentSeries[];
  readonly timesMs: Float64Array;
  readonly words: Uint32Array;
  /** NaN where unknown; undefined if none is known. */
  readonly startsMs: Float64Array | undefined;
  readonly histograms: ReadonlyMap<number, NativeHistogram>;
  readonly exemplars: ReadonlyMap<SentSeries, readonly LoggedExemplar[]>;
}

/** One request: indices into the columns, those of a series next to each other and in the order of time. */
export interface PlannedRequest {
  readonly order: Int32Array;
  readonly columns: PieceColumns;
}

export interface Plan {
  /** By shard; a shard sends its requests one after another. */
  readonly shards: readonly (readonly PlannedRequest[])[];
  /** Samples of series that relabelling drops, and of such as are named nowhere. */
  readonly relabelled: number;
  readonly unnamed: number;
  readonly newestMs: number;
}

export interface PlanSettings {
  readonly shards: number;
  readonly samplesPerSend: number;
  /** Pieces are numbered, from 1 on: series note in which one they were last. */
  readonly number: number;
  readonly exemplars: boolean;
}

interface KnownSeries {
  /** Of each column of the piece. */
  readonly columns: readonly (readonly SentSeries[])[];
  readonly byRef: (ref: number) => SentSeries | undefined;
}

export function planOf(piece: LogPiece, known: KnownSeries, settings: PlanSettings): Plan {
  const gathered = gather(piece, known, settings);
  const { columns, next, members } = gathered;
  const byShard: SentSeries[][] = Array.from({ length: settings.shards }, () => []);
  for (const series of members) byShard[series.ref % settings.shards]!.push(series);
  const shards = byShard.map(own => {
    const order: number[] = [];
    for (const series of own) {
      const from = order.length;
      for (let at = series.first; at >= 0; at = next[at]!) order.push(at);
      if (series.isUnsorted) sortTail(order, from, columns.timesMs);
    }
    const requests: PlannedRequest[] = [];
    for (let at = 0; at < order.length; at += settings.samplesPerSend)
      requests.push({ order: Int32Array.from(order.slice(at, at + settings.samplesPerSend)), columns });
    return requests;
  });
  const { relabelled, unnamed, newestMs } = gathered;
  return { shards, relabelled, unnamed, newestMs };
}

function sortTail(order: number[], from: number, timesMs: Float64Array): void {
  const sorted = order.splice(from).sort((a, b) => timesMs[a]! - timesMs[b]! || a - b);
  for (const index of sorted) order.push(index);
}

interface Gathered extends Pick<Plan, 'relabelled' | 'unnamed' | 'newestMs'> {
  readonly columns: PieceColumns;
  /** From one sample of a series to its next; -1 at the last. */
  readonly next: Int32Array;
  readonly members: readonly SentSeries[];
}

function gather(piece: LogPiece, known: KnownSeries, { number, exemplars }: PlanSettings): Gathered {
  const { count } = piece;
  const timesMs = new Float64Array(count);
  const words = wordsOf(new Float64Array(count));
  const series: SentSeries[] = [];
  const next = new Int32Array(count).fill(-1);
  const histograms = new Map<number, NativeHistogram>();
  const members: SentSeries[] = [];
  const dropped = { relabelled: 0, unnamed: 0 };
  let startsMs: Float64Array | undefined;
  let newestMs = -Infinity;
  let at = 0;
  for (let column = 0; column < piece.samples.length; column++) {
    const logged = piece.samples[column]!;
    const all = known.columns[column]!;
    const from = wordsOf(logged.values);
    for (let i = 0; i < all.length; i++) {
      const one = all[i]!;
      const timeMs = logged.timesMs === undefined ? logged.timeMs : logged.timesMs[i]!;
      if (timeMs > newestMs) newestMs = timeMs;
      if (one.dropped !== undefined) {
        dropped[one.dropped]++;
        continue;
      }
      timesMs[at] = timeMs;
      words[2 * at] = from[2 * i]!;
      words[2 * at + 1] = from[2 * i + 1]!;
      series.push(one);
      const histogram = logged.hasHistograms ? logged.histogramAt(i) : undefined;
      if (histogram !== undefined) histograms.set(at, histogram);
      const startMs = logged.startsMs?.[i];
      if (startMs !== undefined && !Number.isNaN(startMs)) {
        startsMs ??= new Float64Array(count).fill(Number.NaN);
        startsMs[at] = startMs;
      }
      if (one.piece === number) {
        if (timeMs < timesMs[one.last]!) one.isUnsorted = true;
        next[one.last] = at;
      } else {
        one.piece = number;
        one.first = at;
        one.isUnsorted = false;
        members.push(one);
      }
      one.last = at++;
    }
  }
  const kept = exemplars ? exemplarsOf(piece, known, number) : new Map();
  return {
    columns: { series, timesMs, words, startsMs, histograms, exemplars: kept },
    next,
    members,
    newestMs,
    ...dropped,
  };
}

/** Of series that have samples in the piece: a receiver takes no others. */
function exemplarsOf(
  piece: LogPiece,
  { byRef }: KnownSeries,
  number: number,
): Map<SentSeries, LoggedExemplar[]> {
  const found = new Map<SentSeries, LoggedExemplar[]>();
  for (const exemplar of piece.exemplars) {
    const series = byRef(exemplar.ref);
    if (series === undefined || series.piece !== number) continue;
    const list = found.get(series);
    if (list === undefined) found.set(series, [exemplar]);
    else list.push(exemplar);
  }
  return found;
}
