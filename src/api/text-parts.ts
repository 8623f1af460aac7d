// Long texts made in parts: what is written is handed on whenever it has become long enough, so that no answer needs a string
// of its whole length, and none keeps others waiting. They are made as the bytes that are sent: nearly all of them are ASCII,
// and a string would have to be put together, measured and encoded.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

import type { ServerResponse, Turns } from '../base/index.ts';
import { formatFloatJson } from '../exposition/index.ts';

/** Long enough that a part costs little, and short enough to be made in a moment. */
const PART_BYTES = 64 * 1024;
/** Most answers are shorter. */
const FIRST_BYTES = 4 * 1024;
/** A longer string is encoded in one go; a shorter one costs less character by character. */
const SHORT_CHARS = 128;
/** In UTF-8 of a UTF-16 unit. */
const UNIT_BYTES_MAX = 3;
/** A sign, sixteen digits and a point. */
const NUMBER_BYTES_MAX = 18;

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const SPACE = 0x20;
const ASCII_END = 0x80;

/** Numbers of at most fifteen digits have no shorter text than these digits. */
const DIGITS_WHOLE_MAX = 1e15;
const SMALL_WHOLE_MAX = 2 ** 31;
/** Digits behind the point that are looked for. */
const DECIMALS: readonly (readonly [decimals: number, power: number])[] = [
  [1, 10],
  [2, 100],
  [3, 1000],
];

export class TextParts {
  #bytes = new Uint8Array(FIRST_BYTES);
  #length = 0;

  add(text: string): void {
    const { length } = text;
    this.#ensure(length * UNIT_BYTES_MAX);
    const bytes = this.#bytes;
    let at = this.#length;
    if (length <= SHORT_CHARS) {
      let i = 0;
      for (; i < length; i++) {
        const unit = text.charCodeAt(i);
        if (unit >= ASCII_END) break;
        bytes[at++] = unit;
      }
      if (i === length) {
        this.#length = at;
        return;
      }
    }
    this.#length += encoder.encodeInto(text, bytes.subarray(this.#length)).written;
  }

  /** As a string of JSON. */
  addQuoted(text: string): void {
    const { length } = text;
    this.#ensure(length + 2);
    const bytes = this.#bytes;
    let at = this.#length;
    bytes[at++] = QUOTE;
    for (let i = 0; i < length; i++) {
      const unit = text.charCodeAt(i);
      if (unit < SPACE || unit >= ASCII_END || unit === QUOTE || unit === BACKSLASH) {
        this.add(JSON.stringify(text));
        return;
      }
      bytes[at++] = unit;
    }
    bytes[at++] = QUOTE;
    this.#length = at;
  }

  /** A number as `formatFloatJson` gives it. */
  addFloat(value: number): void {
    this.#ensure(NUMBER_BYTES_MAX);
    if (Number.isInteger(value)) {
      if (value < DIGITS_WHOLE_MAX && value > -DIGITS_WHOLE_MAX && !Object.is(value, -0)) {
        this.#digits(value, 0);
        return;
      }
    } else {
      for (const [decimals, power] of DECIMALS) {
        const whole = Math.round(value * power);
        if (!(whole < DIGITS_WHOLE_MAX && whole > -DIGITS_WHOLE_MAX)) break;
        // What divides to the same number again is its shortest text: of so few digits no two give the same number.
        if (whole / power !== value) continue;
        this.#digits(whole, decimals);
        return;
      }
    }
    this.add(formatFloatJson(value));
  }

  get isFull(): boolean {
    return this.#length >= PART_BYTES;
  }

  /** What was added since the last time. */
  take(): Uint8Array {
    const part = this.#bytes.subarray(0, this.#length);
    this.#bytes = new Uint8Array(this.#length < PART_BYTES ? FIRST_BYTES : PART_BYTES + FIRST_BYTES);
    this.#length = 0;
    return part;
  }

  /** Decimal digits of a whole number, the last `decimals` of them behind a point. */
  #digits(whole: number, decimals: number): void {
    const bytes = this.#bytes;
    let rest = whole;
    if (rest < 0) {
      bytes[this.#length++] = MINUS;
      rest = -rest;
    }
    let count = decimals + 1;
    for (let bound = 10 ** count; count < 16 && rest >= bound; bound *= 10) count++;
    let at = this.#length + count + (decimals > 0 ? 1 : 0);
    this.#length = at;
    for (let i = 0; i < count; i++) {
      if (i === decimals && decimals > 0) bytes[--at] = POINT;
      if (rest < SMALL_WHOLE_MAX) {
        const small = rest | 0;
        const tenth = (small / 10) | 0;
        bytes[--at] = ZERO + small - 10 * tenth;
        rest = tenth;
      } else {
        const tenth = Math.floor(rest / 10);
        bytes[--at] = ZERO + rest - 10 * tenth;
        rest = tenth;
      }
    }
  }

  #ensure(count: number): void {
    const wanted = this.#length + count;
    if (wanted <= this.#bytes.length) return;
    const grown = new Uint8Array(
      Math.max(wanted, Math.min(2 * this.#bytes.length, PART_BYTES + FIRST_BYTES)),
    );
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}

/** Adds to the parts, and yields whenever they are full. */
export type Writing = (parts: TextParts) => Generator<void>;

/** The body of an answer: a string where it is short, else a stream. `onEnd` is called once, however that ends. */
export function bodyOf(turns: Turns, write: Writing, onEnd: () => void = () => {}): ServerResponse['body'] {
  const parts = new TextParts();
  const writing = write(parts);
  if (writing.next().done !== true) return endingWith(stream(turns, parts, writing), onEnd);
  onEnd();
  return decoder.decode(parts.take());
}

async function* stream(turns: Turns, parts: TextParts, writing: Generator<void>): AsyncGenerator<Uint8Array> {
  const work = turns.start('usual');
  do {
    yield parts.take();
    // The client may have taken its time.
    await turns.between(work);
  } while (writing.next().done !== true);
  yield parts.take();
}

/** A generator alone does nothing at its end where it was never begun. */
function endingWith(pieces: AsyncGenerator<Uint8Array>, onEnd: () => void): AsyncIterable<Uint8Array> {
  let end: (() => void) | undefined = onEnd;
  const over = (): void => {
    end?.();
    end = undefined;
  };
  const iterator: AsyncIterator<Uint8Array> = {
    async next() {
      const next = await pieces.next();
      if (next.done === true) over();
      return next;
    },
    async return() {
      over();
      return pieces.return(undefined);
    },
  };
  return { [Symbol.asyncIterator]: () => iterator };
}
