// Reads a page of the text format 0.0.4 entry by entry, on bytes: nothing is decoded here. Hot.
// It takes what Prometheus's scraper takes (blanks between tokens, names in quotes within the braces, a newline
// inside a quoted value, a page without a last newline) and refuses what that refuses. Two deliberate
// differences: blanks before a name are not part of the name, and a zero byte at the start of a line is refused
// (Prometheus silently ends the page there and would lose what follows).

import { isUtf8 } from 'node:buffer';
import { type Exemplar, type MetricType, wordsOf } from '../model/index.ts';
import { lineFailure, type PageFailure } from './failure.ts';
import { parseGoFloat } from './go-float.ts';
import { type EntryKind, NO_EXEMPLARS, type PageReader, TEXT_BYTES_MAX, tooLong } from './page-reader.ts';

const TAB = 0x09;
const NEWLINE = 0x0a;
const SPACE = 0x20;
const QUOTE = 0x22;
const HASH = 0x23;
const COMMA = 0x2c;
const EQUALS = 0x3d;
const BACKSLASH = 0x5c;
const OPEN = 0x7b;
const CLOSE = 0x7d;

/** By byte: 1 may begin a label name, 2 may begin a metric name, 4 may go on in a label name, 8 in a metric name. */
const CLASSES = new Uint8Array(256);
const LABEL_START = 1;
const METRIC_START = 2;
const LABEL_PART = 4;
const METRIC_PART = 8;
for (let byte = 0; byte < 128; byte++) {
  const char = String.fromCharCode(byte);
  if (/[a-zA-Z_]/.test(char)) CLASSES[byte] = LABEL_START | METRIC_START | LABEL_PART | METRIC_PART;
  else if (/[0-9]/.test(char)) CLASSES[byte] = LABEL_PART | METRIC_PART;
  else if (char === ':') CLASSES[byte] = METRIC_START | METRIC_PART;
}

/** The types that the format knows; "untyped" is its word for unknown. */
const TYPES: ReadonlyMap<string, MetricType> = new Map([
  ['counter', 'counter'],
  ['gauge', 'gauge'],
  ['histogram', 'histogram'],
  ['summary', 'summary'],
  ['untyped', 'unknown'],
]);

/** Timestamps are signed 64-bit integers. */
const TIMESTAMP_MS_MAX = 2n ** 63n - 1n;
/** So many digits always fit a double exactly. */
const PLAIN_DIGITS_MAX = 15;

/** Owns a position in one page. Fields hold the entry that `next()` read last. */
export class TextReader implements PageReader {
  readonly bytes: Uint8Array;
  position: number;
  /** Of a sample: name and braces, the raw text that identifies the series within a target. */
  seriesStart = 0;
  seriesEnd = 0;
  /** Of a sample: one value in a typed array, so that its bits survive. */
  readonly value = new Float64Array(1);
  readonly valueWords: Uint32Array = wordsOf(this.value);
  /** NaN when the sample has none. */
  timestampMs = Number.NaN;
  /** The type of the last TYPE line. */
  type: MetricType = 'unknown';
  /** Of a help or type entry, without quotes. */
  nameStart = 0;
  nameEnd = 0;
  /** Of a help, type or comment entry. */
  textStart = 0;
  textEnd = 0;
  /** The format has no exemplars. */
  readonly exemplarStart = 0;
  readonly exemplarEnd = 0;
  readonly exemplarValue = 0;
  readonly exemplarTimestampMs = Number.NaN;
  readonly escapesQuotes = false;
  readonly histogram = undefined;
  readonly startMs = Number.NaN;
  readonly exemplars: readonly Exemplar[] = NO_EXEMPLARS;
  failure: PageFailure | undefined;
  readonly #span = { start: 0, end: 0 };
  readonly #into: { out: Float64Array; words: Uint32Array; index: number };

  constructor(bytes: Uint8Array, position = 0) {
    this.bytes = bytes;
    this.position = position;
    this.#into = { out: this.value, words: this.valueWords, index: 0 };
  }

  next(): EntryKind {
    const { bytes } = this;
    let i = this.position;
    for (;;) {
      i = skipBlanks(bytes, i);
      if (i >= bytes.length) {
        this.position = i;
        return 'end';
      }
      if (bytes[i] !== NEWLINE) break;
      i++;
    }
    const byte = bytes[i] as number;
    if (byte === HASH) return this.#readHash(i);
    this.seriesStart = i;
    if (byte !== OPEN && ((CLASSES[byte] as number) & METRIC_START) === 0) {
      const isMark = byte === 0xef && bytes[i + 1] === 0xbb && bytes[i + 2] === 0xbf;
      return this.#fail(
        i,
        isMark ? 'a byte-order mark, which the format does not know' : 'a metric name or "{" expected',
      );
    }
    if (!this.#scanSeries(i)) return 'failed';
    this.position = this.seriesEnd;
    const cause = this.readRest();
    return cause === '' ? 'sample' : this.#fail(this.position, cause);
  }

