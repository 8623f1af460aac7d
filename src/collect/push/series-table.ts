// Which series is meant, from the raw bytes of its labels: senders repeat the same series in the same order, so the one
// that followed last time is compared first, then the hash decides; labels are decoded for new series only.
//
// Neighbours differ in a name or a label, so that of most series only the bytes are kept in which it differs from the one
// added before it: a seventh. Where both come one behind the other, each is compared with what lies in the message itself.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

/** Beyond this the table starts anew: senders whose series come and go must not fill the memory. */
const BYTES_MAX = 512 * 1024 * 1024;
const NOBODY = -1;
/** One of so many is kept whole, a power of two: what lies between is made from it. */
const WHOLE_EVERY = 16;
/** Kept in front of what a series has of its own: how many bytes at the beginning, and at the end, are its neighbour's. */
const SHARED_BYTES = 4;
const SHARED_MAX = 0xffff;
/** A start is the number of a page and, in these low bits, the place in it. A longer series has a page of its own. */
const PAGE_BITS = 17;
const PAGE_BYTES = 1 << PAGE_BITS;

interface Page {
  readonly bytes: Uint8Array;
  /** The same memory. */
  readonly view: DataView;
}

export class PushedSeries {
  count = 0;
  refs = new Uint32Array(1024);
  /** Generation of the store in which the ref was last known to be live. */
  generations = new Float64Array(1024);
  #next = new Int32Array(1024).fill(NOBODY);
  #starts = new Uint32Array(1024);
  #lengths = new Uint32Array(1024);
  #hashes = new Uint32Array(1024);
  /** Bytes of series, each within a page: pages are never copied, nor seen before they are needed. */
  readonly #pages: Page[] = [];
  /** Of the last page. */
  #used = 0;
  #allBytes = 0;
  /** Entry + 1 by hash, open addressing. */
  #slots = new Uint32Array(2048);
  #last = NOBODY;
  /** Where the labels of the last one lie, while they do. */
  #lastView: DataView | undefined;
  #lastFrom = 0;
  #lastTo = 0;
  /** The last call found nobody: unless that one is added, the last one's labels lie too far back. */
  #isMissed = false;
  /** A series made whole. */
  #whole = new Uint8Array(1024);
  #wholeView = new DataView(this.#whole.buffer);
  /** Of the labels that were not found last: who is added next. */
  #missedHash = 0;
  readonly #seed: number;

  /** `seed`: nobody outside can tell which labels share a slot. */
  constructor(seed: number) {
    this.#seed = seed;
  }

  /** The bytes that the last calls were about may be others from now on. */
  begin(): void {
    this.#lastView = undefined;
  }

