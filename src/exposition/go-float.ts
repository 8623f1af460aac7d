// Reads a number as Go's strconv.ParseFloat does in a metrics page: decimal notation, "Inf" and "NaN" in any
// case, no hexadecimal and no "_". Hot: works on bytes and writes into the caller's column.

import { NAN_HIGH, NAN_LOW } from '../model/index.ts';

/** 2^53 holds every integer of 15 digits, so that a mantissa up to here is exact. */
const MANTISSA_DIGITS_MAX = 15;
/** 10^22 is the largest power of ten that a float64 holds exactly. */
const EXACT_POWER_MAX = 22;
const POWERS = Float64Array.from({ length: EXACT_POWER_MAX + 1 }, (_, i) => Number(`1e${i}`));

const ZERO = 0x30;
const DOT = 0x2e;
const MINUS = 0x2d;
const PLUS = 0x2b;
/** Bit that makes an ASCII letter lower case. */
const LOWER = 0x20;
const LETTER_E = 0x65;

const littleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;
/** Prometheus's ordinary NaN; written through words, since a JavaScript number does not carry its low bit. */
const NORMAL_NAN = new Uint32Array(littleEndian ? [NAN_LOW, NAN_HIGH] : [NAN_HIGH, NAN_LOW]);

/**
 * Parses bytes[start, end) into `out[index]`; false if it is not a number or out of range (out is then undefined).
 * `words` is `wordsOf(out)`: a NaN is written through it with Prometheus's bits.
 */
export function parseGoFloat(
  bytes: Uint8Array,
  span: { readonly start: number; readonly end: number },
  into: { readonly out: Float64Array; readonly words: Uint32Array; readonly index: number },
): boolean {
  const { start, end } = span;
  let i = start;
  let negative = false;
  const sign = bytes[i];
  if (sign === MINUS || sign === PLUS) {
    negative = sign === MINUS;
    i++;
  }
  let mantissa = 0;
  let digits = 0;
  let significant = 0;
  let scale = 0;
  let dot = false;
  for (; i < end; i++) {
    const byte = bytes[i] as number;
    const digit = byte - ZERO;
    if (digit >= 0 && digit <= 9) {
      digits++;
      if (significant > 0 || digit > 0) significant++;
      mantissa = mantissa * 10 + digit;
      if (dot) scale--;
    } else if (byte === DOT && !dot) {
      dot = true;
    } else {
      break;
    }
  }
  if (digits === 0) return parseSpecial(bytes, span, into);
  if (i < end) {
    if (((bytes[i] as number) | LOWER) !== LETTER_E) return false;
    const exponent = parseExponent(bytes, i + 1, end);
    if (Number.isNaN(exponent)) return false;
    scale += exponent;
  }
  // One correctly rounded operation on two exact numbers gives the correctly rounded result.
  if (significant <= MANTISSA_DIGITS_MAX && scale >= -EXACT_POWER_MAX && scale <= EXACT_POWER_MAX) {
    const magnitude =
      scale < 0 ? mantissa / (POWERS[-scale] as number) : mantissa * (POWERS[scale] as number);
    into.out[into.index] = negative ? -magnitude : magnitude;
    return true;
  }
  const value = Number(asciiText(bytes, start, end));
  if (!Number.isFinite(value)) return false;
  into.out[into.index] = value;
  return true;
}

/** The digits after "e", or NaN. Capped far beyond the range of float64, so that it cannot overflow. */
function parseExponent(bytes: Uint8Array, start: number, end: number): number {
  let i = start;
  const sign = bytes[i];
  if (i < end && (sign === MINUS || sign === PLUS)) i++;
  if (i >= end) return Number.NaN;
  let exponent = 0;
  for (; i < end; i++) {
    const digit = (bytes[i] as number) - ZERO;
    if (digit < 0 || digit > 9) return Number.NaN;
    exponent = Math.min(exponent * 10 + digit, 1_000_000);
  }
  return sign === MINUS ? -exponent : exponent;
}

/** Longest word: "-infinity". */
const SPECIAL_BYTES_MAX = 9;

function parseSpecial(
  bytes: Uint8Array,
  span: { readonly start: number; readonly end: number },
  into: { readonly out: Float64Array; readonly words: Uint32Array; readonly index: number },
): boolean {
  if (span.end - span.start > SPECIAL_BYTES_MAX) return false;
  const word = asciiText(bytes, span.start, span.end).toLowerCase();
  if (word === 'nan') {
    setNormalNaN(into.words, into.index);
    return true;
  }
  const match = /^([+-]?)inf(?:inity)?$/.exec(word);
  if (match === null) return false;
  into.out[into.index] = match[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  return true;
}

/** Writes Prometheus's ordinary NaN as entry `i` of the column behind `words`. */
export function setNormalNaN(words: Uint32Array, i: number): void {
  words[2 * i] = NORMAL_NAN[0] as number;
  words[2 * i + 1] = NORMAL_NAN[1] as number;
}

function asciiText(bytes: Uint8Array, start: number, end: number): string {
  let text = '';
  for (let i = start; i < end; i++) text += String.fromCharCode(bytes[i] as number);
  return text;
}
