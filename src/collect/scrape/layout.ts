// The layout of a target's page: what stood where last time. In the steady state each line is recognised by
// comparing its bytes with the predicted line's: no decoding, no string, no hash. A line that differs is parsed
// and looked up by its raw text, and becomes a delta. Hot.
//
// The sequence: segment k is everything from the end of sample line k - 1 to the end of the series text of sample
// line k: its lead (comments, nearly always nothing), then the text, which the table of texts has.

import {
  helpOf,
  lineFailure,
  nameOf,
  type PageFailure,
  type PageReader,
  TEXT_BYTES_MAX,
  tooLong,
} from '../../exposition/index.ts';
import { METRIC_TYPES, type MetricMetadata, type MetricType } from '../../model/index.ts';
import { ByteArena } from './byte-arena.ts';
import { EntryList } from './entry-list.ts';
import { SeriesTable } from './series-table.ts';

/** What the layout asks of its owner. */
export interface LayoutHost {
  /** A sample of `entry` was read. The value's words and the timestamp are in the reader. False ends the page. */
  onSample(entry: number, reader: PageReader): boolean;
}

const CLOSE = 0x7d;
const SPACE = 0x20;
const TAB = 0x09;

/** A rebuilt table starts anew when this many times more texts are known than the page holds. */
const TABLE_SLACK_FACTOR = 2;
/** Small tables need no tidying. */
const TABLE_ENTRIES_MIN = 1000;

interface Sequence {
  /** What stands before the series texts: comments. The texts themselves are the table's. */
  readonly leads: ByteArena;
  /** By segment: where its lead ends in `leads`, which is where the next one's begins. */
  readonly leadEnds: EntryList;
  readonly entries: EntryList;
  /** The metric type in force after the segment, by its place in METRIC_TYPES. */
  readonly types: EntryList;
}

export interface PageCounts {
  /** Sample lines. */
  readonly lines: number;
  /** Lines that were not where they were predicted. */
  readonly missed: number;
}

/** Owns the knowledge about one target's pages. */
export class PageLayout {
  table = new SeriesTable();
  #sequence: Sequence = emptySequence();
  /** By entry: one more than its segment in the sequence, 0 without one. */
  #segmentOf = new Uint32Array(0);
  readonly #metadata = new Map<string, MetricMetadata>();
  #freshMetadata: MetricMetadata[] = [];

  /** Reads a page; the host sees its samples in order. A failure spoils the page, what is known stays. */
  read(reader: PageReader, host: LayoutHost): PageCounts | PageFailure | 'stopped' {
    const { bytes } = reader;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const sequence = this.#sequence;
    // Made when it is needed: most pages are as the last one.
    let into: Sequence | undefined;
    let lines = 0;
    let missed = 0;
    let next = 0;
    let segmentStart = 0;
    for (;;) {
      let entry = -1;
      if (next < sequence.entries.length && this.#readPredicted(reader, view, next)) {
        entry = sequence.entries.at(next);
        reader.type = METRIC_TYPES[sequence.types.at(next)] as MetricType;
        if (into !== undefined) copySegment(sequence, next, into);
        next++;
      } else {
        const kind = reader.next();
        if (kind === 'end') break;
        if (kind === 'failed') return reader.failure as PageFailure;
        const length =
          kind === 'sample' ? reader.seriesEnd - reader.seriesStart : reader.textEnd - reader.textStart;
        if (length > TEXT_BYTES_MAX)
          return kind === 'sample'
            ? lineFailure(bytes, reader.seriesStart, tooLong('series'))
            : lineFailure(bytes, reader.textStart, tooLong('text'));
        if (kind !== 'sample') {
          if (kind !== 'comment') this.#noteMetadata(kind, reader);
          continue;
        }
        into ??= copyOf(sequence, next);
        entry = this.#entryOf(reader);
        missed++;
        const lead = { bytes, start: segmentStart, end: reader.seriesStart };
        addSegment(into, lead, { entry, type: METRIC_TYPES.indexOf(reader.type) });
        const segment = this.#segmentOf[entry] ?? 0;
        if (segment > 0) next = segment;
      }
      lines++;
      segmentStart = reader.position;
      if (!host.onSample(entry, reader)) return 'stopped';
    }
    if (into !== undefined || next < sequence.entries.length) this.#adopt(into ?? copyOf(sequence, next));
    return { lines, missed };
  }

