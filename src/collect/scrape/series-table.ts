// What a target's series texts mean: raw bytes → entry with the series' ref. Open addressing over flat arrays;
// a text is decoded, relabelled and interned once, when it is first seen.

import type { MetricType, SeriesRef } from '../../model/index.ts';
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
  readonly #types: MetricType[] = [];
  readonly #byRef = new Map<number, number>();
  /** Entry + 1 by hash; 0 is free. At most half full. */
  #slots = new Uint32Array(CAPACITY_START * 2);

  /** Different series among the entries. */
  get series(): number {
    return this.#byRef.size;
  }

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
    this.#types[entry] = type;
    this.canonical[entry] = entry;
    this.states[entry] = REFUSED;
    this.#place(entry);
    return entry;
  }

  textOf(entry: number): Uint8Array {
    const start = this.#textStarts[entry] as number;
    return this.texts.bytes.subarray(start, start + (this.#textLengths[entry] as number));
  }

  /** The type in force where the text was first seen: it decides how bucket bounds are written. */
  typeOf(entry: number): MetricType {
    return this.#types[entry] ?? 'unknown';
  }

  stateOf(entry: number): SeriesState {
    return STATES[this.states[entry] as number] ?? 'refused';
  }

  setRef(entry: number, ref: SeriesRef): void {
    this.refs[entry] = ref;
    this.states[entry] = LIVE;
    const first = this.#byRef.get(ref);
    if (first === undefined) this.#byRef.set(ref, entry);
    this.canonical[entry] = first ?? entry;
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
    this.#slots = new Uint32Array(capacity * 2);
    for (let entry = 0; entry < this.count; entry++) this.#place(entry);
  }
}

function grown(old: Uint32Array, capacity: number): Uint32Array<ArrayBuffer> {
  const array = new Uint32Array(capacity);
  array.set(old);
  return array;
}

/** 32-bit FNV-1a: short, and only the candidates of a slot are compared byte by byte. */
function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ (bytes[i] as number), 0x01000193);
  // The low bits select the slot: mix the high ones in.
  return (hash ^ (hash >>> 15)) >>> 0;
}
