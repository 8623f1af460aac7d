// Which series is meant, from the raw bytes of its labels: senders repeat the same series in the same order, so the one
// that followed last time is compared first, then the hash decides; labels are decoded for new series only.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

/** Beyond this the table starts anew: senders whose series come and go must not fill the memory. */
const BYTES_MAX = 512 * 1024 * 1024;
const NOBODY = -1;

export class PushedSeries {
  count = 0;
  refs = new Uint32Array(1024);
  /** Generation of the store in which the ref was last known to be live. */
  generations = new Float64Array(1024);
  #next = new Int32Array(1024).fill(NOBODY);
  #starts = new Uint32Array(1024);
  #lengths = new Uint32Array(1024);
  #hashes = new Uint32Array(1024);
  #bytes = new Uint8Array(64 * 1024);
  /** The same memory. */
  #view = new DataView(this.#bytes.buffer);
  #used = 0;
  /** Entry + 1 by hash, open addressing. */
  #slots = new Uint32Array(2048);
  #last = NOBODY;
  /** Of the labels that were not found last: who is added next. */
  #missedHash = 0;
  readonly #seed: number;

  /** `seed`: nobody outside can tell which labels share a slot. */
  constructor(seed: number) {
    this.#seed = seed;
  }

  /** The entry of the labels in [from, to), or -1. The first series of a request follows the last of the one before. */
  find(bytes: DataView, from: number, to: number): number {
    const guess = this.#last === NOBODY ? NOBODY : this.#next[this.#last]!;
    if (guess !== NOBODY && this.#equals(guess, bytes, from, to)) {
      this.#last = guess;
      return guess;
    }
    const entry = this.#lookUp(bytes, from, to);
    if (entry === NOBODY) return NOBODY;
    this.#follow(entry);
    return entry;
  }

  /** Remembers the series that `find` has just not found. */
  add(bytes: DataView, from: number, to: number): number {
    if (this.#used + to - from > BYTES_MAX) this.#clear();
    if (this.count === this.refs.length) this.#grow();
    const entry = this.count++;
    this.#keep(bytes, from, to);
    this.#starts[entry] = this.#used - (to - from);
    this.#lengths[entry] = to - from;
    this.#hashes[entry] = this.#missedHash;
    this.#place(entry);
    this.#follow(entry);
    return entry;
  }

  #follow(entry: number): void {
    if (this.#last !== NOBODY) this.#next[this.#last] = entry;
    this.#last = entry;
  }

  #lookUp(bytes: DataView, from: number, to: number): number {
    const mask = this.#slots.length - 1;
    const hash = this.#hashOf(bytes, from, to);
    let slot = hash & mask;
    for (;;) {
      const entry = this.#slots[slot]! - 1;
      if (entry === NOBODY) {
        this.#missedHash = hash;
        return NOBODY;
      }
      if (this.#hashes[entry] === hash && this.#equals(entry, bytes, from, to)) return entry;
      slot = (slot + 1) & mask;
    }
  }

  /** FNV-1a over 32 bits from the seed, with a last mix, since the table takes the low bits. */
  #hashOf(bytes: DataView, from: number, to: number): number {
    let hash = 0x811c9dc5 ^ this.#seed;
    for (let i = from; i < to; i++) hash = Math.imul(hash ^ bytes.getUint8(i), 0x01000193);
    return (hash ^ (hash >>> 15)) >>> 0;
  }

  #equals(entry: number, bytes: DataView, from: number, to: number): boolean {
    if (this.#lengths[entry] !== to - from) return false;
    const known = this.#view;
    let at = this.#starts[entry]!;
    let i = from;
    for (; i + 4 <= to; i += 4, at += 4)
      if (known.getUint32(at, true) !== bytes.getUint32(i, true)) return false;
    for (; i < to; i++, at++) if (known.getUint8(at) !== bytes.getUint8(i)) return false;
    return true;
  }

  #keep(bytes: DataView, from: number, to: number): void {
    const wanted = this.#used + to - from;
    if (wanted > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(wanted, this.#bytes.length * 2));
      larger.set(this.#bytes.subarray(0, this.#used));
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    this.#bytes.set(new Uint8Array(bytes.buffer, bytes.byteOffset + from, to - from), this.#used);
    this.#used = wanted;
  }

  #place(entry: number): void {
    const mask = this.#slots.length - 1;
    let slot = this.#hashes[entry]! & mask;
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
    this.#slots[slot] = entry + 1;
  }

  #grow(): void {
    const capacity = this.refs.length * 2;
    this.refs = grown(this.refs, new Uint32Array(capacity));
    this.generations = grown(this.generations, new Float64Array(capacity));
    this.#next = grown(this.#next, new Int32Array(capacity).fill(NOBODY));
    this.#starts = grown(this.#starts, new Uint32Array(capacity));
    this.#lengths = grown(this.#lengths, new Uint32Array(capacity));
    this.#hashes = grown(this.#hashes, new Uint32Array(capacity));
    this.#slots = new Uint32Array(capacity * 2);
    for (let entry = 0; entry < this.count; entry++) this.#place(entry);
  }

  #clear(): void {
    this.count = 0;
    this.#used = 0;
    this.#last = NOBODY;
    this.#next.fill(NOBODY);
    this.#slots.fill(0);
  }
}

function grown<T extends Uint32Array | Int32Array | Float64Array>(old: T, larger: T): T {
  larger.set(old);
  return larger;
}
