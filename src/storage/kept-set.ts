// What one selector's series have, decoded and kept for who asks again: a column for each series, with room for what comes, and
// times once for all series that share them. What lies below a column's count never changes, so that those who read it go on
// reading while more is put behind.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

import type { Labels, SeriesColumns, SeriesRef, TargetId } from '../model/index.ts';
import type { Window } from './block/block.ts';
import type { Series } from './head-data.ts';
import type { SeriesTable } from './series-table.ts';
import { KEPT_IDLE_MS } from './settings.ts';

/** Room behind the samples that are there: of hours an eighth, of minutes a quarter of an hour at 15 s. */
const ROOM_SHARE = 1 / 8;
const ROOM_MIN = 64;
/** Of a series beside its samples: its column, its stamps, and its part of lists. */
const COLUMN_BYTES = 300;
const SAMPLE_BYTES = 8;
/** Series copied between two yields: of six hours some tens of microseconds. */
const COPIED_AT_ONCE = 16;

/** Times of series that have them in common: those of each column are the first ones of its line. */
interface Line {
  readonly times: Float64Array;
  count: number;
}

interface Column {
  readonly labels: Labels;
  readonly ref: SeriesRef;
  producer: TargetId | undefined;
  readonly line: Line;
  /** As long as the times. */
  readonly values: Float64Array;
  count: number;
  isPlain: boolean;
}

/** What is seen of the head's series of a selector at one moment: taken before they are read. */
export class Stamps {
  readonly series: readonly Series[];
  /** All samples up to this one have been seen, by series. */
  readonly seenMs: Float64Array;
  readonly #lates: Uint32Array;

  constructor(table: SeriesTable, series: readonly Series[], toMs: number) {
    this.series = series;
    this.seenMs = Float64Array.from(series, ({ slot }) => Math.min(table.lastMs[slot]!, toMs));
    this.#lates = Uint32Array.from(series, ({ slot }) => table.lates[slot]!);
  }

  /** Whether it still is of these series, and none of them has got a sample before its newest one. */
  isOf(series: readonly Series[], { lates }: SeriesTable): boolean {
    if (series.length !== this.series.length) return false;
    for (let i = 0; i < series.length; i++) {
      if (series[i] !== this.series[i] || lates[series[i]!.slot] !== this.#lates[i]) return false;
    }
    return true;
  }

  /** Those of which there is more up to a time, by index. */
  behind({ lastMs }: SeriesTable, toMs: number): readonly number[] {
    const found: number[] = [];
    for (let i = 0; i < this.series.length; i++)
      if (Math.min(lastMs[this.series[i]!.slot]!, toMs) > this.seenMs[i]!) found.push(i);
    return found;
  }
}

/** What a set was read of, as far as it cannot be seen by its series. */
export interface ReadState {
  readonly blocks: readonly { readonly tombstones: unknown }[];
  readonly tombstones: readonly unknown[];
  readonly drops: number;
}

export class KeptSet {
  readonly stamps: Stamps;
  readonly state: ReadState;
  /** Exclusive: from then on all is there. */
  readonly fromMs: number;
  /** What blocks have up to this time was looked at. */
  toMs: number;
  /** How far back was asked for lately, and in the stretch of time before that. */
  #backMs: number;
  #backBeforeMs: number;
  #sinceMs: number;
  /** Something did not fit behind the columns, when other things had been put there already. */
  isBroken = false;
  readonly bytes: number;
  readonly #columns: readonly Column[];

  constructor(
    columns: readonly Column[],
    of: {
      readonly stamps: Stamps;
      readonly state: ReadState;
      readonly window: Window;
      readonly nowMs: number;
    },
  ) {
    this.#columns = columns;
    this.#backMs = of.window.fromMs;
    this.#backBeforeMs = of.window.fromMs;
    this.#sinceMs = of.nowMs;
    this.stamps = of.stamps;
    this.state = of.state;
    this.fromMs = of.window.fromMs;
    this.toMs = of.window.toMs;
    this.bytes = bytesOf(columns);
  }

  /** It is asked for from this time on. */
  noteAsked(fromMs: number, nowMs: number): void {
    if (nowMs - this.#sinceMs >= KEPT_IDLE_MS) {
      this.#backBeforeMs = this.#backMs;
      this.#backMs = fromMs;
      this.#sinceMs = nowMs;
    }
    this.#backMs = Math.min(this.#backMs, fromMs);
  }

