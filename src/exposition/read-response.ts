// The answers of a remote read: series as samples (prometheus.TimeSeries within a ReadResponse), and as chunks in frames (a
// prometheus.ChunkedReadResponse each, behind its length as a varint and its CRC-32C, high byte first).
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

import { crc32c } from '../base/index.ts';
import { type Labels, labelPairs, NO_LABELS, type SeriesColumns, wordsOf } from '../model/index.ts';
import type { SampleChunk } from './chunk/index.ts';
import { writeHistogram } from './histogram-writer.ts';
import { WireWriter } from './wire-writer.ts';

/** Of a series' columns. */
export interface Rows {
  readonly from: number;
  readonly to: number;
}

/** As Prometheus: enough for thousands of samples, and little enough to hold on either side. One chunk may be beyond it. */
export const FRAME_BYTES_MAX = 1024 * 1024;

const RESULTS = 1;
const TIMESERIES = 1;

/** The field of a ReadResponse that a result of so many bytes stands in. */
export function resultHead(resultBytes: number): Uint8Array {
  const writer = new WireWriter(16);
  writer.varint(RESULTS * 8 + 2);
  writer.varint(resultBytes);
  return writer.bytes();
}

/** One series in the result of a query: its samples follow, and `writer.end` with what this gives. */
export function beginTimeSeries(writer: WireWriter, labels: Labels): number {
  const mark = writer.begin(TIMESERIES);
  writeLabels(writer, labels);
  return mark;
}

function writeLabels(writer: WireWriter, labels: Labels): void {
  for (const [name, value] of labelPairs(labels)) {
    const pair = writer.begin(1);
    writer.text(1, name);
    writer.text(2, value);
    writer.end(pair);
  }
}

export function writeSamples(
  writer: WireWriter,
  { values, timesMs, histograms }: SeriesColumns,
  rows: Rows,
): void {
  const words = wordsOf(values);
  for (let i = rows.from; i < rows.to; i++) {
    const histogram = histograms?.get(i);
    if (histogram !== undefined) {
      const message = writer.begin(4);
      writeHistogram(writer, histogram, { timeMs: timesMs[i]!, startMs: Number.NaN });
      writer.end(message);
      continue;
    }
    const sample = writer.begin(2);
    writer.doubleOf(1, words, i);
    writer.int64(2, timesMs[i]!);
    writer.end(sample);
  }
}

// --- frames -----------------------------------------------------------------------------------------

/** Puts chunks of one series after another into frames: none has chunks of two. */
export class FrameWriter {
  readonly #writer = new WireWriter();
  #labels: Labels = NO_LABELS;
  #queryIndex = 0;
  #held: SampleChunk[] = [];
  #heldBytes = 0;

  begin(labels: Labels, queryIndex: number): void {
    this.#labels = labels;
    this.#queryIndex = queryIndex;
  }

  /** A frame when it is full. */
  add(chunk: SampleChunk): Uint8Array | undefined {
    this.#held.push(chunk);
    this.#heldBytes += chunk.data.length;
    return this.#heldBytes >= FRAME_BYTES_MAX ? this.end() : undefined;
  }

  /** What is left of the series, if anything. */
  end(): Uint8Array | undefined {
    if (this.#held.length === 0) return undefined;
    const writer = this.#writer;
    writer.clear();
    const series = writer.begin(1);
    writeLabels(writer, this.#labels);
    for (const chunk of this.#held) writeChunk(writer, chunk);
    writer.end(series);
    writer.int64(2, this.#queryIndex);
    this.#held = [];
    this.#heldBytes = 0;
    return framed(writer.bytes());
  }
}

function writeChunk(writer: WireWriter, { minMs, maxMs, kind, data }: SampleChunk): void {
  const chunk = writer.begin(2);
  writer.int64(1, minMs);
  writer.int64(2, maxMs);
  writer.number(3, kind);
  writer.raw(4, data);
  writer.end(chunk);
}

function framed(message: Uint8Array): Uint8Array {
  const length = new WireWriter(16);
  length.varint(message.length);
  const at = length.length + 4;
  const frame = new Uint8Array(at + message.length);
  frame.set(length.bytes());
  const sum = crc32c(message, { from: 0, to: message.length });
  new DataView(frame.buffer).setUint32(length.length, sum, false);
  frame.set(message, at);
  return frame;
}
