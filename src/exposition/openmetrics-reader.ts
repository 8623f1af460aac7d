// Reads a page of OpenMetrics 1.0 entry by entry, on bytes. Hot. It takes what Prometheus's scraper takes, which is
// more than the specification allows (families out of order, types that do not fit the samples): `check metrics` has
// the strict view. Blanks are single spaces, blank lines are refused, and "# EOF" ends the page.

import { isUtf8 } from 'node:buffer';
import { type Exemplar, type MetricType, wordsOf } from '../model/index.ts';
import { lineFailure, type PageFailure } from './failure.ts';
import { parseGoFloat } from './go-float.ts';
import { type EntryKind, NO_EXEMPLARS, type PageReader, TEXT_BYTES_MAX, tooLong } from './page-reader.ts';

const NEWLINE = 0x0a;
const SPACE = 0x20;
const QUOTE = 0x22;
const HASH = 0x23;
const COMMA = 0x2c;
const COLON = 0x3a;
const EQUALS = 0x3d;
const BACKSLASH = 0x5c;
const OPEN = 0x7b;
const CLOSE = 0x7d;

const OPENMETRICS_TYPES: ReadonlyMap<string, MetricType> = new Map([
  ['counter', 'counter'],
  ['gauge', 'gauge'],
  ['histogram', 'histogram'],
  ['gaugehistogram', 'gaugehistogram'],
  ['summary', 'summary'],
  ['info', 'info'],
  ['stateset', 'stateset'],
  ['unknown', 'unknown'],
]);

type Metadata = 'help' | 'type' | 'unit';

const KEYWORDS: readonly (readonly [word: Metadata, bytes: readonly number[]])[] = [
  ['help', [...Buffer.from('HELP ')]],
  ['type', [...Buffer.from('TYPE ')]],
  ['unit', [...Buffer.from('UNIT ')]],
];
const END = [...Buffer.from('EOF')];

/** Owns a position in one page. */
export class OpenMetricsReader implements PageReader {
  readonly bytes: Uint8Array;
  position: number;
  seriesStart = 0;
  seriesEnd = 0;
  readonly value = new Float64Array(1);
  readonly valueWords: Uint32Array = wordsOf(this.value);
  timestampMs = Number.NaN;
  /** As it stands there; NaN without one. */
  timestampSeconds = Number.NaN;
  type: MetricType = 'unknown';
  nameStart = 0;
  nameEnd = 0;
  textStart = 0;
  textEnd = 0;
  exemplarStart = 0;
  exemplarEnd = 0;
  exemplarValue = 0;
  exemplarTimestampMs = Number.NaN;
  readonly escapesQuotes = true;
  readonly histogram = undefined;
  readonly startMs = Number.NaN;
  readonly exemplars: readonly Exemplar[] = NO_EXEMPLARS;
  failure: PageFailure | undefined;
  readonly #span = { start: 0, end: 0 };
  readonly #number = new Float64Array(1);
  readonly #intoValue: { out: Float64Array; words: Uint32Array; index: number };
  readonly #intoNumber: { out: Float64Array; words: Uint32Array; index: number };

  constructor(bytes: Uint8Array, position = 0) {
    this.bytes = bytes;
    this.position = position;
    this.#intoValue = { out: this.value, words: this.valueWords, index: 0 };
    this.#intoNumber = { out: this.#number, words: wordsOf(this.#number), index: 0 };
  }

  next(): EntryKind {
    const { bytes, position } = this;
    if (position >= bytes.length) return this.#fail(position, 'the page does not end with "# EOF"');
    const byte = bytes[position] as number;
    if (byte === HASH) return this.#readHash(position);
    this.seriesStart = position;
    if (byte !== OPEN && !isMetricStart(byte)) {
      return this.#fail(position, 'a metric name, "{" or "# " expected');
    }
    if (!this.#scanSeries(position)) return 'failed';
    this.position = this.seriesEnd;
    const cause = this.readRest();
    return cause === '' ? 'sample' : this.#fail(this.position, cause);
  }

  readRest(): string {
    const { bytes } = this;
    this.exemplarStart = 0;
    this.exemplarEnd = 0;
    this.timestampMs = Number.NaN;
    this.timestampSeconds = Number.NaN;
    let cause = this.#readNumber(this.#intoValue, 'value');
    if (cause !== '') return cause;
    let i = this.position;
    if (bytes[i] === SPACE && bytes[i + 1] !== HASH) {
      cause = this.#readNumber(this.#intoNumber, 'timestamp in seconds');
      if (cause !== '') return cause;
      this.timestampSeconds = this.#number[0] as number;
      this.timestampMs = millisecondsOf(this.timestampSeconds);
      if (Number.isNaN(this.timestampMs)) return 'the timestamp is out of range';
      i = this.position;
    }
    if (bytes[i] === SPACE) {
      cause = this.#readExemplar(i);
      if (cause !== '') return cause;
      i = this.position;
    }
    if (bytes[i] !== NEWLINE) return 'the end of the line expected';
    this.position = i + 1;
    return '';
  }

  /** A blank and a number at `position`, which moves behind it. */
  #readNumber(into: { out: Float64Array; words: Uint32Array; index: number }, what: string): string {
    const { bytes } = this;
    const start = this.position + 1;
    if (bytes[start - 1] !== SPACE) return `a blank and a ${what} expected`;
    let i = start;
    const limit = Math.min(bytes.length, start + TEXT_BYTES_MAX);
    while (i < limit && bytes[i] !== SPACE && bytes[i] !== NEWLINE) i++;
    this.position = start;
    if (i === start) return `a ${what} expected`;
    const span = this.#span;
    span.start = start;
    span.end = i;
    if (!parseGoFloat(bytes, span, into)) return `the ${what} is not a number`;
    this.position = i;
    return '';
  }

