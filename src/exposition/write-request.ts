// Requests of remote write, written: prometheus.WriteRequest (1.0), where each series has its labels in full, and
// io.prometheus.write.v2.Request (2.0), where texts stand in a table at the front and are referred to by number.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

import { type Labels, METRIC_TYPES, type MetricMetadata, type NativeHistogram } from '../model/index.ts';
import { writeHistogram } from './histogram-writer.ts';
import { type Snapper, snappyHead } from './snap.ts';
import { varintBytes, WireWriter } from './wire-writer.ts';

export interface SentExemplar {
  readonly labels: Labels;
  readonly value: number;
  readonly timeMs: number;
}

/** Value `i` of the column behind `words`; the start time is NaN where unknown. */
export interface SentSample {
  readonly words: Uint32Array;
  readonly i: number;
  readonly timeMs: number;
  readonly startMs: number;
}

/** The labels of a series as 1.0 has them, to be written again and again. */
export function labelFields(labels: Labels): Uint8Array {
  const writer = new WireWriter(256);
  writeLabelFields(writer, labels);
  return writer.bytes().slice();
}

function writeLabelFields(writer: WireWriter, labels: Labels): void {
  for (let i = 0; i < labels.length; i += 2) {
    const pair = writer.begin(1);
    writer.text(1, labels[i]!);
    writer.text(2, labels[i + 1]!);
    writer.end(pair);
  }
}

/** Owns the memory that requests of 1.0 are written in, one after another. */
export class WriteRequest1 {
  readonly #writer = new WireWriter(64 * 1024);

  begin(): void {
    this.#writer.clear();
  }

  /** Samples, histograms and exemplars of it follow, and `endSeries` with what this gives. */
  beginSeries(labels: Uint8Array): number {
    const mark = this.#writer.begin(1);
    this.#writer.append(labels);
    return mark;
  }

  /** A series that has one sample and nothing else, as most have. */
  single(labels: Uint8Array, { words, i, timeMs }: Omit<SentSample, 'startMs'>): void {
    const writer = this.#writer;
    const valueBytes = words[2 * i] === 0 && words[2 * i + 1] === 0 ? 0 : 9;
    const timeBytes = timeMs === 0 ? 0 : 1 + (timeMs < 0 ? 10 : varintBytes(timeMs));
    writer.sized(1, labels.length + 2 + valueBytes + timeBytes);
    writer.append(labels);
    writer.sized(2, valueBytes + timeBytes);
    writer.doubleOf(1, words, i);
    writer.int64(2, timeMs);
  }

  sample(words: Uint32Array, i: number, timeMs: number): void {
    const writer = this.#writer;
    const mark = writer.begin(2);
    writer.doubleOf(1, words, i);
    writer.int64(2, timeMs);
    writer.end(mark);
  }

