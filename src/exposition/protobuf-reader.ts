// Reads a page of delimited protobuf (io.prometheus.client.MetricFamily) as the text readers read theirs. The page is first
// written out as the series texts that it would have as text, with the values beside them: so that a scraper recognises
// its series by their bytes, whatever the format.

import { isUtf8 } from 'node:buffer';
import {
  type Exemplar,
  HIGH_WORD,
  LOW_WORD,
  type MetricType,
  type NativeHistogram,
  wordsOf,
} from '../model/index.ts';
import { type PageFailure, pageFailure } from './failure.ts';
import { formatFloatOpenMetrics } from './format-float.ts';
import { type EntryKind, NO_EXEMPLARS, type PageReader } from './page-reader.ts';
import {
  type Family,
  type Metric,
  readFamily,
  readHistogram,
  readMetric,
  readSimple,
  readSummary,
  type Stretch,
} from './protobuf-family.ts';
import { WireReader } from './wire.ts';

export const PROTOBUF_CONTENT_TYPE = 'application/vnd.google.protobuf';

export interface ProtobufOptions {
  /** Histograms that have native buckets become native ones; else they are read by their classic buckets. */
  readonly native: boolean;
  /** And by their classic buckets too, where they have any. */
  readonly classicToo: boolean;
}

const NEWLINE = 0x0a;
const SPACE = 0x20;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const LETTER_N = 0x6e;

interface Entry {
  readonly kind: 'help' | 'type' | 'unit' | 'sample';
  readonly start: number;
  /** Of the series text, or of the name. */
  readonly nameStart: number;
  readonly nameEnd: number;
  readonly textStart: number;
  readonly textEnd: number;
  readonly type: MetricType;
}

/** What only few samples have. */
interface Beside {
  readonly histogram: NativeHistogram | undefined;
  readonly exemplars: readonly Exemplar[];
}

const NOTHING_BESIDE: Beside = { histogram: undefined, exemplars: NO_EXEMPLARS };

/** Owns the page written out, and a position in it. */
export class ProtobufReader implements PageReader {
  readonly bytes: Uint8Array;
  position = 0;
  seriesStart = 0;
  seriesEnd = 0;
  readonly value = new Float64Array(1);
  readonly valueWords: Uint32Array = wordsOf(this.value);
  timestampMs = Number.NaN;
  type: MetricType = 'unknown';
  nameStart = 0;
  nameEnd = 0;
  textStart = 0;
  textEnd = 0;
  readonly exemplarStart = 0;
  readonly exemplarEnd = 0;
  readonly exemplarValue = 0;
  readonly exemplarTimestampMs = Number.NaN;
  histogram: NativeHistogram | undefined;
  startMs = Number.NaN;
  exemplars: readonly Exemplar[] = NO_EXEMPLARS;
  readonly escapesQuotes = false;
  failure: PageFailure | undefined;
  readonly #page: WrittenPage;
  #entry = 0;
  #sample = 0;

  constructor(bytes: Uint8Array, options: ProtobufOptions) {
    this.#page = new WrittenPage(bytes, options);
    this.bytes = this.#page.text;
  }

