// The series of the head: labels → series → ref, and the inverted index name → value → refs.
// A label value is kept once, with the list of the series that have it. Refs only rise, so lists stay sorted by appending.
// Hot per-series state lies in arrays by slot; a slot is used again when its series is gone, a ref never is.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

import { assert, err, ok, type Result } from '../base/index.ts';
import {
  type Labels,
  labelsEqual,
  labelsFromSorted,
  labelValue,
  METRIC_NAME,
  type SeriesRef,
  type TargetId,
} from '../model/index.ts';
import { NONE, type Posting, type Series } from './head-data.ts';

export class SeriesTable {
  readonly #byRef = new Map<number, Series>();
  readonly #byHash = new Map<number, Series>();
  readonly #index = new Map<string, Map<string, Posting>>();
  readonly #names = new Map<string, string>();
  readonly #freeSlots: number[] = [];
  readonly #aliases = new Map<number, number>();
  #slots = 0;
  #nextRef = 1;
  #nextPosting = 1;
  /** Newest sample of the series in a slot, -Infinity before the first. */
  lastMs: Float64Array = new Float64Array(1024);
  /** Number of the write group that last touched a slot. */
  stamp: Float64Array = new Float64Array(1024);
  producer: (TargetId | undefined)[] = [];
  /** Grows whenever series are removed. */
  generation = 0;

  get size(): number {
    return this.#byRef.size;
  }

  get(ref: number): Series | undefined {
    return this.#byRef.get(ref);
  }

  all(): IterableIterator<Series> {
    return this.#byRef.values();
  }

  /** name → value → series. */
  get index(): ReadonlyMap<string, ReadonlyMap<string, Posting>> {
    return this.#index;
  }

  find(labels: Labels): Series | undefined {
    let hash = HASH_START;
    for (let i = 0; i < labels.length; i += 2) {
      const posting = this.#index.get(labels[i]!)?.get(labels[i + 1]!);
      if (posting === undefined) return undefined;
      hash = mix(hash, posting.id);
    }
    let series = this.#byHash.get(hash);
    while (series !== undefined && !labelsEqual(series.labels, labels)) series = series.next;
    return series;
  }

