// Reading a block's index: which series satisfy matchers, and what a series is. Everything is fetched when it is asked
// for; only the names of labels, and some of the strings met lately, stay in memory.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

import { compareUtf8, ok, type Pace, type Result } from '../../base/index.ts';
import {
  type CompiledMatcher,
  type Labels,
  labelsFromSorted,
  type SeriesRef,
  type TargetId,
  targetId,
} from '../../model/index.ts';
import { ByteReader } from '../bytes.ts';
import { COLUMN } from '../extra-columns.ts';
import { intersect, literalAlternatives, union } from '../matching.ts';
import { type BlockFailure, damaged } from './failure.ts';
import { PRODUCER_NAME } from './index-writer.ts';
import { SEGMENT_SAMPLES, STRINGS_MAX } from './limits.ts';
import type { BlockMeta } from './meta.ts';
import type { PagedFile } from './paged.ts';

type Answer<T> = Promise<Result<T, BlockFailure>>;

export interface SeriesRecord {
  readonly ref: SeriesRef;
  readonly producer: TargetId | undefined;
  readonly labels: Labels;
  readonly timeline: number;
  readonly floats: ColumnPlace;
  /** Others than floats, by kind. */
  readonly extras: readonly (ColumnPlace & { readonly kind: number })[];
}

export interface ColumnPlace {
  readonly at: number;
  readonly lengths: readonly number[];
}

export interface TimelineRecord {
  readonly count: number;
  readonly segments: readonly {
    readonly at: number;
    readonly bytes: number;
    readonly count: number;
    readonly minMs: number;
    readonly maxMs: number;
  }[];
}

/** Values of one name: numbers first … first + count - 1 of all values. */
interface Name {
  readonly name: string;
  readonly first: number;
  readonly count: number;
}

/** Values fetched together when all of a name are looked at. */
const VALUES_AT_ONCE = 2048;

/** A list of entries of any length: where they begin, and where the list of their ends does. */
interface List {
  readonly at: number;
  readonly endsAt: number;
  readonly count: number;
}

interface Where {
  readonly inverted: boolean;
  readonly pace: Pace | undefined;
}

