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
import { PostingList } from './posting-list.ts';
import { RefTable } from './ref-table.ts';

export class SeriesTable {
  readonly #byRef = new RefTable();
  /** By the low bits of the hash: the ref of the first series of a chain, 0 without one. A Map takes five times as much. */
  #chains = new Uint32Array(CHAINS_START);
  readonly #index = new Map<string, Map<string, Posting>>();
  readonly #names = new Map<string, string>();
  readonly #freeSlots: number[] = [];
  readonly #aliases = new Map<number, number>();
  /** What was looked for last, and the postings met on the way: who is not found is added next. */
  #sought: Labels | undefined;
  readonly #met: Posting[] = [];
  #slots = 0;
  #nextRef = 1;
  #nextPosting = 1;
  /** Newest sample of the series in a slot, -Infinity before the first. */
  lastMs: Float64Array = new Float64Array(1024);
  /** How often a sample has come that was not newer than those of its series: what was read of it before lacks that one. */
  lates: Uint32Array = new Uint32Array(1024);
  /** Number of the write group that last touched a slot. */
  stamp: Float64Array = new Float64Array(1024);
  producer: (TargetId | undefined)[] = [];
  /** Grows whenever series are removed. */
  generation = 0;

  get size(): number {
    return this.#byRef.size;
  }

  /** Series that come from now on have refs from this one on. */
  get nextRef(): number {
    return this.#nextRef;
  }

  get(ref: number): Series | undefined {
    return this.#byRef.get(ref);
  }

  all(): Iterable<Series> {
    return this.#byRef.values();
  }

  forEach(visit: (series: Series) => void): void {
    this.#byRef.forEach(visit);
  }

  /** All slots in use lie below it. */
  get slots(): number {
    return this.#slots;
  }

  /** The same in portions; series may come and go between them. */
  pages(): Iterable<readonly (Series | undefined)[]> {
    return this.#byRef.pages();
  }

  /** name → value → series. */
  get index(): ReadonlyMap<string, ReadonlyMap<string, Posting>> {
    return this.#index;
  }

  find(labels: Labels): Series | undefined {
    let hash = HASH_START;
    this.#sought = labels;
    this.#met.length = 0;
    for (let i = 0; i < labels.length; i += 2) {
      const posting = this.#index.get(labels[i]!)?.get(labels[i + 1]!);
      if (posting === undefined) return undefined;
      this.#met.push(posting);
      hash = mix(hash, posting.id);
    }
    let series = this.#firstOf(hash);
    while (series !== undefined && !(series.hash === hash && labelsEqual(series.labels, labels)))
      series = series.next;
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
    return this.#index.get(METRIC_NAME)?.get(metric)?.series.length ?? 0;
  }