  create(
    labels: Labels,
    options: {
      readonly seriesMax: number;
      /** Of one metric name. */
      readonly metricSeriesMax: number;
      readonly nowMs: number;
    },
  ): Result<Series, 'total' | 'metric'> {
    if (this.size >= options.seriesMax) return err('total');
    if (this.seriesOf(labelValue(labels, METRIC_NAME)) >= options.metricSeriesMax) return err('metric');
    assert(this.#nextRef < 0xffff_ffff, 'series refs are used up');
    return ok(this.#add(labels, this.#nextRef, options.nowMs));
  }

  /** How many series have this metric name. */
  seriesOf(metric: string): number {
    return this.#index.get(METRIC_NAME)?.get(metric)?.refs.length ?? 0;
  }

  /**
   * Puts a series back that was written by an earlier process. One that was dropped and came again stands in the file
   * with two refs: the later one is the series, the earlier one is known by `resolve` as long as the replay lasts.
   */
  restore(labels: Labels, ref: number): void {
    if (this.#byRef.has(ref)) return;
    const known = this.find(labels);
    if (known !== undefined && known.ref > ref) {
      this.#aliases.set(ref, known.ref);
      return;
    }
    if (known !== undefined) {
      this.remove([known]);
      this.#aliases.set(known.ref, ref);
    }
    this.#add(labels, ref, 0);
  }

  /** The series of a ref found on disk. */
  resolve(ref: number): Series | undefined {
    let at: number | undefined = ref;
    while (at !== undefined && !this.#byRef.has(at)) at = this.#aliases.get(at);
    return at === undefined ? undefined : this.#byRef.get(at);
  }

  endRestore(): void {
    this.#aliases.clear();
  }

  /** No ref up to this one will be given out: something on disk may still name it. */
  reserveRef(ref: number): void {
    if (ref >= this.#nextRef) this.#nextRef = ref + 1;
  }

  remove(dead: readonly Series[]): void {
    this.generation++;
    const refs = new Set<number>();
    const touched = new Map<Posting, { name: string; values: Map<string, Posting> }>();
    for (const series of dead) {
      refs.add(series.ref);
      this.#byRef.delete(series.ref);
      this.#unchain(series);
      this.#freeSlots.push(series.slot);
      this.producer[series.slot] = undefined;
      for (let i = 0; i < series.labels.length; i += 2) {
        const name = series.labels[i]!;
        const values = this.#index.get(name);
        const posting = values?.get(series.labels[i + 1]!);
        if (values !== undefined && posting !== undefined) touched.set(posting, { name, values });
      }
    }
    for (const [posting, { name, values }] of touched) {
      posting.refs = posting.refs.filter(ref => !refs.has(ref));
      if (posting.refs.length === 0) values.delete(posting.value);
      if (values.size === 0) {
        this.#index.delete(name);
        this.#names.delete(name);
      }
    }
  }

  #add(labels: Labels, ref: number, nowMs: number): Series {
    const flat: string[] = [];
    let hash = HASH_START;
    for (let i = 0; i < labels.length; i += 2) {
      const posting = this.#posting(labels[i]!, labels[i + 1]!, flat);
      hash = mix(hash, posting.id);
      appendRef(posting.refs, ref);
    }
    const series: Series = {
      ref: ref as SeriesRef,
      slot: this.#takeSlot(),
      // A copy, since an array that grew keeps room to grow on.
      labels: labelsFromSorted(Object.freeze(flat.slice())),
      hash,
      next: this.#byHash.get(hash),
      members: NONE,
      columns: NONE,
      cohorts: NONE,
      cohortColumns: NONE,
      side: undefined,
      bornMs: nowMs,
    };
    this.#byHash.set(hash, series);
    this.#byRef.set(ref, series);
    this.reserveRef(ref);
    return series;
  }

  #posting(name: string, value: string, flat: string[]): Posting {
    let values = this.#index.get(name);
    if (values === undefined) {
      values = new Map();
      const own = ownCopy(name);
      this.#names.set(own, own);
      this.#index.set(own, values);
    }
    let posting = values.get(value);
    if (posting === undefined) {
      posting = { id: this.#nextPosting++, value: ownCopy(value), refs: [] };
      values.set(posting.value, posting);
    }
    // The one text of all series, not the caller's: his would be kept once a series.
    flat.push(this.#names.get(name) ?? name, posting.value);
    return posting;
  }

  #unchain(series: Series): void {
    const first = this.#byHash.get(series.hash);
    if (first === series) {
      if (series.next === undefined) this.#byHash.delete(series.hash);
      else this.#byHash.set(series.hash, series.next);
      return;
    }
    let before = first;
    while (before !== undefined && before.next !== series) before = before.next;
    if (before !== undefined) before.next = series.next;
  }

  #takeSlot(): number {
    const slot = this.#freeSlots.pop() ?? this.#slots++;
    if (slot >= this.lastMs.length) {
      this.lastMs = grown(this.lastMs);
      this.stamp = grown(this.stamp);
    }
    this.lastMs[slot] = -Infinity;
    this.stamp[slot] = -1;
    this.producer[slot] = undefined;
    return slot;
  }
}

const HASH_START = 0x811c9dc5;

function mix(hash: number, id: number): number {
  return (Math.imul(hash ^ id, 0x9e3779b1) ^ (hash >>> 15)) >>> 0;
}

function appendRef(refs: number[], ref: number): void {
  // Refs come rising, except while an older process's series are restored after a rewrite of their file.
  if (refs.length === 0 || refs[refs.length - 1]! < ref) {
    refs.push(ref);
    return;
  }
  let at = refs.length;
  while (at > 0 && refs[at - 1]! > ref) at--;
  refs.splice(at, 0, ref);
}

function grown(column: Float64Array): Float64Array {
  const larger = new Float64Array(column.length * 2);
  larger.set(column);
  return larger;
}

/** A string of its own memory: one cut out of a page would keep the whole page alive. */
function ownCopy(text: string): string {
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) > 255) return Buffer.from(text, 'utf16le').toString('utf16le');
  }
  return Buffer.from(text, 'latin1').toString('latin1');
}