export class BlockIndex {
  readonly #file: PagedFile;
  readonly #names: readonly Name[];
  readonly #byName: ReadonlyMap<string, Name>;
  readonly #strings = new Map<number, string>();
  readonly #lists: {
    readonly strings: List;
    readonly postings: List;
    readonly series: List;
    readonly timelines: List;
  };

  private constructor(file: PagedFile, names: readonly Name[], meta: BlockMeta) {
    const { sections } = meta;
    const last = names[names.length - 1];
    const values = last === undefined ? 0 : last.first + last.count;
    this.#file = file;
    this.#names = names;
    this.#byName = new Map(names.map(name => [name.name, name]));
    this.#lists = {
      strings: { at: 0, endsAt: sections.stringEnds, count: values },
      postings: { at: sections.postings, endsAt: sections.postingEnds, count: values },
      series: { at: sections.series, endsAt: sections.seriesEnds, count: meta.series },
      timelines: { at: sections.timelines, endsAt: sections.timelineEnds, count: meta.timelines },
    };
  }

  static async open(file: PagedFile, meta: BlockMeta): Answer<BlockIndex> {
    const { sections } = meta;
    const bytes = await file.read(sections.names, sections.series - sections.names);
    if (!bytes.ok) return bytes;
    const reader = new ByteReader(bytes.value);
    const names: Name[] = [];
    let first = 0;
    const count = reader.count(2);
    for (let i = 0; i < count; i++) {
      const name = reader.text();
      const values = reader.varint();
      names.push({ name, first, count: values });
      first += values;
    }
    const fits = sections.postings - sections.stringEnds === 4 * first;
    if (reader.failed || !fits) return damaged(file.path, sections.names, 'the label names make no sense');
    return ok(new BlockIndex(file, names, meta));
  }

  get seriesCount(): number {
    return this.#lists.series.count;
  }

  /**
   * Numbers of the series that satisfy all matchers, rising, which is the order of their labels. Where the pace says that the
   * work shall end, they make no sense.
   */
  async match(matchers: readonly CompiledMatcher[], pace?: Pace): Answer<Uint32Array> {
    let found: Uint32Array | undefined;
    // Equality first: the shortest lists, and often the end.
    const ordered = [...matchers].sort((a, b) => Number(b.op === '=') - Number(a.op === '='));
    for (const matcher of ordered) {
      // One that an absent label satisfies leaves out the series whose value does not.
      const inverted = matcher.test('');
      const listed = await this.#seriesWhere(matcher, { inverted, pace });
      if (!listed.ok) return listed;
      const before: Uint32Array = found ?? allBelow(this.seriesCount);
      found = inverted ? without(before, listed.value) : Uint32Array.from(intersect(before, listed.value));
      if (found.length === 0) break;
    }
    return ok(found ?? allBelow(this.seriesCount));
  }

  async series(number: number): Answer<SeriesRecord> {
    const bytes = await this.#entry(this.#lists.series, number);
    if (!bytes.ok) return bytes;
    const reader = new ByteReader(bytes.value);
    const ref = reader.varint() as SeriesRef;
    const producer = reader.varint();
    const flat: string[] = [];
    const labels = reader.count(2);
    for (let i = 0; i < labels; i++) {
      const name = this.#names[reader.varint()];
      const text = name === undefined ? undefined : await this.#valueOf(name, reader.varint());
      if (text !== undefined && !text.ok) return text;
      if (name === undefined || text === undefined) reader.failed = true;
      else flat.push(name.name, text.value);
    }
    const timeline = reader.varint();
    const columns = readColumns(reader);
    const floats = columns.find(column => column.kind === COLUMN.floats);
    const name = this.#byName.get(PRODUCER_NAME);
    const by = producer === 0 || name === undefined ? undefined : await this.#valueOf(name, producer - 1);
    if (by !== undefined && !by.ok) return by;
    if (floats === undefined || reader.failed)
      return damaged(this.#file.path, this.#lists.series.at, `series ${number} makes no sense`);
    const from = by === undefined ? undefined : targetId(by.value);
    const extras = columns.length === 1 ? NONE : columns.filter(column => column.kind !== COLUMN.floats);
    const frozen = labelsFromSorted(Object.freeze(flat));
    return ok({ ref, producer: from, labels: frozen, timeline, floats, extras });
  }

  async timeline(number: number): Answer<TimelineRecord> {
    const bytes = await this.#entry(this.#lists.timelines, number);
    if (!bytes.ok) return bytes;
    const reader = new ByteReader(bytes.value);
    let at = reader.varint();
    const count = reader.varint();
    const segments: TimelineRecord['segments'][number][] = [];
    let before = 0;
    for (let left = count; left > 0 && !reader.failed; left -= SEGMENT_SAMPLES) {
      const length = reader.varint();
      const minMs = before + reader.zigzag();
      const maxMs = minMs + reader.varint();
      segments.push({ at, bytes: length, count: Math.min(left, SEGMENT_SAMPLES), minMs, maxMs });
      at += length;
      before = maxMs;
    }
    if (reader.failed || reader.left !== 0 || count === 0)
      return damaged(this.#file.path, this.#lists.timelines.at, `timeline ${number} makes no sense`);
    return ok({ count, segments });
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  /** Series with a value of the name that the matcher accepts (or, `inverted`, refuses). */
  async #seriesWhere(matcher: CompiledMatcher, how: Where): Answer<Uint32Array> {
    const name = matcher.name === PRODUCER_NAME ? undefined : this.#byName.get(matcher.name);
    if (name === undefined) return ok(new Uint32Array(0));
    const values = await this.#valuesWhere(name, matcher, how);
    if (!values.ok) return values;
    const lists: Uint32Array[] = [];
    for (const value of values.value) {
      const bytes = await this.#entry(this.#lists.postings, value);
      if (!bytes.ok) return bytes;
      const list = readRising(bytes.value, this.seriesCount);
      if (list === undefined)
        return damaged(this.#file.path, this.#lists.postings.at, `list ${value} of series makes no sense`);
      lists.push(list);
      if (how.pace?.isDue() && !(await how.pace.pause())) break;
    }
    return ok(lists.length === 0 ? new Uint32Array(0) : Uint32Array.from(union(lists)));
  }

  async #valuesWhere(
    name: Name,
    matcher: CompiledMatcher,
    { inverted, pace }: Where,
  ): Answer<readonly number[]> {
    const exact = !inverted && matcher.op === '=' ? new Set([matcher.value]) : undefined;
    const literals = !inverted && matcher.op === '=~' ? literalAlternatives(matcher.value) : undefined;
    const found: number[] = [];
    for (const wanted of exact ?? literals ?? []) {
      const value = await this.#find(name, wanted);
      if (!value.ok) return value;
      if (value.value >= 0) found.push(value.value);
    }
    if (exact !== undefined || literals !== undefined) return ok(found);
    const end = name.first + name.count;
    for (let from = name.first; from < end; from += VALUES_AT_ONCE) {
      const texts = await this.#texts(from, Math.min(end, from + VALUES_AT_ONCE));
      if (!texts.ok) return texts;
      texts.value.forEach((text, i) => {
        if (matcher.test(text) !== inverted) found.push(from + i);
      });
      if (pace?.isDue() && !(await pace.pause())) break;
    }
    return ok(found);
  }

  /** The value's number by halving, -1 if the name does not have it. */
  async #find(name: Name, wanted: string): Answer<number> {
    let low = 0;
    let high = name.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const text = await this.#valueOf(name, middle);
      if (!text.ok) return text;
      const order = compareUtf8(text.value, wanted);
      if (order === 0) return ok(name.first + middle);
      if (order < 0) low = middle + 1;
      else high = middle;
    }
    return ok(-1);
  }

  async #valueOf(name: Name, position: number): Answer<string> {
    if (position >= name.count) return damaged(this.#file.path, 0, 'a label value is not in the index');
    const value = name.first + position;
    const known = this.#strings.get(value);
    if (known !== undefined) return ok(known);
    const bytes = await this.#entry(this.#lists.strings, value);
    if (!bytes.ok) return bytes;
    const text = decoder.decode(bytes.value);
    if (this.#strings.size >= STRINGS_MAX) this.#strings.clear();
    this.#strings.set(value, text);
    return ok(text);
  }

  async #texts(from: number, to: number): Answer<readonly string[]> {
    const { at, endsAt } = this.#lists.strings;
    const ends = await this.#ends(endsAt, from, to);
    if (!ends.ok) return ends;
    const start = ends.value[0]!;
    const bytes = await this.#file.read(at + start, ends.value[ends.value.length - 1]! - start);
    if (!bytes.ok) return bytes;
    const texts: string[] = [];
    for (let i = 1; i < ends.value.length; i++) {
      texts.push(decoder.decode(bytes.value.subarray(ends.value[i - 1]! - start, ends.value[i]! - start)));
    }
    return ok(texts);
  }

  async #entry(list: List, number: number): Answer<Uint8Array> {
    if (number >= list.count) return damaged(this.#file.path, list.endsAt, 'an entry is not in its list');
    const ends = await this.#ends(list.endsAt, number, number + 1);
    if (!ends.ok) return ends;
    const [from, to] = [ends.value[0]!, ends.value[1]!];
    return this.#file.read(list.at + from, to - from);
  }

  /** Where entry `from` begins, and where entries from … to - 1 end. */
  async #ends(endsAt: number, from: number, to: number): Answer<Uint32Array> {
    const first = from === 0 ? 0 : from - 1;
    const bytes = await this.#file.read(endsAt + 4 * first, 4 * (to - first));
    if (!bytes.ok) return bytes;
    const view = new DataView(bytes.value.buffer, bytes.value.byteOffset, bytes.value.byteLength);
    const ends = new Uint32Array(to - from + 1);
    for (let i = 0; i < to - first; i++) ends[i + (from === 0 ? 1 : 0)] = view.getUint32(4 * i, true);
    return ok(ends);
  }
}

