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
/** A sign, a point, five zeros behind it and seventeen digits; or twenty-one digits. */
const NUMBER_BYTES_MAX = 28;
/** Between these V8's text has no exponent, and is what `formatFloatJson` gives. */
const PLAIN_MIN = 1e-6;
const PLAIN_END = 1e21;

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const BRACKET = 0x5d;
const COMMA = 0x2c;
const SPACE = 0x20;
const ASCII_END = 0x80;

/** Numbers of at most fifteen digits have no shorter text than these digits. */
const DIGITS_WHOLE_MAX = 1e15;
const SMALL_WHOLE_MAX = 2 ** 31;
/** Digits behind the point that are looked for, and what a number with so many is a whole multiple of. */
const DECIMALS = 3;
const DECIMALS_POWER = 1000;

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
      const whole = Math.round(value * DECIMALS_POWER);
      // What divides to the same number again is its text: of so few digits no two give the same number.
      if (whole < DIGITS_WHOLE_MAX && whole > -DIGITS_WHOLE_MAX && whole / DECIMALS_POWER === value) {
        // Zeros at the end are not written; three of them would be a whole number.
        const tenth = Math.floor(whole / 10);
        if (10 * tenth !== whole) this.#digits(whole, DECIMALS);
        else if (10 * Math.floor(tenth / 10) !== tenth) this.#digits(tenth, DECIMALS - 1);
        else this.#digits(tenth / 10, DECIMALS - 2);
        return;
      }
    }
    const magnitude = Math.abs(value);
    if (magnitude >= PLAIN_MIN && magnitude < PLAIN_END) this.#ascii(String(value));
    else this.add(formatFloatJson(value));
  }

  /** Of characters that take one byte each, where there is room. */
  #ascii(text: string): void {
    const bytes = this.#bytes;
    let at = this.#length;
    for (let i = 0; i < text.length; i++) bytes[at++] = text.charCodeAt(i);
    this.#length = at;
  }

  /** A point of a range: what stands before its value, the value, and what stands behind each but the last. */
  addPoint(openings: KnownTexts, number: number, value: number): void {
    const { bytes: from } = openings;
    const start = openings.startOf(number);
    const end = openings.startOf(number + 1);
    // For the number as well, and for what stands behind it.
    this.#ensure(end - start + NUMBER_BYTES_MAX + 3);
    const into = this.#bytes;
    let at = this.#length;
    for (let i = start; i < end; i++) into[at++] = from[i]!;
    this.#length = at;
    this.addFloat(value);
    const bytes = this.#bytes;
    bytes[this.#length++] = QUOTE;
    bytes[this.#length++] = BRACKET;
    bytes[this.#length++] = COMMA;
  }

  /** The comma behind the last of a list becomes its end. Nothing was taken since. */
  endList(): void {
    this.#bytes[this.#length - 1] = BRACKET;
  }

  get length(): number {
    return this.#length;
  }

  /** What was added since the last time: a view that the next addition may invalidate. */
  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  get isFull(): boolean {
    return this.#length >= PART_BYTES;
  }

  /** What was added since the last time. */
  take(): Uint8Array {
    const part = this.bytes();
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

/** Texts that are met again and again, by number: made once, and copied as they are. */
export class KnownTexts {
  readonly #parts = new TextParts();
  readonly #ends: number[] = [0];
  bytes: Uint8Array = new Uint8Array(0);

  /** The next one. */
  add(...pieces: readonly (string | number)[]): void {
    for (const piece of pieces)
      if (typeof piece === 'string') this.#parts.add(piece);
      else this.#parts.addFloat(piece);
    this.#ends.push(this.#parts.length);
  }

  /** Where a text begins, and where the one before it ends, in `bytes`. */
  startOf(number: number): number {
    return this.#ends[number]!;
  }

  /** All texts are there. */
  seal(): void {
    this.bytes = this.#parts.bytes();
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