  /** ` # {label="value"} value timestamp` from the blank at `at`. */
  #readExemplar(at: number): string {
    const { bytes } = this;
    this.position = at;
    if (bytes[at + 1] !== HASH || bytes[at + 2] !== SPACE || bytes[at + 3] !== OPEN)
      return 'the end of the line or an exemplar (" # {") expected';
    const end = this.#scanBraces(at + 4, { named: true, isExemplar: true });
    if (end < 0) return this.#braceCause;
    this.exemplarStart = at + 3;
    this.exemplarEnd = end;
    this.position = end;
    let cause = this.#readNumber(this.#intoNumber, 'value of the exemplar');
    if (cause !== '') return cause;
    this.exemplarValue = this.#number[0] as number;
    this.exemplarTimestampMs = Number.NaN;
    if (bytes[this.position] !== SPACE) return '';
    cause = this.#readNumber(this.#intoNumber, 'timestamp in seconds');
    if (cause !== '') return cause;
    this.exemplarTimestampMs = millisecondsOf(this.#number[0] as number);
    return Number.isNaN(this.exemplarTimestampMs) ? 'the timestamp of the exemplar is out of range' : '';
  }

  #scanSeries(start: number): boolean {
    const { bytes } = this;
    let i = start;
    const named = bytes[i] !== OPEN;
    if (named) {
      i = metricEnd(bytes, i);
      this.seriesEnd = i;
      if (bytes[i] !== OPEN) return true;
    }
    const end = this.#scanBraces(i + 1, { named, isExemplar: false });
    this.seriesEnd = end;
    if (end >= 0) return true;
    this.#fail(this.#braceAt, this.#braceCause);
    return false;
  }

  #braceAt = 0;
  #braceCause = '';

  #bad(at: number, cause: string): -1 {
    this.#braceAt = at;
    this.#braceCause = cause;
    return -1;
  }

  /** From after "{" to after "}", or -1. */
  #scanBraces(start: number, mode: { readonly named: boolean; readonly isExemplar: boolean }): number {
    const { bytes } = this;
    let { named } = mode;
    let i = start;
    while (bytes[i] !== CLOSE) {
      if (i - start > TEXT_BYTES_MAX) return this.#bad(i, tooLong('series'));
      const quoted = bytes[i] === QUOTE;
      const nameStart = i;
      i = quoted ? this.#scanQuoted(i) : labelEnd(bytes, i);
      if (i < 0) return -1;
      if (i === nameStart) return this.#bad(i, 'a label name expected');
      const after = bytes[i];
      if (quoted && (after === COMMA || after === CLOSE)) {
        if (mode.isExemplar) return this.#bad(i, '"=" expected after the label name');
        if (named) return this.#bad(nameStart, 'the metric name stands there twice');
        named = true;
        if (after === COMMA) i++;
        continue;
      }
      if (after !== EQUALS) return this.#bad(i, '"=" expected after the label name');
      if (bytes[i + 1] !== QUOTE) return this.#bad(i + 1, 'a label value in double quotes expected');
      i = this.#scanQuoted(i + 1);
      if (i < 0) return -1;
      if (bytes[i] === COMMA) i++;
      else if (bytes[i] !== CLOSE) return this.#bad(i, '"," or "}" expected after the label value');
    }
    return named ? i + 1 : this.#bad(i, 'no metric name before or within the braces');
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
        return this.#bad(start, 'the quoted text is not valid UTF-8');
      }
      if (byte === NEWLINE) return this.#bad(start, 'the quoted text does not end');
      if (byte === BACKSLASH) {
        i++;
        if (bytes[i] === NEWLINE) return this.#bad(start, 'the quoted text does not end');
        if ((bytes[i] as number) >= 0x80) ascii = false;
      } else if (byte >= 0x80) ascii = false;
    }
    return this.#bad(start, limit < bytes.length ? tooLong('text') : 'the quoted text does not end');
  }

  #readHash(hash: number): EntryKind {
    const { bytes } = this;
    if (bytes[hash + 1] !== SPACE)
      return this.#fail(hash, '"# HELP", "# TYPE", "# UNIT" or "# EOF" expected');
    const word = hash + 2;
    if (END.every((byte, i) => bytes[word + i] === byte)) {
      let end = word + END.length;
      if (bytes[end] === NEWLINE) end++;
      if (end < bytes.length) return this.#fail(end, 'nothing may follow "# EOF"');
      this.position = end;
      return 'end';
    }
    for (const [kind, keyword] of KEYWORDS) {
      if (keyword.every((byte, i) => bytes[word + i] === byte))
        return this.#readMetadata(kind, word + keyword.length);
    }
    return this.#fail(word, '"HELP", "TYPE", "UNIT" or "EOF" expected after "# "');
  }

  #readMetadata(kind: Metadata, nameAt: number): EntryKind {
    const { bytes } = this;
    const quoted = bytes[nameAt] === QUOTE;
    let afterName: number;
    if (quoted) {
      afterName = this.#scanQuoted(nameAt);
      if (afterName < 0) return this.#fail(this.#braceAt, this.#braceCause);
      this.nameStart = nameAt + 1;
      this.nameEnd = afterName - 1;
    } else {
      if (!isMetricStart(bytes[nameAt])) {
        return this.#fail(nameAt, `a metric name expected after ${kind.toUpperCase()}`);
      }
      afterName = metricEnd(bytes, nameAt);
      this.nameStart = nameAt;
      this.nameEnd = afterName;
    }
    const lineEnd = bytes.indexOf(NEWLINE, afterName);
    if (lineEnd < 0) return this.#fail(bytes.length, 'the page ends within a line');
    if (bytes[afterName] !== SPACE) return this.#fail(afterName, 'a blank and a text expected');
    this.textStart = afterName + 1;
    this.textEnd = lineEnd;
    const cause = this.#metadataProblem(kind);
    if (cause !== '') return this.#fail(this.textStart, cause);
    this.position = lineEnd + 1;
    return kind;
  }

  #metadataProblem(kind: Metadata): string {
    const { bytes, textStart, textEnd } = this;
    const text = bytes.subarray(textStart, textEnd);
    if (!isUtf8(text)) return 'the text is not valid UTF-8';
    if (kind === 'help') return '';
    const word = new TextDecoder().decode(text);
    if (kind === 'type') {
      const type = OPENMETRICS_TYPES.get(word);
      if (type === undefined) return `${JSON.stringify(word)} is not a metric type`;
      this.type = type;
      return '';
    }
    const name = new TextDecoder().decode(bytes.subarray(this.nameStart, this.nameEnd));
    return word === '' || name.endsWith(`_${word}`) ? '' : `the metric name does not end with "_${word}"`;
  }

  #fail(at: number, cause: string): 'failed' {
    this.failure = lineFailure(this.bytes, at, cause);
    return 'failed';
  }
}

/** Whole milliseconds towards zero, as Prometheus; NaN for what is no time. Far ones are for the store to refuse. */
function millisecondsOf(seconds: number): number {
  const ms = Math.trunc(seconds * 1000);
  return Number.isFinite(ms) ? ms : Number.NaN;
}

function isLetter(byte: number | undefined): boolean {
  if (byte === undefined) return false;
  return (byte >= 0x61 && byte <= 0x7a) || (byte >= 0x41 && byte <= 0x5a) || byte === 0x5f;
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}

function isMetricStart(byte: number | undefined): boolean {
  return isLetter(byte) || byte === COLON;
}

function metricEnd(bytes: Uint8Array, start: number): number {
  const limit = start + TEXT_BYTES_MAX;
  let i = start;
  while (i < limit && (isLetter(bytes[i]) || isDigit(bytes[i]) || bytes[i] === COLON)) i++;
  return i;
}

function labelEnd(bytes: Uint8Array, start: number): number {
  if (!isLetter(bytes[start])) return start;
  const limit = start + TEXT_BYTES_MAX;
  let i = start;
  while (i < limit && (isLetter(bytes[i]) || isDigit(bytes[i]))) i++;
  return i;
}
