// The index of a block: label values with their postings, series by labels, timelines. Flat arrays in one paged file,
// so that a reader opens it without reading it (docs/formats/block.md).
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

import { compareUtf8, type DiskError, ok, type Result } from '../../base/index.ts';
import { compareLabels, type Labels, type SeriesRef, type TargetId } from '../../model/index.ts';
import { ByteWriter } from '../bytes.ts';
import type { Sections } from './meta.ts';
import type { PagedWriter } from './paged.ts';
import { type Slices, sortInSlices } from './slices.ts';

export interface IndexedSeries {
  readonly labels: Labels;
  readonly ref: SeriesRef;
  readonly producer: TargetId | undefined;
  readonly timeline: number;
  /** That of the floats is the first. */
  readonly columns: readonly IndexedColumn[];
}

export interface IndexedColumn {
  readonly kind: number;
  /** Where it begins in the data file, and the bytes of each segment; none for a segment without any. */
  readonly at: number;
  readonly lengths: readonly number[];
}

export interface IndexedTimeline {
  readonly at: number;
  readonly count: number;
  readonly segments: readonly { readonly bytes: number; readonly minMs: number; readonly maxMs: number }[];
}

/** Producers are kept as the values of a label that no series can have. */
export const PRODUCER_NAME = '';

interface Value {
  readonly text: string;
  /** Position among the values of its name. */
  position: number;
  readonly members: number[];
}

type Names = Map<string, Map<string, Value>>;

/** Entries handled between two looks at the clock. */
const STEP = 512;

export async function writeIndex(
  out: PagedWriter,
  content: { readonly series: readonly IndexedSeries[]; readonly timelines: readonly IndexedTimeline[] },
  slices: Slices,
): Promise<Result<Sections, DiskError>> {
  slices.begin();
  const sorted = await sortInSlices(content.series, (a, b) => compareLabels(a.labels, b.labels), slices);
  const names = await collectNames(sorted, slices);
  const stage = new Stage(out, slices);
  const order = [...names.keys()].sort(compareUtf8);
  const values: Value[] = [];
  for (const name of order) {
    const ofName = await sortInSlices(
      [...names.get(name)!.values()],
      (a, b) => compareUtf8(a.text, b.text),
      slices,
    );
    ofName.forEach((value, position) => {
      value.position = position;
      values.push(value);
    });
  }
  const strings = await stage.list(values, (writer, value) => writer.raw(encoder.encode(value.text)));
  if (!strings.ok) return strings;
  const postings = await stage.list(values, (writer, value) => writeRising(writer, value.members));
  if (!postings.ok) return postings;
  const namesAt = stage.at;
  const named = await stage.write(writer => {
    writer.varint(order.length);
    for (const name of order) {
      writer.text(name);
      writer.varint(names.get(name)!.size);
    }
  });
  if (!named.ok) return named;
  const places = new Map(order.map((name, i) => [name, i]));
  const records = await stage.list(sorted, (writer, one) =>
    writeSeriesRecord(writer, one, { names, places }),
  );
  if (!records.ok) return records;
  const timelines = await stage.list(content.timelines, writeTimeline);
  if (!timelines.ok) return timelines;
  return ok({
    stringEnds: strings.value.endsAt,
    postings: postings.value.at,
    postingEnds: postings.value.endsAt,
    names: namesAt,
    series: records.value.at,
    seriesEnds: records.value.endsAt,
    timelines: timelines.value.at,
    timelineEnds: timelines.value.endsAt,
  });
}

const encoder = new TextEncoder();

async function collectNames(sorted: readonly IndexedSeries[], slices: Slices): Promise<Names> {
  const names: Names = new Map();
  const note = (name: string, text: string, series: number): void => {
    let values = names.get(name);
    if (values === undefined) {
      values = new Map();
      names.set(name, values);
    }
    const value = values.get(text);
    if (value === undefined) values.set(text, { text, position: 0, members: [series] });
    else value.members.push(series);
  };
  for (let i = 0; i < sorted.length; i++) {
    const { labels, producer } = sorted[i]!;
    if (producer !== undefined) note(PRODUCER_NAME, producer, i);
    for (let k = 0; k < labels.length; k += 2) note(labels[k]!, labels[k + 1]!, i);
    if (i % STEP === 0) await slices.breathe();
  }
  return names;
}

function writeRising(writer: ByteWriter, numbers: readonly number[]): void {
  let before = 0;
  for (const number of numbers) {
    writer.varint(number - before);
    before = number;
  }
}

function writeSeriesRecord(
  writer: ByteWriter,
  one: IndexedSeries,
  known: { readonly names: Names; readonly places: ReadonlyMap<string, number> },
): void {
  const { labels, producer, timeline, columns } = one;
  const positionOf = (name: string, text: string): number => known.names.get(name)!.get(text)!.position;
  writer.varint(one.ref);
  writer.varint(producer === undefined ? 0 : positionOf(PRODUCER_NAME, producer) + 1);
  writer.varint(labels.length / 2);
  for (let k = 0; k < labels.length; k += 2) {
    writer.varint(known.places.get(labels[k]!)!);
    writer.varint(positionOf(labels[k]!, labels[k + 1]!));
  }
  writer.varint(timeline);
  writer.varint(columns.length);
  for (const { kind, at, lengths } of columns) {
    writer.u8(kind);
    writer.varint(at);
    writer.varint(lengths.length);
    for (const length of lengths) writer.varint(length);
  }
}

function writeTimeline(writer: ByteWriter, timeline: IndexedTimeline): void {
  writer.varint(timeline.at);
  writer.varint(timeline.count);
  let before = 0;
  for (const { bytes, minMs, maxMs } of timeline.segments) {
    writer.varint(bytes);
    writer.zigzag(minMs - before);
    writer.varint(maxMs - minMs);
    before = maxMs;
  }
}

/** Entries of any length one behind the other, then where each ends, as u32 from the start of the first. */
class Stage {
  readonly #out: PagedWriter;
  readonly #slices: Slices;
  readonly #writer = new ByteWriter(64 * 1024);

  constructor(out: PagedWriter, slices: Slices) {
    this.#out = out;
    this.#slices = slices;
  }

  get at(): number {
    return this.#out.at;
  }

  async write(fill: (writer: ByteWriter) => void): Promise<Result<void, DiskError>> {
    this.#writer.clear();
    fill(this.#writer);
    this.#out.add(this.#writer.bytes());
    return this.#out.flush();
  }

  async list<T>(
    entries: readonly T[],
    fill: (writer: ByteWriter, entry: T) => void,
  ): Promise<Result<{ at: number; endsAt: number }, DiskError>> {
    const at = this.#out.at;
    const ends = new Uint32Array(entries.length);
    for (let from = 0; from < entries.length; from += STEP) {
      const to = Math.min(entries.length, from + STEP);
      const base = this.#out.at - at;
      const written = await this.write(writer => {
        for (let i = from; i < to; i++) {
          fill(writer, entries[i]!);
          ends[i] = base + writer.length;
        }
      });
      if (!written.ok) return written;
      await this.#slices.breathe();
    }
    const endsAt = this.#out.at;
    const written = await this.write(writer => {
      for (const end of ends) writer.u32(end);
    });
    return written.ok ? ok({ at, endsAt }) : written;
  }
}
