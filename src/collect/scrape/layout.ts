// The layout of a target's page: what stood where last time. In the steady state each line is recognised by
// comparing its bytes with the predicted line's: no decoding, no string, no hash. A line that differs is parsed
// and looked up by its raw text, and becomes a delta. Hot.
//
// The sequence: segment k is everything from the end of sample line k - 1 to the end of the series text of sample
// line k (comments included), so that one comparison covers the comments too.

import { helpOf, nameOf, type PageFailure, type PageReader } from '../../exposition/index.ts';
import type { MetricMetadata, MetricType } from '../../model/index.ts';
import { ByteArena } from './byte-arena.ts';
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
  readonly keys: ByteArena;
  /** By segment: where it starts in `keys`; one more entry for the end of the last. */
  readonly starts: number[];
  readonly entries: number[];
  /** The metric type in force after the segment. */
  readonly types: MetricType[];
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
  /** Segment of an entry in the sequence. */
  #segmentOf: number[] = [];
  readonly #metadata = new Map<string, MetricMetadata>();
  #freshMetadata: MetricMetadata[] = [];

  /** Reads a page; the host sees its samples in order. A failure spoils the page, what is known stays. */
  read(reader: PageReader, host: LayoutHost): PageCounts | PageFailure | 'stopped' {
    const { bytes } = reader;
    const sequence = this.#sequence;
    const into = emptySequence();
    let rebuilding = false;
    let lines = 0;
    let missed = 0;
    let next = 0;
    let segmentStart = 0;
    for (;;) {
      let entry = -1;
      if (next < sequence.entries.length && this.#readPredicted(reader, next)) {
        entry = sequence.entries[next] as number;
        reader.type = sequence.types[next] as MetricType;
        if (rebuilding) copySegment(sequence, next, into);
        next++;
      } else {
        const kind = reader.next();
        if (kind === 'end') break;
        if (kind === 'failed') return reader.failure as PageFailure;
        if (kind !== 'sample') {
          if (kind !== 'comment') this.#noteMetadata(kind, reader);
          continue;
        }
        if (!rebuilding) {
          rebuilding = true;
          for (let k = 0; k < next; k++) copySegment(sequence, k, into);
        }
        entry = this.#entryOf(reader);
        missed++;
        const span = { bytes, start: segmentStart, end: reader.seriesEnd };
        addSegment(into, span, { entry, type: reader.type });
        const segment = this.#segmentOf[entry];
        if (segment !== undefined) next = segment + 1;
      }
      lines++;
      segmentStart = reader.position;
      if (!host.onSample(entry, reader)) return 'stopped';
    }
    if (rebuilding || next < sequence.entries.length) {
      if (!rebuilding) for (let k = 0; k < next; k++) copySegment(sequence, k, into);
      this.#adopt(into);
    }
    return { lines, missed };
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
    this.#segmentOf = [];
  }

  /** Moves the reader over segment `k` and its value, or leaves it where it was. */
  #readPredicted(reader: PageReader, k: number): boolean {
    const { keys, starts } = this.#sequence;
    const start = starts[k] as number;
    const length = (starts[k + 1] as number) - start;
    const { bytes, position } = reader;
    const end = position + length;
    if (end >= bytes.length) return false;
    // The last byte tells the most lines apart.
    if (bytes[end - 1] !== keys.bytes[start + length - 1]) return false;
    for (let i = 0; i < length; i++) if (keys.bytes[start + i] !== bytes[position + i]) return false;
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
    this.#sequence = sequence;
    const segmentOf: number[] = new Array(this.table.count).fill(undefined);
    for (const [k, entry] of sequence.entries.entries()) segmentOf[entry] = k;
    this.#segmentOf = segmentOf;
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
  return { keys: new ByteArena(1024), starts: [0], entries: [], types: [] };
}

function addSegment(
  sequence: Sequence,
  span: { readonly bytes: Uint8Array; readonly start: number; readonly end: number },
  meaning: { readonly entry: number; readonly type: MetricType },
): void {
  sequence.keys.append(span.bytes, span.start, span.end);
  sequence.starts.push(sequence.keys.length);
  sequence.entries.push(meaning.entry);
  sequence.types.push(meaning.type);
}

function copySegment(from: Sequence, k: number, to: Sequence): void {
  const span = { bytes: from.keys.bytes, start: from.starts[k] as number, end: from.starts[k + 1] as number };
  addSegment(to, span, { entry: from.entries[k] as number, type: from.types[k] as MetricType });
}
