// What a target's series texts mean: raw bytes → entry with the series' ref. Open addressing over flat arrays;
// a text is decoded, relabelled and interned once, when it is first seen.

import { METRIC_TYPES, type MetricType, type SeriesRef } from '../../model/index.ts';
import { ByteArena, sameBytes } from './byte-arena.ts';

export type SeriesState = 'live' | 'dropped' | 'refused';

const LIVE = 0;
const DROPPED = 1;
const REFUSED = 2;
const STATES: readonly SeriesState[] = ['live', 'dropped', 'refused'];

/** Most pages are smaller; tables double as they fill. */
const CAPACITY_START = 256;

/** Owns the entries. An entry's number stays its own until the table is replaced. */
export class SeriesTable {
  readonly texts = new ByteArena(CAPACITY_START * 64);
  count = 0;
  /** By entry. */
  refs = new Uint32Array(CAPACITY_START);
  /** The entry that stands for the ref: two texts can mean one series. */
  canonical = new Uint32Array(CAPACITY_START);
  /** The number of the last page that held the entry (by canonical entry). */
  seenOn = new Uint32Array(CAPACITY_START);
  /** The last page in which it counts for staleness (by canonical entry). */
  trackedOn = new Uint32Array(CAPACITY_START);
  states = new Uint8Array(CAPACITY_START);
  #textStarts = new Uint32Array(CAPACITY_START);
  #textLengths = new Uint32Array(CAPACITY_START);
  #hashes = new Uint32Array(CAPACITY_START);
  /** By their place in METRIC_TYPES. */
  #types = new Uint8Array(CAPACITY_START);
  /** Entry + 1 by hash; 0 is free. At most half full. */
  #slots = new Uint32Array(CAPACITY_START * 2);
  /** The first entry of a ref + 1, by a hash of the ref; 0 is free. As long as the other. */
  #refSlots = new Uint32Array(CAPACITY_START * 2);
  #refSlotsUsed = 0;

  /** Different series among the entries. */
  series = 0;