  /**
   * Puts a series back that was written by an earlier process. One that was dropped and came again stands in the file
   * with two refs: the later one is the series, the earlier one is known by `resolve` as long as the replay lasts.
   */
  restore(labels: Labels, ref: number): void {
    if (this.#byRef.get(ref) !== undefined) return;
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

  /**
   * The same for who reads many, and has the postings of the labels: `postings[i]` is that of label i, whose own texts stand in
   * `flat`, of which the first 2 * `count` count. False if one of the postings is gone: nothing is done then.
   */
  restoreBy(
    ref: number,
    found: {
      readonly flat: readonly string[];
      readonly postings: readonly Posting[];
      readonly count: number;
    },
  ): boolean {
    if (this.#byRef.get(ref) !== undefined) return true;
    const { flat, postings, count } = found;
    let hash = HASH_START;
    for (let i = 0; i < count; i++) hash = mix(hash, postings[i]!.id);
    const labels = labelsFromSorted(Object.freeze(flat.slice(0, 2 * count)));
    let known = this.#firstOf(hash);
    while (known !== undefined && !(known.hash === hash && labelsEqual(known.labels, labels)))
      known = known.next;
    if (known !== undefined) return false;
    for (let i = 0; i < count; i++) postings[i]!.series.add(ref);
    this.#put(labels, { ref, hash, nowMs: 0 });
    return true;
  }

  /** The posting of a label, made if need be for a series that is about to come, and the one text of its name. */
  postingFor(name: string, value: string): { readonly posting: Posting; readonly name: string } {
    const posting = this.#posting(name, value);
    return { posting, name: this.#names.get(name) ?? name };
  }

  /** The series of a ref found on disk. */
  resolve(ref: number): Series | undefined {
    let at: number | undefined = ref;
    while (at !== undefined && this.#byRef.get(at) === undefined) at = this.#aliases.get(at);
    return at === undefined ? undefined : this.#byRef.get(at);
  }

  endRestore(): void {
    this.#aliases.clear();
  }

  /** A ref for a series that only blocks have. */
  takeRef(): SeriesRef {
    assert(this.#nextRef < 0xffff_ffff, 'series refs are used up');
    return this.#nextRef++ as SeriesRef;
  }

  /** No ref up to this one will be given out: something on disk may still name it. */
  reserveRef(ref: number): void {
    if (ref >= this.#nextRef) this.#nextRef = ref + 1;
  }

  reserveRefs(refs: Uint32Array): void {
    let greatest = 0;
    for (let i = 0; i < refs.length; i++) if (refs[i]! > greatest) greatest = refs[i]!;
    this.reserveRef(greatest);
  }

  /** A sample of the series in a slot, found on disk. */
  noteTime(slot: number, timeMs: number, producer: TargetId): void {
    if (timeMs < this.lastMs[slot]!) return;
    this.lastMs[slot] = timeMs;
    this.producer[slot] = producer;
  }

  remove(dead: readonly Series[]): void {
    this.#sought = undefined;
    this.generation++;
    const refs = new Set<number>();
    const range = { least: Infinity, greatest: 0 };
    const touched = new Map<Posting, { name: string; values: Map<string, Posting> }>();
    for (const series of dead) {
      refs.add(series.ref);
      range.least = Math.min(range.least, series.ref);
      range.greatest = Math.max(range.greatest, series.ref);
      this.#unchain(series);
      this.#byRef.remove(series.ref);
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
      posting.series.removeAll(refs, range);
      if (posting.series.length === 0) values.delete(posting.value);
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
      const known = this.#sought === labels ? this.#met[i / 2] : undefined;
      const posting = known ?? this.#posting(labels[i]!, labels[i + 1]!);
      // The one text of all series, not the caller's: his would be kept once a series.
      flat.push(this.#names.get(labels[i]!) ?? labels[i]!, posting.value);
      hash = mix(hash, posting.id);
      posting.series.add(ref);
    }
    // A copy, since an array that grew keeps room to grow on.
    return this.#put(labelsFromSorted(Object.freeze(flat.slice())), { ref, hash, nowMs });
  }

  /** Its postings have it already. */
  #put(
    labels: Labels,
    { ref, hash, nowMs }: { readonly ref: number; readonly hash: number; readonly nowMs: number },
  ): Series {
    const series: Series = {
      ref: ref as SeriesRef,
      slot: this.#takeSlot(),
      labels,
      hash,
      next: this.#firstOf(hash),
      members: NONE,
      columns: NONE,
      cohorts: NONE,
      cohortColumns: NONE,
      side: undefined,
      bornSeconds: Math.floor(nowMs / 1000),
    };
    this.#sought = undefined;
    this.#setFirst(hash, series);
    this.#byRef.add(ref, series);
    if (this.#byRef.size > this.#chains.length) this.#growChains();
    this.reserveRef(ref);
    return series;
  }

  #posting(name: string, value: string): Posting {
    let values = this.#index.get(name);
    if (values === undefined) {
      values = new Map();
      const own = ownCopy(name);
      this.#names.set(own, own);
      this.#index.set(own, values);
    }
    let posting = values.get(value);
    if (posting === undefined) {
      posting = { id: this.#nextPosting++, value: ownCopy(value), series: new PostingList() };
      values.set(posting.value, posting);
    }
    return posting;
  }

  #firstOf(hash: number): Series | undefined {
    return this.#byRef.get(this.#chains[hash & (this.#chains.length - 1)]!);
  }

  #setFirst(hash: number, series: Series | undefined): void {
    this.#chains[hash & (this.#chains.length - 1)] = series?.ref ?? 0;
  }

  #growChains(): void {
    this.#chains = new Uint32Array(2 * this.#chains.length);
    this.#byRef.forEach(series => {
      series.next = this.#firstOf(series.hash);
      this.#setFirst(series.hash, series);
    });
  }

  /** The series must be in the table still. */
  #unchain(series: Series): void {
    const first = this.#firstOf(series.hash);
    if (first === series) {
      this.#setFirst(series.hash, series.next);
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
      const lates = new Uint32Array(this.lastMs.length);
      lates.set(this.lates);
      this.lates = lates;
      this.stamp = grown(this.stamp);
    }
    this.lastMs[slot] = -Infinity;
    this.stamp[slot] = -1;
    this.producer[slot] = undefined;
    return slot;
  }
}

/** Doubled whenever there are more series. */
const CHAINS_START = 1024;

const HASH_START = 0x11c9dc5;

/** Kept in 32 bits with a sign: larger ones would take an object each. */
function mix(hash: number, id: number): number {
  return (Math.imul(hash ^ id, 0x9e3779b1) ^ (hash >>> 15)) | 0;
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