  histogram(histogram: NativeHistogram, timeMs: number): void {
    const mark = this.#writer.begin(4);
    writeHistogram(this.#writer, histogram, { timeMs, startMs: Number.NaN });
    this.#writer.end(mark);
  }

  exemplar({ labels, value, timeMs }: SentExemplar): void {
    const writer = this.#writer;
    const mark = writer.begin(3);
    writeLabelFields(writer, labels);
    writer.double(2, value);
    writer.int64(3, timeMs);
    writer.end(mark);
  }

  endSeries(mark: number): void {
    this.#writer.end(mark);
  }

  metadata({ metric, type, help, unit }: MetricMetadata): void {
    const writer = this.#writer;
    const mark = writer.begin(3);
    writer.number(1, METRIC_TYPES.indexOf(type));
    writer.text(2, metric);
    writer.text(4, help);
    writer.text(5, unit);
    writer.end(mark);
  }

  /** Good until the next request is begun. */
  parts(): readonly Uint8Array[] {
    return [this.#writer.bytes()];
  }
}

/** Texts that requests refer to, each with a number that it keeps; 0 is the empty one. */
export class SymbolBook {
  readonly #ids = new Map<string, number>([['', 0]]);
  readonly #bytes: Uint8Array[] = [new Uint8Array(0)];
  readonly #encoder = new TextEncoder();

  get size(): number {
    return this.#bytes.length;
  }

  id(text: string): number {
    const known = this.#ids.get(text);
    if (known !== undefined) return known;
    const id = this.#bytes.length;
    this.#ids.set(text, id);
    this.#bytes.push(this.#encoder.encode(text));
    return id;
  }

  ids(labels: Labels): Uint32Array {
    return Uint32Array.from(labels, text => this.id(text));
  }

  bytes(id: number): Uint8Array {
    return this.#bytes[id]!;
  }
}

/** Owns the memory that requests of 2.0 are written in, and which texts the one under way has so far. */
export class WriteRequest2 {
  readonly #book: SymbolBook;
  readonly #symbols = new WireWriter(16 * 1024);
  readonly #series = new WireWriter(64 * 1024);
  /** By the number in the book: the place in this request's table, good where the stamp is this request's. */
  #places = new Uint32Array(1024);
  #stamps = new Uint32Array(1024);
  #request = 0;
  #count = 0;

  constructor(book: SymbolBook) {
    this.#book = book;
  }

  begin(): void {
    this.#symbols.clear();
    this.#series.clear();
    this.#request++;
    this.#count = 0;
    this.#place(0);
  }

  /** `labels` are numbers of the book. */
  beginSeries(labels: Uint32Array): number {
    const mark = this.#series.begin(5);
    this.#references(labels);
    return mark;
  }

  sample({ words, i, timeMs, startMs }: SentSample): void {
    const writer = this.#series;
    const mark = writer.begin(2);
    writer.doubleOf(1, words, i);
    writer.int64(2, timeMs);
    if (!Number.isNaN(startMs)) writer.int64(3, startMs);
    writer.end(mark);
  }

  histogram(histogram: NativeHistogram, at: { readonly timeMs: number; readonly startMs: number }): void {
    const mark = this.#series.begin(3);
    writeHistogram(this.#series, histogram, at);
    this.#series.end(mark);
  }

  exemplar({ labels, value, timeMs }: SentExemplar): void {
    const writer = this.#series;
    const mark = writer.begin(4);
    if (labels.length > 0) this.#references(this.#book.ids(labels));
    writer.double(2, value);
    writer.int64(3, timeMs);
    writer.end(mark);
  }

  /** `createdMs`: of all its samples, NaN for none. Earlier receivers know that place of it only. */
  endSeries(
    mark: number,
    about: { readonly metadata: MetricMetadata | undefined; readonly createdMs: number },
  ): void {
    const writer = this.#series;
    const { metadata, createdMs } = about;
    if (metadata !== undefined) {
      const help = this.#place(this.#book.id(metadata.help));
      const unit = this.#place(this.#book.id(metadata.unit));
      const message = writer.begin(5);
      writer.number(1, METRIC_TYPES.indexOf(metadata.type));
      writer.number(3, help);
      writer.number(4, unit);
      writer.end(message);
    }
    if (!Number.isNaN(createdMs)) writer.int64(6, createdMs);
    writer.end(mark);
  }

  /** The table first. Good until the next request is begun. */
  parts(): readonly Uint8Array[] {
    return [this.#symbols.bytes(), this.#series.bytes()];
  }

  #references(ids: Uint32Array): void {
    const packed = this.#series.begin(1);
    for (let i = 0; i < ids.length; i++) this.#series.varint(this.#place(ids[i]!));
    this.#series.end(packed);
  }

  /** Where a text stands in this request's table; it is put there if it does not stand there yet. */
  #place(id: number): number {
    if (id >= this.#stamps.length) this.#grow(id);
    if (this.#stamps[id] === this.#request) return this.#places[id]!;
    this.#stamps[id] = this.#request;
    this.#places[id] = this.#count;
    this.#symbols.raw(4, this.#book.bytes(id));
    return this.#count++;
  }

  #grow(id: number): void {
    const size = Math.max(id + 1, this.#stamps.length * 2);
    const [stamps, places] = [new Uint32Array(size), new Uint32Array(size)];
    stamps.set(this.#stamps);
    places.set(this.#places);
    this.#stamps = stamps;
    this.#places = places;
  }
}

/** One snappy block of all parts, in memory of its own. */
export function snappyBody(snapper: Snapper, parts: readonly Uint8Array[]): Uint8Array {
  const made = [snappyHead(parts.reduce((sum, part) => sum + part.length, 0))];
  for (const part of parts) made.push(...snapper.pieces(part));
  return Buffer.concat(made);
}
