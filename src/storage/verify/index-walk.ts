// A block's index read from memory, entry by entry, with no trust in any of it: what lies in damaged pages or makes no sense
// is undefined. The layout is in docs/formats/block.md.
// biome-ignore-all lint/style/noNonNullAssertion: indices are within their arrays by construction.

import { type Labels, labelsFromSorted, type SeriesRef, type TargetId, targetId } from '../../model/index.ts';
import type { ColumnPlace, TimelineRecord } from '../block/block-index.ts';
import { PRODUCER_NAME } from '../block/index-writer.ts';
import { SEGMENT_SAMPLES } from '../block/limits.ts';
import type { BlockMeta } from '../block/meta.ts';
import { ByteReader } from '../bytes.ts';
import type { PagedContent } from './pages.ts';

/** What must be known of a block to find one's way in its index. */
export type IndexFacts = Pick<BlockMeta, 'series' | 'timelines' | 'sections'>;

export interface WalkedSeries {
  readonly ref: SeriesRef;
  readonly producer: TargetId | undefined;
  readonly labels: Labels;
  /** Numbers of the values of its labels, and of its producer. */
  readonly values: readonly number[];
  readonly timeline: number;
  readonly columns: readonly (ColumnPlace & { readonly kind: number })[];
}

export interface WalkedName {
  readonly name: string;
  /** Of its values among all. */
  readonly first: number;
  readonly count: number;
}

interface List {
  readonly at: number;
  readonly endsAt: number;
  readonly count: number;
}

/** A byte order mark is part of a text. */
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

export class IndexWalk {
  readonly names: readonly WalkedName[];
  readonly #content: PagedContent;
  readonly #view: DataView;
  readonly #texts: (string | undefined)[] = [];
  readonly #strings: List;
  readonly #postings: List;
  readonly #series: List;
  readonly #timelines: List;

  private constructor(content: PagedContent, names: readonly WalkedName[], facts: IndexFacts) {
    const { sections } = facts;
    const { bytes } = content;
    const values = countValues(names);
    this.#content = content;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.names = names;
    this.#strings = { at: 0, endsAt: sections.stringEnds, count: values };
    this.#postings = { at: sections.postings, endsAt: sections.postingEnds, count: values };
    this.#series = { at: sections.series, endsAt: sections.seriesEnds, count: facts.series };
    this.#timelines = { at: sections.timelines, endsAt: sections.timelineEnds, count: facts.timelines };
  }

  /** Undefined where the names of labels, without which nothing can be told, are damaged, or the facts do not fit. */
  static open(content: PagedContent, facts: IndexFacts): IndexWalk | undefined {
    const { names: at, series } = facts.sections;
    if (!content.isSound(at, series)) return undefined;
    const names = readNames(content.bytes, at, series);
    if (names === undefined || names.end !== series) return undefined;
    return fitsSections(facts, countValues(names.names), content.bytes.length)
      ? new IndexWalk(content, names.names, facts)
      : undefined;
  }

  get seriesCount(): number {
    return this.#series.count;
  }

  get timelineCount(): number {
    return this.#timelines.count;
  }

  get valueCount(): number {
    return this.#strings.count;
  }

  /** Where a series' entry lies, for whoever tells of it. */
  placeOfSeries(number: number): number {
    return this.#series.endsAt + 4 * number;
  }

  valueBytes(value: number): Uint8Array | undefined {
    return this.#entry(this.#strings, value);
  }

  /** Numbers of the series that have the value; undefined where the list makes no sense. */
  postings(value: number): readonly number[] | undefined {
    const bytes = this.#entry(this.#postings, value);
    if (bytes === undefined) return undefined;
    const reader = new ByteReader(bytes);
    const numbers: number[] = [];
    let number = 0;
    while (reader.left > 0) {
      number += reader.varint();
      const before = numbers[numbers.length - 1] ?? -1;
      if (reader.failed || number >= this.#series.count || number <= before) return undefined;
      numbers.push(number);
    }
    return numbers;
  }

  series(number: number): WalkedSeries | undefined {
    const bytes = this.#entry(this.#series, number);
    if (bytes === undefined) return undefined;
    const reader = new ByteReader(bytes);
    const ref = reader.varint();
    const producer = reader.varint();
    const flat: string[] = [];
    const values: number[] = [];
    let isKnown = true;
    for (let left = reader.count(2); left > 0; left--) {
      const name = this.names[reader.varint()];
      const value = this.#valueOf(name, reader.varint());
      if (name === undefined || value === undefined) isKnown = false;
      else {
        flat.push(name.name, value.text);
        values.push(value.number);
      }
    }
    const timeline = reader.varint();
    const columns = readColumns(reader);
    const producers = this.names.find(({ name }) => name === PRODUCER_NAME);
    const by = producer === 0 ? undefined : this.#valueOf(producers, producer - 1);
    if (producer > 0 && by === undefined) isKnown = false;
    if (by !== undefined) values.push(by.number);
    const isSense = isKnown && !reader.failed && reader.left === 0 && timeline < this.#timelines.count;
    if (!isSense) return undefined;
    return {
      ref: ref as SeriesRef,
      producer: by === undefined ? undefined : targetId(by.text),
      labels: labelsFromSorted(Object.freeze(flat)),
      values,
      timeline,
      columns,
    };
  }

  timeline(number: number): TimelineRecord | undefined {
    const bytes = this.#entry(this.#timelines, number);
    return bytes === undefined ? undefined : readTimeline(new ByteReader(bytes));
  }

  #valueOf(
    name: WalkedName | undefined,
    position: number,
  ): { readonly number: number; readonly text: string } | undefined {
    if (name === undefined || position >= name.count) return undefined;
    const number = name.first + position;
    const known = this.#texts[number];
    if (known !== undefined) return { number, text: known };
    const bytes = this.valueBytes(number);
    if (bytes === undefined) return undefined;
    const text = decoder.decode(bytes);
    this.#texts[number] = text;
    return { number, text };
  }