  /** What is asked for lately, altogether: who reads anew for one reads for all. */
  get wantedFromMs(): number {
    return Math.min(this.#backMs, this.#backBeforeMs);
  }

  /** At most `limit` series that have samples in the window, 0 for all, in the order of labels. */
  within({ fromMs, toMs }: Window, limit: number): readonly SeriesColumns[] {
    const found: SeriesColumns[] = [];
    let latest: { readonly line: Line; readonly count: number } | undefined;
    let [from, to] = [0, 0];
    for (const { labels, ref, producer, line, values, count, isPlain } of this.#columns) {
      // Series that share their times follow one another.
      if (latest?.line !== line || latest.count !== count) {
        latest = { line, count };
        from = firstAfter(line.times, count, fromMs);
        to = firstAfter(line.times, count, toMs);
      }
      if (from === to) continue;
      found.push({ labels, ref, producer, timesMs: line.times, values, from, to, isPlain });
      if (found.length === limit) break;
    }
    return found;
  }

  /** Puts what came since behind the columns; false where that does not go, and the set is good for nothing more. */
  append(tail: readonly SeriesColumns[]): boolean {
    let at = 0;
    for (const one of tail) {
      while (at < this.#columns.length && this.#columns[at]!.ref !== one.ref) at++;
      const column = this.#columns[at];
      if (column === undefined || hasExtras(one) || !appendTo(column, one)) {
        this.isBroken = true;
        return false;
      }
    }
    return true;
  }

  /** All samples of these series up to the times that the stamps of the read have. */
  noteSeen(which: readonly number[], seenMs: Float64Array, toMs: number): void {
    const { stamps } = this;
    for (let i = 0; i < which.length; i++)
      stamps.seenMs[which[i]!] = Math.max(stamps.seenMs[which[i]!]!, seenMs[i]!);
    this.toMs = Math.max(this.toMs, toMs);
  }
}

function hasExtras({ histograms, startTimesMs }: SeriesColumns): boolean {
  return histograms !== undefined || startTimesMs !== undefined;
}

function appendTo(column: Column, tail: SeriesColumns): boolean {
  const { line, values } = column;
  const { times } = line;
  const { timesMs, to } = tail;
  const lastMs = column.count === 0 ? -Infinity : times[column.count - 1]!;
  let start = tail.from;
  // Another query may have put it there meanwhile.
  while (start < to && timesMs[start]! <= lastMs) start++;
  const added = to - start;
  if (added === 0) return true;
  if (column.count + added > times.length) return false;
  for (let i = 0; i < added; i++) {
    const at = column.count + i;
    if (at === line.count) {
      times[at] = timesMs[start + i]!;
      line.count++;
    } else if (times[at] !== timesMs[start + i]) return false;
  }
  copyValues(tail, start, { values, at: column.count });
  column.count += added;
  column.isPlain &&= tail.isPlain === true;
  column.producer = tail.producer ?? column.producer;
  return true;
}

/** Numbers that are known to be finite go by themselves, which makes no views; others by their bytes. */
function copyValues(
  { values, to, isPlain }: SeriesColumns,
  start: number,
  into: { readonly values: Float64Array; readonly at: number },
): void {
  if (isPlain !== true || to - start > LOOPED_MAX) into.values.set(values.subarray(start, to), into.at);
  else for (let i = start; i < to; i++) into.values[into.at + i - start] = values[i]!;
}

/** Longer ones are copied by their bytes. */
const LOOPED_MAX = 32;

function firstAfter(times: Float64Array, count: number, timeMs: number): number {
  let [low, high] = [0, count];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (times[middle]! > timeMs) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Of what was read for a wider window those that have samples in this one. */
export function narrowed(read: readonly SeriesColumns[], { fromMs, toMs }: Window): readonly SeriesColumns[] {
  const found: SeriesColumns[] = [];
  let latest: SeriesColumns | undefined;
  let [from, to] = [0, 0];
  for (const one of read) {
    if (latest?.timesMs !== one.timesMs || latest.from !== one.from || latest.to !== one.to) {
      latest = one;
      from = Math.max(one.from, firstAfter(one.timesMs, one.to, fromMs));
      to = Math.max(from, firstAfter(one.timesMs, one.to, toMs));
    }
    if (from < to) found.push({ ...one, from, to });
  }
  return found;
}

// --- making one -------------------------------------------------------------------------------------

function capacityFor(count: number): number {
  return count + Math.max(ROOM_MIN, Math.ceil(count * ROOM_SHARE));
}

/** What a set of these would take; undefined where they are none to be kept. */
export function keptBytes(read: readonly SeriesColumns[]): number | undefined {
  let bytes = 0;
  let times: Float64Array | undefined;
  for (const one of read) {
    if (hasExtras(one)) return undefined;
    const capacity = capacityFor(one.to - one.from);
    bytes += COLUMN_BYTES + capacity * SAMPLE_BYTES;
    if (one.timesMs !== times) bytes += capacity * SAMPLE_BYTES;
    times = one.timesMs;
  }
  return bytes;
}

function bytesOf(columns: readonly Column[]): number {
  const lines = new Set<Line>();
  let bytes = 0;
  for (const { values, line } of columns) {
    bytes += COLUMN_BYTES + values.length * SAMPLE_BYTES;
    if (lines.has(line)) continue;
    lines.add(line);
    bytes += line.times.length * SAMPLE_BYTES;
  }
  return bytes;
}

/** Copies what was read, since that lies in memory which is lent. */
export function* keepingSteps(
  read: readonly SeriesColumns[],
  of: {
    readonly stamps: Stamps;
    readonly state: ReadState;
    readonly window: Window;
    readonly nowMs: number;
  },
): Generator<void, KeptSet> {
  const lines = new Map<
    Float64Array,
    { readonly line: Line; readonly from: number; readonly to: number }[]
  >();
  const columns: Column[] = [];
  for (let i = 0; i < read.length; i++) {
    const { labels, ref, producer, timesMs, values, from, to, isPlain } = read[i]!;
    const known = lines.get(timesMs) ?? [];
    let shared = known.find(one => one.from === from && one.to === to);
    if (shared === undefined) {
      const times = new Float64Array(capacityFor(to - from));
      times.set(timesMs.subarray(from, to));
      shared = { line: { times, count: to - from }, from, to };
      lines.set(timesMs, [...known, shared]);
    }
    const { line } = shared;
    const own = new Float64Array(line.times.length);
    own.set(values.subarray(from, to));
    columns.push({
      labels,
      ref,
      producer,
      line,
      values: own,
      count: to - from,
      isPlain: isPlain === true,
    });
    if ((i + 1) % COPIED_AT_ONCE === 0) yield;
  }
  return new KeptSet(columns, of);
}