  /**
   * Reads value and timestamp from `position`, which is the end of a series' text, to the start of the next line.
   * Returns "" or what is wrong at `position`.
   */
  readRest(): string {
    const { bytes } = this;
    const start = skipBlanks(bytes, this.position);
    let i = start;
    const limit = Math.min(bytes.length, start + TEXT_BYTES_MAX);
    while (i < limit) {
      const byte = bytes[i] as number;
      if (byte === SPACE || byte === NEWLINE || byte === TAB || byte === OPEN) break;
      i++;
    }
    this.position = start;
    if (i === start) return 'a value expected';
    const span = this.#span;
    span.start = start;
    span.end = i;
    if (!parseGoFloat(bytes, span, this.#into)) return 'the value is not a number';
    i = skipBlanks(bytes, i);
    this.timestampMs = Number.NaN;
    if (i < bytes.length && bytes[i] !== NEWLINE) {
      const end = digitsEnd(bytes, i);
      this.position = i;
      if (end === i) return 'a timestamp in milliseconds or the end of the line expected';
      const timestampMs = parseDigits(bytes, i, end);
      if (timestampMs === undefined) return 'the timestamp is out of range';
      this.timestampMs = timestampMs;
      i = skipBlanks(bytes, end);
      this.position = i;
      if (i < bytes.length && bytes[i] !== NEWLINE) return 'the end of the line expected after the timestamp';
    }
    this.position = i < bytes.length ? i + 1 : i;
    return '';
  }

  /** Finds the end of name and braces that begin at `start`. */
  #scanSeries(start: number): boolean {
    const { bytes } = this;
    let i = start;
    let named = false;
    if (bytes[i] !== OPEN) {
      i = nameEndOf(bytes, i, METRIC_PART);
      named = true;
      this.seriesEnd = i;
      i = skipBlanks(bytes, i);
      if (bytes[i] !== OPEN) return true;
    }
    const end = this.#scanBraces(i + 1, named);
    this.seriesEnd = end;
    return end >= 0;
  }

  /** From after "{" to after "}", or -1. */
  #scanBraces(start: number, nameBefore: boolean): number {
    const { bytes } = this;
    let named = nameBefore;
    let i = skipBlanks(bytes, start);
    for (;;) {
      if (bytes[i] === CLOSE) break;
      if (i - start > TEXT_BYTES_MAX) {
        this.#fail(i, tooLong('series'));
        return -1;
      }
      const quoted = bytes[i] === QUOTE;
      const nameEnd = quoted ? this.#scanQuoted(i) : nameEndOf(bytes, i, LABEL_PART);
      if (nameEnd < 0) return -1;
      if (!quoted && (i >= bytes.length || ((CLASSES[bytes[i] as number] as number) & LABEL_START) === 0)) {
        this.#fail(i, 'a label name expected');
        return -1;
      }
      const nameStart = i;
      i = skipBlanks(bytes, nameEnd);
      if (quoted && (bytes[i] === COMMA || bytes[i] === CLOSE)) {
        if (named) {
          this.#fail(nameStart, 'the metric name stands there twice');
          return -1;
        }
        named = true;
        if (bytes[i] === CLOSE) break;
        i = skipBlanks(bytes, i + 1);
        continue;
      }
      if (bytes[i] !== EQUALS) {
        this.#fail(i, '"=" expected after the label name');
        return -1;
      }
      i = skipBlanks(bytes, i + 1);
      if (bytes[i] !== QUOTE) {
        this.#fail(i, 'a label value in double quotes expected');
        return -1;
      }
      i = this.#scanQuoted(i);
      if (i < 0) return -1;
      i = skipBlanks(bytes, i);
      // Prometheus takes a missing comma between two labels too.
      if (bytes[i] === COMMA) i = skipBlanks(bytes, i + 1);
    }
    if (named) return i + 1;
    this.#fail(i, 'no metric name before or within the braces');
    return -1;
  }