  /** The entry of a text, or -1. */
  find(bytes: Uint8Array, start: number, end: number): number {
    const hash = hashOf(bytes, start, end);
    const mask = this.#slots.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const entry = (this.#slots[slot] as number) - 1;
      if (entry < 0) return -1;
      if (this.#hashes[entry] !== hash || this.#textLengths[entry] !== end - start) continue;
      const at = { a: this.#textStarts[entry] as number, b: start, length: end - start };
      if (sameBytes(this.texts.bytes, bytes, at)) return entry;
    }
  }

  /** Adds a text that `find` did not find. */
  add(bytes: Uint8Array, span: { readonly start: number; readonly end: number }, type: MetricType): number {
    const { start, end } = span;
    if (this.count === this.refs.length) this.#grow();
    const entry = this.count++;
    this.#textStarts[entry] = this.texts.append(bytes, start, end);
    this.#textLengths[entry] = end - start;
    this.#hashes[entry] = hashOf(bytes, start, end);
    this.#types[entry] = METRIC_TYPES.indexOf(type);
    this.canonical[entry] = entry;
    this.states[entry] = REFUSED;
    this.#place(entry);
    return entry;
  }

  textLengthOf(entry: number): number {
    return this.#textLengths[entry] as number;
  }

  /** Whether the text of an entry stands at `at`; there must be as many bytes behind it. Hot. */
  isText(entry: number, view: DataView, at: number): boolean {
    const start = this.#textStarts[entry] as number;
    const length = this.#textLengths[entry] as number;
    const texts = this.texts.view;
    // The last byte tells the most lines apart.
    if (view.getUint8(at + length - 1) !== texts.getUint8(start + length - 1)) return false;
    let i = 0;
    for (; i + 4 <= length; i += 4)
      if (texts.getUint32(start + i, true) !== view.getUint32(at + i, true)) return false;
    for (; i < length; i++) if (texts.getUint8(start + i) !== view.getUint8(at + i)) return false;
    return true;
  }

  textOf(entry: number): Uint8Array {
    const start = this.#textStarts[entry] as number;
    return this.texts.bytes.subarray(start, start + (this.#textLengths[entry] as number));
  }

  /** The type in force where the text was first seen: it decides how bucket bounds are written. */
  typeOf(entry: number): MetricType {
    return METRIC_TYPES[this.#types[entry] as number] ?? 'unknown';
  }

  stateOf(entry: number): SeriesState {
    return STATES[this.states[entry] as number] ?? 'refused';
  }

  setRef(entry: number, ref: SeriesRef): void {
    this.refs[entry] = ref;
    this.states[entry] = LIVE;
    this.canonical[entry] = this.#firstOf(ref, entry);
  }

  /** The first entry that had the ref: this one if none had. */
  #firstOf(ref: number, entry: number): number {
    // An entry may have one ref after the other, when the store drops series: what is left of those goes.
    if (2 * this.#refSlotsUsed >= this.#refSlots.length) this.#placeRefs(entry);
    const mask = this.#refSlots.length - 1;
    for (let slot = mixed(ref) & mask; ; slot = (slot + 1) & mask) {
      const first = (this.#refSlots[slot] as number) - 1;
      if (first < 0) {
        this.#refSlots[slot] = entry + 1;
        this.#refSlotsUsed++;
        this.series++;
        return entry;
      }
      if (this.refs[first] === ref) return first;
    }
  }

  /** Relabelling removed it: its lines are counted, never written. */
  setDropped(entry: number): void {
    this.states[entry] = DROPPED;
  }

  /** The store refused it for now: it is asked again when the text comes again. */
  setRefused(entry: number): void {
    this.states[entry] = REFUSED;
  }

  isLive(entry: number): boolean {
    return this.states[entry] === LIVE;
  }

  #place(entry: number): void {
    const mask = this.#slots.length - 1;
    let slot = (this.#hashes[entry] as number) & mask;
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
    this.#slots[slot] = entry + 1;
  }

  /** Of all live entries but one, whose ref is not placed yet. */
  #placeRefs(except: number): void {
    this.#refSlots = new Uint32Array(this.#slots.length);
    this.#refSlotsUsed = 0;
    const mask = this.#refSlots.length - 1;
    for (let entry = 0; entry < this.count; entry++) {
      if (entry === except || this.canonical[entry] !== entry || !this.isLive(entry)) continue;
      let slot = mixed(this.refs[entry] as number) & mask;
      while (this.#refSlots[slot] !== 0) slot = (slot + 1) & mask;
      this.#refSlots[slot] = entry + 1;
      this.#refSlotsUsed++;
    }
    this.series = this.#refSlotsUsed;
  }

  #grow(): void {
    const capacity = this.refs.length * 2;
    this.refs = grown(this.refs, capacity);
    this.canonical = grown(this.canonical, capacity);
    this.seenOn = grown(this.seenOn, capacity);
    this.trackedOn = grown(this.trackedOn, capacity);
    this.#textStarts = grown(this.#textStarts, capacity);
    this.#textLengths = grown(this.#textLengths, capacity);
    this.#hashes = grown(this.#hashes, capacity);
    const states = new Uint8Array(capacity);
    states.set(this.states);
    this.states = states;
    const types = new Uint8Array(capacity);
    types.set(this.#types);
    this.#types = types;
    this.#slots = new Uint32Array(capacity * 2);
    for (let entry = 0; entry < this.count; entry++) this.#place(entry);
    this.#placeRefs(-1);
  }
}

function grown(old: Uint32Array, capacity: number): Uint32Array<ArrayBuffer> {
  const array = new Uint32Array(capacity);
  array.set(old);
  return array;
}

/** Refs of one target come mostly one after another: any bits will do. */
function mixed(ref: number): number {
  return Math.imul(ref, 0x9e3779b1) >>> 7;
}

/** 32-bit FNV-1a: short, and only the candidates of a slot are compared byte by byte. */
function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ (bytes[i] as number), 0x01000193);
  // The low bits select the slot: mix the high ones in.
  return (hash ^ (hash >>> 15)) >>> 0;
}