  /** All that its pages have said of metrics so far. */
  get metadata(): readonly MetricMetadata[] {
    return [...this.#metadata.values()];
  }

  /** Metadata that is new or changed since the last call. */
  takeMetadata(): readonly MetricMetadata[] {
    const fresh = this.#freshMetadata;
    if (fresh.length > 0) this.#freshMetadata = [];
    return fresh;
  }

  /** Whether so many texts have vanished that the table is worth starting anew. */
  isCrowded(lines: number): boolean {
    return this.table.count > TABLE_ENTRIES_MIN && this.table.count > lines * TABLE_SLACK_FACTOR;
  }

  /** Forgets what texts mean; the next page is read line by line. Metadata stays known. */
  forget(): void {
    this.table = new SeriesTable();
    this.#sequence = emptySequence();
    this.#segmentOf = new Uint32Array(0);
  }

  /** Moves the reader over segment `k` and its value, or leaves it where it was. */
  #readPredicted(reader: PageReader, view: DataView, k: number): boolean {
    const { leads, leadEnds, entries } = this.#sequence;
    const { bytes, position } = reader;
    const leadStart = k === 0 ? 0 : leadEnds.at(k - 1);
    const leadLength = leadEnds.at(k) - leadStart;
    const start = position + leadLength;
    const entry = entries.at(k);
    const end = start + this.table.textLengthOf(entry);
    if (end >= bytes.length) return false;
    for (let i = 0; i < leadLength; i++) if (leads.bytes[leadStart + i] !== bytes[position + i]) return false;
    if (!this.table.isText(entry, view, start)) return false;
    const after = bytes[end];
    // A bare name must end here: "foo" is neither "foobar" nor "foo{…}".
    if (bytes[end - 1] !== CLOSE && after !== SPACE && after !== TAB) return false;
    reader.position = end;
    reader.seriesEnd = end;
    if (reader.readRest() === '') return true;
    reader.position = position;
    return false;
  }

  #entryOf(reader: PageReader): number {
    const { bytes, seriesStart: start, seriesEnd: end } = reader;
    const known = this.table.find(bytes, start, end);
    return known >= 0 ? known : this.table.add(bytes, { start, end }, reader.type);
  }

  #adopt(sequence: Sequence): void {
    const { leads, leadEnds, entries, types } = sequence;
    for (const grown of [leads, leadEnds, entries, types, this.table.texts]) grown.trim();
    this.#sequence = sequence;
    this.#segmentOf = new Uint32Array(this.table.count);
    for (let k = 0; k < entries.length; k++) this.#segmentOf[entries.at(k)] = k + 1;
  }

  #noteMetadata(kind: 'help' | 'type' | 'unit', reader: PageReader): void {
    const metric = nameOf(reader);
    const old = this.#metadata.get(metric) ?? { metric, type: 'unknown', help: '', unit: '' };
    const noted = kind === 'type' ? { ...old, type: reader.type } : { ...old, [kind]: helpOf(reader) };
    if (noted.help === old.help && noted.type === old.type && noted.unit === old.unit) return;
    this.#metadata.set(metric, noted);
    const last = this.#freshMetadata.at(-1);
    if (last?.metric === metric) this.#freshMetadata.pop();
    this.#freshMetadata.push(noted);
  }
}

function emptySequence(): Sequence {
  return {
    leads: new ByteArena(0),
    leadEnds: new EntryList(),
    entries: new EntryList(),
    types: new EntryList(),
  };
}

/** Of its first segments. */
function copyOf(sequence: Sequence, segments: number): Sequence {
  const copy = emptySequence();
  for (let k = 0; k < segments; k++) copySegment(sequence, k, copy);
  return copy;
}

function addSegment(
  sequence: Sequence,
  lead: { readonly bytes: Uint8Array; readonly start: number; readonly end: number },
  meaning: { readonly entry: number; readonly type: number },
): void {
  sequence.leads.append(lead.bytes, lead.start, lead.end);
  sequence.leadEnds.push(sequence.leads.length);
  sequence.entries.push(meaning.entry);
  sequence.types.push(meaning.type);
}

function copySegment(from: Sequence, k: number, to: Sequence): void {
  const start = k === 0 ? 0 : from.leadEnds.at(k - 1);
  const lead = { bytes: from.leads.bytes, start, end: from.leadEnds.at(k) };
  addSegment(to, lead, { entry: from.entries.at(k), type: from.types.at(k) });
}