  next(): EntryKind {
    const { entries, problem } = this.#page;
    // What a layout recognised was passed without being asked for.
    while ((entries[this.#entry]?.start ?? Number.POSITIVE_INFINITY) < this.position) this.#entry++;
    const entry = entries[this.#entry];
    if (entry === undefined) {
      if (problem === '') return 'end';
      this.failure = pageFailure(problem);
      return 'failed';
    }
    this.#entry++;
    this.type = entry.type;
    if (entry.kind === 'sample') {
      this.seriesStart = entry.nameStart;
      this.seriesEnd = entry.nameEnd;
      this.position = entry.nameEnd;
      this.readRest();
      return 'sample';
    }
    this.nameStart = entry.nameStart;
    this.nameEnd = entry.nameEnd;
    this.textStart = entry.textStart;
    this.textEnd = entry.textEnd;
    this.position = entry.textEnd + 1;
    return entry.kind;
  }

  readRest(): string {
    const { words, times, starts, beside } = this.#page;
    const i = this.#sample++;
    this.valueWords[0] = words[2 * i] ?? 0;
    this.valueWords[1] = words[2 * i + 1] ?? 0;
    this.timestampMs = times[i] ?? Number.NaN;
    this.startMs = starts[i] ?? Number.NaN;
    const { histogram, exemplars } = beside.get(i) ?? NOTHING_BESIDE;
    this.histogram = histogram;
    this.exemplars = exemplars;
    // A blank and the end of the line.
    this.position += 2;
    return '';
  }
}

/** Writes a page out. What could be read stays when the rest is bad. */
class WrittenPage {
  readonly entries: Entry[] = [];
  words = new Uint32Array(512);
  readonly times: number[] = [];
  readonly starts: number[] = [];
  readonly beside = new Map<number, Beside>();
  problem = '';
  text: Uint8Array;
  #length = 0;
  #samples = 0;
  readonly #source: WireReader;
  readonly #options: ProtobufOptions;
  readonly #bounds = new Map<number, Uint8Array>();
  readonly #number = new Float64Array(1);
  readonly #numberWords: Uint32Array = wordsOf(this.#number);

  constructor(bytes: Uint8Array, options: ProtobufOptions) {
    this.#source = new WireReader(bytes);
    this.#options = options;
    this.text = new Uint8Array(bytes.length * 2 + 1024);
    this.problem = this.#writeAll();
    this.text = this.text.subarray(0, this.#length);
    if (this.problem === '' && !isUtf8(this.text)) this.problem = 'it is not valid UTF-8';
  }

  #writeAll(): string {
    const source = this.#source;
    for (let count = 1; source.at < source.end; count++) {
      const end = source.span(source.end);
      const family = source.bad ? undefined : readFamily(source, end);
      if (family === undefined) return `its metric family ${count} cannot be read`;
      const problem = this.#writeFamily(family);
      if (problem !== '') return `its metric family ${count} cannot be read: ${problem}`;
      source.at = end;
    }
    return '';
  }

  #writeFamily(family: Family): string {
    if (family.metrics.length === 0) return '';
    const { name, help, unit, type } = family;
    if (name.start === name.end) return 'it has no name';
    this.#note('help', family, help);
    if (unit.end > unit.start) this.#note('unit', family, unit);
    this.#note('type', family, { start: 0, end: 0 });
    for (const at of family.metrics) {
      const metric = readMetric(this.#source, at, type);
      if (metric.body !== undefined) this.#writeMetric(family, metric, metric.body);
      if (this.#source.bad) return 'bad bytes';
    }
    return '';
  }

  #note(kind: 'help' | 'type' | 'unit', { name, type }: Family, text: Stretch): void {
    const start = this.#length;
    this.#ascii(`# ${kind} `);
    const nameStart = this.#length;
    const nameEnd = this.#escaped(name, false);
    this.#byte(SPACE);
    const textStart = this.#length;
    // Written out too: a page that differs in nothing else must not be taken for the one before.
    if (kind === 'type') this.#ascii(type);
    const textEnd = this.#escaped(text, false);
    this.#byte(NEWLINE);
    this.entries.push({ kind, start, nameStart, nameEnd, textStart, textEnd, type });
  }

  #writeMetric(family: Family, metric: Metric, body: Stretch): void {
    const source = this.#source;
    const { type } = family;
    switch (type) {
      case 'counter':
      case 'gauge':
      case 'unknown': {
        const { valueAt, exemplar, startMs } = readSimple(source, body);
        // In a gauge the fields of a counter mean nothing.
        const isCounter = type === 'counter';
        this.#series(family, metric, { suffix: '' });
        this.#wordsAt(valueAt);
        if (isCounter && exemplar !== undefined) this.#beside(undefined, [exemplar]);
        this.#end(metric, isCounter ? startMs : Number.NaN);
        break;
      }
      case 'summary': {
        const summary = readSummary(source, body);
        this.#countAndSum(family, metric, summary);
        for (const { quantile, valueAt } of summary.quantiles) {
          this.#series(family, metric, { suffix: '', bound: ['quantile', quantile] });
          this.#wordsAt(valueAt);
          this.#end(metric, summary.startMs);
        }
        break;
      }
      default:
        this.#writeHistogram(family, metric, body);
    }
  }

  #writeHistogram(family: Family, metric: Metric, body: Stretch): void {
    const { native: wantsNative, classicToo } = this.#options;
    const found = readHistogram(this.#source, body, family.type === 'gaugehistogram');
    const { native, buckets, startMs } = found;
    const isNative = wantsNative && native !== undefined;
    if (isNative) {
      this.#series(family, metric, { suffix: '' });
      this.#number[0] = Number.NaN;
      this.#push(this.#numberWords[LOW_WORD] ?? 0, this.#numberWords[HIGH_WORD] ?? 0);
      const listed = found.exemplars.length > 0 ? found.exemplars : buckets.map(({ exemplar }) => exemplar);
      // Without a time nobody could tell whether it is a new one.
      this.#beside(
        native,
        listed
          .filter(exemplar => exemplar?.timestampMs !== undefined)
          .filter(exemplar => exemplar !== undefined),
      );
      this.#end(metric, startMs);
    }
    if (isNative && !(classicToo && buckets.length > 0)) return;
    this.#countAndSum(family, metric, found);
    const last = buckets.at(-1);
    const all =
      last?.bound === Number.POSITIVE_INFINITY
        ? buckets
        : [...buckets, { bound: Number.POSITIVE_INFINITY, count: found.count, exemplar: undefined }];
    for (const { bound, count, exemplar } of all) {
      this.#series(family, metric, { suffix: '_bucket', bound: ['le', bound] });
      this.#pushNumber(count);
      if (exemplar !== undefined) this.#beside(undefined, [exemplar]);
      this.#end(metric, startMs);
    }
  }

  #countAndSum(
    family: Family,
    metric: Metric,
    of: { readonly count: number; readonly sumAt: number; readonly startMs: number },
  ): void {
    this.#series(family, metric, { suffix: '_count' });
    this.#pushNumber(of.count);
    this.#end(metric, of.startMs);
    this.#series(family, metric, { suffix: '_sum' });
    this.#wordsAt(of.sumAt);
    this.#end(metric, of.startMs);
  }

  /** The text of a series, names quoted where they are not plain ones. */
  #series(
    { name, type }: Family,
    metric: Metric,
    of: { readonly suffix: string; readonly bound?: readonly [name: string, bound: number] },
  ): void {
    const start = this.#length;
    const isPlain = isPlainName(this.#source.bytes, name, true);
    if (isPlain) {
      this.#escaped(name, true);
      this.#ascii(of.suffix);
    }
    const hasBraces = !isPlain || metric.labels.length > 0 || of.bound !== undefined;
    if (hasBraces) this.#ascii('{');
    if (!isPlain) {
      this.#byte(QUOTE);
      this.#escaped(name, true);
      this.#ascii(of.suffix);
      this.#ascii('",');
    }
    for (const label of metric.labels) {
      const isPlainLabel = isPlainName(this.#source.bytes, label.name, false);
      if (!isPlainLabel) this.#byte(QUOTE);
      this.#escaped(label.name, true);
      this.#ascii(isPlainLabel ? '="' : '"="');
      this.#escaped(label.value, true);
      this.#ascii('",');
    }
    if (of.bound !== undefined) {
      this.#ascii(`${of.bound[0]}="`);
      this.#raw(this.#boundText(of.bound[1]));
      this.#byte(QUOTE);
    }
    if (hasBraces) this.#ascii('}');
    const nameEnd = this.#length;
    this.#byte(SPACE);
    this.#byte(NEWLINE);
    const text = { textStart: nameEnd, textEnd: nameEnd };
    this.entries.push({ kind: 'sample', start, nameStart: start, nameEnd, ...text, type });
  }

  #end(metric: Metric, startMs: number): void {
    this.times[this.#samples] = metric.timestampMs === 0 ? Number.NaN : metric.timestampMs;
    this.starts[this.#samples] = startMs === 0 ? Number.NaN : startMs;
    this.#samples++;
  }

  #beside(histogram: NativeHistogram | undefined, exemplars: readonly Exemplar[]): void {
    this.beside.set(this.#samples, { histogram, exemplars });
  }

  /** The value whose bytes lie there, bit by bit; 0 for -1. */
  #wordsAt(at: number): void {
    const { view } = this.#source;
    if (at < 0 || this.#source.bad) this.#push(0, 0);
    else this.#push(view.getUint32(at, true), view.getUint32(at + 4, true));
  }

  #pushNumber(value: number): void {
    this.#number[0] = value;
    this.#push(this.#numberWords[LOW_WORD] ?? 0, this.#numberWords[HIGH_WORD] ?? 0);
  }

  #push(low: number, high: number): void {
    const at = 2 * this.#samples;
    if (at + 2 > this.words.length) {
      const grown = new Uint32Array(this.words.length * 2);
      grown.set(this.words);
      this.words = grown;
    }
    this.words[at + LOW_WORD] = low;
    this.words[at + HIGH_WORD] = high;
  }

  #boundText(bound: number): Uint8Array {
    let text = this.#bounds.get(bound);
    if (text === undefined) {
      text = Buffer.from(formatFloatOpenMetrics(bound));
      this.#bounds.set(bound, text);
    }
    return text;
  }