  /** From the opening quote to after the closing one, or -1. */
  #scanQuoted(start: number): number {
    const { bytes } = this;
    let ascii = true;
    const limit = Math.min(bytes.length, start + TEXT_BYTES_MAX);
    for (let i = start + 1; i < limit; i++) {
      const byte = bytes[i] as number;
      if (byte === QUOTE) {
        if (ascii || isUtf8(bytes.subarray(start + 1, i))) return i + 1;
        this.#fail(start, 'the quoted text is not valid UTF-8');
        return -1;
      }
      if (byte === BACKSLASH) {
        i++;
        if (bytes[i] === NEWLINE) {
          this.#fail(start, 'the quoted text does not end');
          return -1;
        }
        if ((bytes[i] as number) >= 0x80) ascii = false;
      } else if (byte >= 0x80) ascii = false;
    }
    this.#fail(start, limit < bytes.length ? tooLong('text') : 'the quoted text does not end');
    return -1;
  }

  #readHash(hash: number): EntryKind {
    const { bytes } = this;
    const newline = bytes.indexOf(NEWLINE, hash);
    const lineEnd = newline < 0 ? bytes.length : newline;
    const word = skipBlanks(bytes, hash + 1);
    const kind = word === hash + 1 ? undefined : keywordAt(bytes, word);
    if (kind === undefined) {
      this.textStart = hash;
      this.textEnd = lineEnd;
      this.position = Math.min(lineEnd + 1, bytes.length);
      return 'comment';
    }
    return this.#readMetadata(kind, { nameAt: skipBlanks(bytes, word + 4), lineEnd });
  }

  #readMetadata(kind: 'help' | 'type', at: { readonly nameAt: number; readonly lineEnd: number }): EntryKind {
    const { bytes } = this;
    const { nameAt } = at;
    let { lineEnd } = at;
    let afterName: number;
    if (bytes[nameAt] === QUOTE) {
      afterName = this.#scanQuoted(nameAt);
      if (afterName < 0) return 'failed';
      this.nameStart = nameAt + 1;
      this.nameEnd = afterName - 1;
      // A quoted name may span lines.
      if (afterName > lineEnd) {
        const newline = bytes.indexOf(NEWLINE, afterName);
        lineEnd = newline < 0 ? bytes.length : newline;
      }
    } else {
      if (nameAt >= lineEnd || ((CLASSES[bytes[nameAt] as number] as number) & METRIC_START) === 0) {
        return this.#fail(nameAt, `a metric name expected after ${kind.toUpperCase()}`);
      }
      afterName = nameEndOf(bytes, nameAt, METRIC_PART);
      this.nameStart = nameAt;
      this.nameEnd = afterName;
    }
    // Exactly one byte separates name and text, whatever it is.
    this.textStart = Math.min(afterName + 1, lineEnd);
    this.textEnd = lineEnd;
    const text = bytes.subarray(this.textStart, this.textEnd);
    if (kind === 'help') {
      if (!isUtf8(text)) return this.#fail(this.textStart, 'the help text is not valid UTF-8');
    } else {
      const word = new TextDecoder().decode(text);
      const type = TYPES.get(word);
      if (type === undefined) {
        return this.#fail(this.textStart, `${JSON.stringify(word)} is not a metric type`);
      }
      this.type = type;
    }
    this.position = Math.min(lineEnd + 1, bytes.length);
    return kind;
  }

  #fail(at: number, cause: string): 'failed' {
    this.failure = lineFailure(this.bytes, at, cause);
    return 'failed';
  }
}

function skipBlanks(bytes: Uint8Array, start: number): number {
  let i = start;
  while (bytes[i] === SPACE || bytes[i] === TAB) i++;
  return i;
}

function nameEndOf(bytes: Uint8Array, start: number, part: number): number {
  const limit = Math.min(bytes.length, start + TEXT_BYTES_MAX);
  let i = start;
  while (i < limit && ((CLASSES[bytes[i] as number] as number) & part) !== 0) i++;
  return i;
}

function digitsEnd(bytes: Uint8Array, start: number): number {
  let i = start;
  while (i < bytes.length && (bytes[i] as number) >= 0x30 && (bytes[i] as number) <= 0x39) i++;
  return i;
}

function parseDigits(bytes: Uint8Array, start: number, end: number): number | undefined {
  if (end - start <= PLAIN_DIGITS_MAX) {
    let value = 0;
    for (let i = start; i < end; i++) value = value * 10 + (bytes[i] as number) - 0x30;
    return value;
  }
  let first = start;
  while (first < end - 1 && bytes[first] === 0x30) first++;
  // 2^63 has 19 digits; a longer text must not become a huge integer first.
  if (end - first > 19) return undefined;
  const value = BigInt(new TextDecoder().decode(bytes.subarray(first, end)));
  return value > TIMESTAMP_MS_MAX ? undefined : Number(value);
}

const HELP = [0x48, 0x45, 0x4c, 0x50];
const TYPE = [0x54, 0x59, 0x50, 0x45];

/** "HELP" or "TYPE" followed by a blank. */
function keywordAt(bytes: Uint8Array, at: number): 'help' | 'type' | undefined {
  const after = bytes[at + 4];
  if (after !== SPACE && after !== TAB) return undefined;
  if (HELP.every((byte, i) => bytes[at + i] === byte)) return 'help';
  return TYPE.every((byte, i) => bytes[at + i] === byte) ? 'type' : undefined;
}