  #entry(list: List, number: number): Uint8Array | undefined {
    if (number >= list.count) return undefined;
    const endAt = list.endsAt + 4 * number;
    const from = number === 0 ? 0 : this.#end(endAt - 4);
    const to = this.#end(endAt);
    const isIn = from !== undefined && to !== undefined && list.at + to <= list.endsAt;
    if (!isIn || !this.#content.isSound(list.at + from, list.at + to)) return undefined;
    return this.#content.bytes.subarray(list.at + from, list.at + to);
  }

  #end(at: number): number | undefined {
    return this.#content.isSound(at, at + 4) ? this.#view.getUint32(at, true) : undefined;
  }
}

function countValues(names: readonly WalkedName[]): number {
  const last = names[names.length - 1];
  return last === undefined ? 0 : last.first + last.count;
}

/** Whether the sections follow one another and have room for as many entries as there are. */
function fitsSections(facts: IndexFacts, values: number, contentBytes: number): boolean {
  const { stringEnds, postings, postingEnds, names, series, seriesEnds, timelines, timelineEnds } =
    facts.sections;
  const isRising = [
    0,
    stringEnds,
    postings,
    postingEnds,
    names,
    series,
    seriesEnds,
    timelines,
    timelineEnds,
  ].every((at, i, all) => i === 0 || at >= all[i - 1]!);
  return (
    isRising &&
    postings - stringEnds === 4 * values &&
    names - postingEnds === 4 * values &&
    timelines - seriesEnds === 4 * facts.series &&
    contentBytes - timelineEnds === 4 * facts.timelines
  );
}

export function readNames(
  bytes: Uint8Array,
  from: number,
  to: number,
): { readonly names: readonly WalkedName[]; readonly end: number } | undefined {
  const reader = new ByteReader(bytes, from, to);
  const names: WalkedName[] = [];
  let first = 0;
  for (let left = reader.count(2); left > 0; left--) {
    const name = reader.text();
    const count = reader.varint();
    names.push({ name, first, count });
    first += count;
    if (reader.failed || count === 0) return undefined;
  }
  return reader.failed ? undefined : { names, end: reader.at };
}

function readColumns(reader: ByteReader): readonly (ColumnPlace & { readonly kind: number })[] {
  const columns: (ColumnPlace & { readonly kind: number })[] = [];
  for (let left = reader.count(3); left > 0; left--) {
    const kind = reader.u8();
    const at = reader.varint();
    const lengths: number[] = [];
    for (let segments = reader.count(1); segments > 0; segments--) lengths.push(reader.varint());
    columns.push({ kind, at, lengths });
  }
  return columns;
}

/** Of all that the reader has. */
export function readTimeline(reader: ByteReader): TimelineRecord | undefined {
  let at = reader.varint();
  const count = reader.varint();
  const segments: TimelineRecord['segments'][number][] = [];
  let before = 0;
  for (let left = count; left > 0 && !reader.failed; left -= SEGMENT_SAMPLES) {
    const bytes = reader.varint();
    const minMs = before + reader.zigzag();
    const maxMs = minMs + reader.varint();
    segments.push({ at, bytes, count: Math.min(left, SEGMENT_SAMPLES), minMs, maxMs });
    at += bytes;
    before = maxMs;
  }
  return reader.failed || reader.left !== 0 || count === 0 ? undefined : { count, segments };
}

/** Passes over one entry; false where it makes no sense. */
export function skipSeries(reader: ByteReader): boolean {
  reader.skipVarints(2);
  reader.skipVarints(2 * reader.count(2));
  reader.skipVarints(1);
  const columns = reader.count(3);
  for (let i = 0; i < columns && !reader.failed; i++) {
    reader.u8();
    reader.skipVarints(1);
    reader.skipVarints(reader.count(1));
  }
  return !reader.failed && columns > 0;
}