  /** A stretch of the page, escaped as in text; says where it ends. */
  #escaped({ start, end }: Stretch, quotesToo: boolean): number {
    const { bytes } = this.#source;
    this.#reserve(2 * (end - start));
    for (let i = start; i < end; i++) {
      const byte = bytes[i] as number;
      const isSpecial = byte === BACKSLASH || byte === NEWLINE || (quotesToo && byte === QUOTE);
      if (isSpecial) this.text[this.#length++] = BACKSLASH;
      this.text[this.#length++] = byte === NEWLINE ? LETTER_N : byte;
    }
    return this.#length;
  }

  #ascii(text: string): void {
    this.#reserve(text.length);
    for (let i = 0; i < text.length; i++) this.text[this.#length++] = text.charCodeAt(i);
  }

  #raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.text.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  #byte(byte: number): void {
    this.#reserve(1);
    this.text[this.#length++] = byte;
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.text.length) return;
    const grown = new Uint8Array(Math.max(this.text.length * 2, this.#length + count));
    grown.set(this.text.subarray(0, this.#length));
    this.text = grown;
  }
}

function isPlainName(bytes: Uint8Array, { start, end }: Stretch, colons: boolean): boolean {
  if (start === end) return false;
  for (let i = start; i < end; i++) {
    const byte = bytes[i] as number;
    const isLetter = (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a) || byte === 0x5f;
    const isDigit = byte >= 0x30 && byte <= 0x39;
    if (!(isLetter || (isDigit && i > start) || (colons && byte === 0x3a))) return false;
  }
  return true;
}