/** A byte order mark is part of a text. */
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

const NONE: readonly never[] = [];

function readColumns(reader: ByteReader): (ColumnPlace & { readonly kind: number })[] {
  const found: (ColumnPlace & { readonly kind: number })[] = [];
  const columns = reader.count(3);
  for (let i = 0; i < columns; i++) {
    const kind = reader.u8();
    const at = reader.varint();
    const lengths: number[] = [];
    const segments = reader.count(1);
    for (let k = 0; k < segments; k++) lengths.push(reader.varint());
    found.push({ kind, at, lengths });
  }
  return found;
}

function readRising(bytes: Uint8Array, below: number): Uint32Array | undefined {
  const reader = new ByteReader(bytes);
  const numbers: number[] = [];
  let number = 0;
  while (reader.left > 0) {
    number += reader.varint();
    if (reader.failed || number >= below) return undefined;
    numbers.push(number);
  }
  return Uint32Array.from(numbers);
}

function allBelow(count: number): Uint32Array {
  const all = new Uint32Array(count);
  for (let i = 0; i < count; i++) all[i] = i;
  return all;
}

/** Of two rising lists, what is in the first only. */
function without(all: Uint32Array, unwanted: Uint32Array): Uint32Array {
  let at = 0;
  return all.filter(number => {
    while (at < unwanted.length && unwanted[at]! < number) at++;
    return unwanted[at] !== number;
  });
}