  /**
   * The entry of the labels in [from, to), or -1. Those bytes must stay as they are until the next call but one, or `begin`.
   * The first series of a request follows the last of the one before.
   */
  find(bytes: DataView, from: number, to: number): number {
    if (this.#isMissed) this.#lastView = undefined;
    this.#isMissed = false;
    const guess = this.#last === NOBODY ? NOBODY : this.#next[this.#last]!;
    if (guess !== NOBODY && this.#equals(guess, bytes, from, to)) {
      this.#isNow(guess, bytes, from, to);
      return guess;
    }
    const entry = this.#lookUp(bytes, from, to);
    if (entry === NOBODY) {
      this.#isMissed = true;
      return NOBODY;
    }
    this.#follow(entry);
    this.#isNow(entry, bytes, from, to);
    return entry;
  }

  /** Remembers the series that `find` has just not found. */
  add(bytes: DataView, from: number, to: number): number {
    if (this.#allBytes + SHARED_BYTES + to - from > BYTES_MAX) this.#clear();
    if (this.count === this.refs.length) this.#grow();
    const entry = this.count++;
    this.#keep(entry, bytes, from, to);
    this.#lengths[entry] = to - from;
    this.#hashes[entry] = this.#missedHash;
    this.#place(entry);
    this.#follow(entry);
    this.#isNow(entry, bytes, from, to);
    return entry;
  }

  #follow(entry: number): void {
    if (this.#last !== NOBODY) this.#next[this.#last] = entry;
  }

  #isNow(entry: number, bytes: DataView, from: number, to: number): void {
    this.#last = entry;
    this.#isMissed = false;
    this.#lastView = bytes;
    this.#lastFrom = from;
    this.#lastTo = to;
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
    const start = this.#starts[entry]!;
    const { view } = this.#pages[start >>> PAGE_BITS]!;
    const at = start & (PAGE_BYTES - 1);
    if (entry % WHOLE_EVERY === 0) return same(view, at, bytes, from, to);
    const neighbour = this.#lastView;
    if (neighbour === undefined || this.#last !== entry - 1) {
      this.#makeWhole(entry);
      return same(this.#wholeView, 0, bytes, from, to);
    }
    const ownFrom = from + view.getUint16(at, true);
    const ownTo = to - view.getUint16(at + 2, true);
    return (
      same(view, at + SHARED_BYTES, bytes, ownFrom, ownTo) &&
      same(neighbour, this.#lastFrom, bytes, from, ownFrom) &&
      same(neighbour, this.#lastTo - (to - ownTo), bytes, ownTo, to)
    );
  }

  #makeWhole(entry: number): void {
    const first = entry - (entry % WHOLE_EVERY);
    let length = this.#lengths[first]!;
    this.#reserveWhole(length);
    const { bytes } = this.#pages[this.#starts[first]! >>> PAGE_BITS]!;
    const from = this.#starts[first]! & (PAGE_BYTES - 1);
    this.#whole.set(bytes.subarray(from, from + length));
    for (let one = first + 1; one <= entry; one++) {
      const wanted = this.#lengths[one]!;
      this.#reserveWhole(wanted);
      const page = this.#pages[this.#starts[one]! >>> PAGE_BITS]!;
      const at = this.#starts[one]! & (PAGE_BYTES - 1);
      const ownFrom = page.view.getUint16(at, true);
      const after = page.view.getUint16(at + 2, true);
      this.#whole.copyWithin(wanted - after, length - after, length);
      const own = at + SHARED_BYTES - ownFrom;
      for (let i = ownFrom; i < wanted - after; i++) this.#whole[i] = page.bytes[own + i]!;
      length = wanted;
    }
  }

  #reserveWhole(length: number): void {
    if (length <= this.#whole.length) return;
    const larger = new Uint8Array(Math.max(length, 2 * this.#whole.length));
    larger.set(this.#whole);
    this.#whole = larger;
    this.#wholeView = new DataView(larger.buffer);
  }

  #keep(entry: number, bytes: DataView, from: number, to: number): void {
    let [ownFrom, ownTo] = [from, to];
    const isWhole = entry % WHOLE_EVERY === 0;
    if (!isWhole) {
      let [view, at, end] = [this.#lastView, this.#lastFrom, this.#lastTo];
      if (view === undefined || this.#last !== entry - 1) {
        this.#makeWhole(entry - 1);
        [view, at, end] = [this.#wholeView, 0, this.#lengths[entry - 1]!];
      }
      const stop = from + Math.min(to - from, end - at, SHARED_MAX);
      while (ownFrom < stop && bytes.getUint8(ownFrom) === view.getUint8(at + ownFrom - from)) ownFrom++;
      // What both share is counted once.
      const least = Math.max(ownFrom, to - (end - at - (ownFrom - from)), to - SHARED_MAX);
      while (ownTo > least && bytes.getUint8(ownTo - 1) === view.getUint8(end - 1 - (to - ownTo))) ownTo--;
    }
    const own = new Uint8Array(bytes.buffer, bytes.byteOffset + ownFrom, ownTo - ownFrom);
    const at = this.#room(own.length + (isWhole ? 0 : SHARED_BYTES));
    const page = this.#pages[this.#pages.length - 1]!;
    this.#starts[entry] = (this.#pages.length - 1) * PAGE_BYTES + at;
    if (!isWhole) {
      page.view.setUint16(at, ownFrom - from, true);
      page.view.setUint16(at + 2, to - ownTo, true);
    }
    page.bytes.set(own, isWhole ? at : at + SHARED_BYTES);
  }

  /** Where in the last page so many bytes may stand. */
  #room(length: number): number {
    const last = this.#pages[this.#pages.length - 1];
    if (last === undefined || this.#used + length > last.bytes.length) {
      const bytes = new Uint8Array(Math.max(length, PAGE_BYTES));
      this.#pages.push({ bytes, view: new DataView(bytes.buffer) });
      this.#used = 0;
    }
    const at = this.#used;
    this.#used += length;
    this.#allBytes += length;
    return at;
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
    this.#pages.length = 0;
    this.#used = 0;
    this.#allBytes = 0;
    this.#last = NOBODY;
    this.#lastView = undefined;
    this.#next.fill(NOBODY);
    this.#slots.fill(0);
  }
}

/** Whether [from, to) of `bytes` is what lies at `at` of `known`. */
function same(known: DataView, at: number, bytes: DataView, from: number, to: number): boolean {
  let i = from;
  let j = at;
  for (; i + 4 <= to; i += 4, j += 4) if (known.getUint32(j, true) !== bytes.getUint32(i, true)) return false;
  for (; i < to; i++, j++) if (known.getUint8(j) !== bytes.getUint8(i)) return false;
  return true;
}

function grown<T extends Uint32Array | Int32Array | Float64Array>(old: T, larger: T): T {
  larger.set(old);
  return larger;
}
