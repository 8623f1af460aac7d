// A remote-write body into columns: prometheus.WriteRequest (1.0) and io.prometheus.write.v2.Request (2.0). What is wrong
// with one series is refused with its reason and the rest is taken; bad bytes spoil the whole body.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

import { err, ok, type Result } from '../../base/index.ts';
import { BYTES, FIXED64, TextCache, VARINT, WireReader } from '../../exposition/index.ts';
import {
  badHistogram,
  type Exemplar,
  formatLabels,
  type Labels,
  labelsFromPairs,
  METRIC_NAME,
  METRIC_TYPES,
  type MetricMetadata,
  NAN_HIGH,
  type SeriesRef,
  type SeriesWriter,
  STALE_HIGH,
  STALE_LOW,
} from '../../model/index.ts';
import { PushedColumns } from './columns.ts';
import { readHistogram } from './histogram.ts';
import { decodeLabels, readPair } from './labels.ts';
import { NamedBySymbols } from './named.ts';
import { SeriesParts } from './parts.ts';
import { PushedSeries } from './series-table.ts';

export interface ReadRequest {
  /** Lent until the next request is read. */
  readonly columns: PushedColumns;
  readonly metadata: readonly MetricMetadata[];
  /** Samples and histograms of series that could not be taken, and the first reasons. */
  readonly refused: number;
  readonly reasons: readonly string[];
}

/** Enough to see what is wrong; the counter has them all. */
const REASONS_MAX = 5;

interface Reading {
  readonly reader: WireReader;
  readonly texts: TextCache;
  readonly columns: PushedColumns;
  readonly metadata: Map<string, MetricMetadata>;
  readonly reasons: string[];
  refused: number;
}

/** Fields of a series in 1.0. */
const SAMPLE = 2;
const EXEMPLAR = 3;
const HISTOGRAM = 4;
/** The same by their fields in 2.0. */
const FIELDS_2 = [0, 0, SAMPLE, HISTOGRAM, EXEMPLAR];

/** Owns what is known about the series of one kind of sender. */
export class RequestReader {
  readonly #writer: SeriesWriter;
  readonly #table: PushedSeries;
  readonly #texts = new TextCache();
  readonly #named = new NamedBySymbols();
  readonly #columns = new PushedColumns();
  readonly #parts = new SeriesParts();

  constructor(writer: SeriesWriter, seed: number) {
    this.#writer = writer;
    this.#table = new PushedSeries(seed);
  }

  read(body: Uint8Array, version: 1 | 2): Result<ReadRequest, string> {
    const reading: Reading = {
      reader: new WireReader(body),
      texts: this.#texts,
      columns: this.#columns,
      metadata: new Map(),
      reasons: [],
      refused: 0,
    };
    const { reader } = reading;
    this.#table.begin();
    this.#columns.clear();
    const symbols = version === 2 ? readSymbols(reader) : undefined;
    if (symbols !== undefined && symbols.length > 0 && symbols[0]?.length !== 0)
      return err('the first symbol is not empty');
    while (reader.next(reader.end)) {
      if (reader.field === (version === 1 ? 1 : 5) && reader.is(BYTES)) {
        const end = reader.span(reader.end);
        if (symbols === undefined) this.#series(reading, end);
        else this.#series2(reading, end, symbols);
        reader.at = end;
      } else if (version === 1 && reader.field === 3 && reader.is(BYTES)) {
        readMetadata(reading, reader.span(reader.end));
      } else reader.skip(reader.end);
    }
    if (reader.bad) return err(`it is not a valid message (byte ${reader.at} of ${body.length})`);
    const { columns, metadata, refused, reasons } = reading;
    return ok({ columns, metadata: [...metadata.values()], refused, reasons });
  }

  /** 1.0: labels lie in the series itself, one after another, so that their bytes are its name. */
  #series(reading: Reading, end: number): void {
    const { reader } = reading;
    const parts = this.#parts;
    parts.clear(reading.columns.count);
    const from = reader.at;
    let to = from;
    let isParted = false;
    while (reader.next(end)) {
      const { field } = reader;
      if (field >= 1 && field <= 4 && reader.is(BYTES)) {
        const stop = reader.span(end);
        if (field !== 1) parts.push(field, reader.at, stop, field === EXEMPLAR);
        else if (parts.count > 0) isParted = true;
        else to = stop;
        reader.at = stop;
      } else reader.skip(end);
    }
    if (reader.bad) return;
    // Labels behind samples: allowed, never seen; the whole message is read as the name then.
    const ref = this.#refOf(reader, from, isParted ? end : to);
    this.#values(reading, ref, Number.NaN);
    if (parts.exemplars > 0) this.#exemplars(reading, stop => exemplarLabels(reader, stop, reading.texts));
  }

  /** 2.0: labels are numbers of symbols. They are written out as 1.0 has them, so that both share what is known. */
  #series2(reading: Reading, end: number, symbols: readonly Uint8Array[]): void {
    const { reader } = reading;
    const parts = this.#parts;
    parts.clear(reading.columns.count);
    const refs: number[] = [];
    let about: { readonly at: number; readonly end: number } | undefined;
    let createdMs = Number.NaN;
    while (reader.next(end)) {
      const { field } = reader;
      if (field === 1) readNumbers(reader, end, refs);
      else if ((field === 2 || field === 3 || field === 4) && reader.is(BYTES)) {
        const stop = reader.span(end);
        parts.push(FIELDS_2[field]!, reader.at, stop, field === 4);
        reader.at = stop;
      } else if (field === 5 && reader.is(BYTES)) {
        const stop = reader.span(end);
        about = { at: reader.at, end: stop };
        reader.at = stop;
      } else if (field === 6 && reader.is(VARINT)) {
        const ms = reader.int64();
        if (ms !== 0) createdMs = ms;
      } else reader.skip(end);
    }
    if (reader.bad) return;
    const named = this.#named;
    if (!named.write(refs, symbols)) {
      this.#refuse(reading, parts.count, 'a label refers to a symbol that is not there');
      return;
    }
    const ref = this.#refOf(named.reader, 0, named.length);
    if (about !== undefined && typeof ref === 'number') readMetadata2(reading, about, { refs, symbols });
    this.#values(reading, ref, createdMs);
    if (parts.exemplars > 0)
      this.#exemplars(reading, stop => exemplarLabels2(reader, stop, { symbols, texts: reading.texts }));
  }

  /** The ref of the labels in [from, to) of a reader's bytes, or why there is none. The reader may be moved. */
  #refOf(labelled: WireReader, from: number, to: number): SeriesRef | string {
    const { generation } = this.#writer;
    const table = this.#table;
    const known = table.find(labelled.view, from, to);
    if (known >= 0) {
      const ref = table.refs[known] as SeriesRef;
      if (table.generations[known] === generation) return ref;
      if (this.#writer.isLive(ref)) {
        table.generations[known] = generation;
        return ref;
      }
    }
    labelled.at = from;
    const labels = decodeLabels(labelled, to, this.#texts);
    if (!labels.ok) return labels.error;
    if (labelled.bad) return 'bad bytes';
    const interned = this.#writer.intern(labels.value);
    if (!interned.ok) return `${formatLabels(labels.value)}: too many series`;
    const entry = known >= 0 ? known : table.add(labelled.view, from, to);
    table.refs[entry] = interned.value;
    table.generations[entry] = generation;
    return interned.value;
  }

  /** Samples and histograms. */
  #values(reading: Reading, ref: SeriesRef | string, createdMs: number): void {
    const { reader, columns } = reading;
    const parts = this.#parts;
    if (typeof ref === 'string') {
      this.#refuse(reading, Math.max(1, parts.count - parts.exemplars), ref);
      parts.clear(columns.count);
      return;
    }
    for (let i = 0; i < parts.count; i++) {
      const field = parts.fields[i]!;
      if (field === EXEMPLAR) continue;
      reader.at = parts.starts[i]!;
      const end = parts.ends[i]!;
      if (field === SAMPLE) {
        readSample(reading, end, ref, createdMs);
        continue;
      }
      const read = readHistogram(reader, end);
      if (read === undefined) return;
      const problem = read.isStale ? undefined : badHistogram(read.histogram);
      if (problem !== undefined) {
        this.#refuse(reading, 1, `a native histogram is not valid: ${problem}`);
        continue;
      }
      const startMs = Number.isNaN(read.startTimestampMs) ? createdMs : read.startTimestampMs;
      const at = columns.push(ref, read.timestampMs, startMs);
      columns.words[2 * at] = read.isStale ? STALE_LOW : 0;
      columns.words[2 * at + 1] = read.isStale ? STALE_HIGH : NAN_HIGH;
      if (!read.isStale) columns.histograms.set(at, read.histogram);
    }
  }

  /** They belong to the newest sample that came with them. */
  #exemplars(reading: Reading, labelsOf: (end: number) => Labels | undefined): void {
    const { reader, columns } = reading;
    const parts = this.#parts;
    if (parts.count === parts.exemplars || columns.count === parts.before) return;
    for (let i = 0; i < parts.count; i++) {
      if (parts.fields[i] !== EXEMPLAR) continue;
      reader.at = parts.starts[i]!;
      const exemplar = readExemplar(reader, parts.ends[i]!, labelsOf);
      if (exemplar !== undefined) columns.exemplars.push({ index: columns.count - 1, exemplar });
    }
  }

  #refuse(reading: Reading, samples: number, reason: string): void {
    reading.refused += samples;
    if (reading.reasons.length < REASONS_MAX && !reading.reasons.includes(reason))
      reading.reasons.push(reason);
  }
}

function readSample(reading: Reading, end: number, ref: SeriesRef, createdMs: number): void {
  const { reader, columns } = reading;
  let low = 0;
  let high = 0;
  let timeMs = 0;
  let startMs = createdMs;
  while (reader.next(end)) {
    if (reader.field === 1 && reader.is(FIXED64) && reader.at + 8 <= end) {
      low = reader.view.getUint32(reader.at, true);
      high = reader.view.getUint32(reader.at + 4, true);
      reader.at += 8;
    } else if (reader.field === 2 && reader.is(VARINT)) timeMs = reader.int64();
    else if (reader.field === 3 && reader.is(VARINT)) {
      const ms = reader.int64();
      if (ms !== 0) startMs = ms;
    } else reader.skip(end);
  }
  if (reader.bad) return;
  const at = columns.push(ref, timeMs, startMs);
  columns.words[2 * at] = low;
  columns.words[2 * at + 1] = high;
}

function readExemplar(
  reader: WireReader,
  end: number,
  labelsOf: (end: number) => Labels | undefined,
): Exemplar | undefined {
  const from = reader.at;
  const labels = labelsOf(end);
  reader.at = from;
  let value = 0;
  let timestampMs: number | undefined;
  while (reader.next(end)) {
    if (reader.field === 2 && reader.is(FIXED64)) value = reader.double();
    else if (reader.field === 3 && reader.is(VARINT)) timestampMs = reader.int64();
    else reader.skip(end);
  }
  if (reader.bad || labels === undefined) return undefined;
  return { labels, value, ...(timestampMs === undefined ? {} : { timestampMs }) };
}

function exemplarLabels(reader: WireReader, end: number, texts: TextCache): Labels | undefined {
  const pairs: (readonly [string, string])[] = [];
  while (reader.next(end)) {
    if (reader.field !== 1 || !reader.is(BYTES)) {
      reader.skip(end);
      continue;
    }
    const stop = reader.span(end);
    const pair = readPair(reader, stop, texts);
    if (pair === undefined) return undefined;
    pairs.push(pair);
  }
  return reader.bad ? undefined : labelsFromPairs(pairs);
}

function exemplarLabels2(
  reader: WireReader,
  end: number,
  known: { readonly symbols: readonly Uint8Array[]; readonly texts: TextCache },
): Labels | undefined {
  const refs: number[] = [];
  while (reader.next(end)) {
    if (reader.field === 1) readNumbers(reader, end, refs);
    else reader.skip(end);
  }
  const named = new NamedBySymbols();
  if (reader.bad || !named.write(refs, known.symbols)) return undefined;
  const written = named.bytes.subarray(0, named.length);
  return exemplarLabels(new WireReader(written), written.length, known.texts);
}

function readSymbols(reader: WireReader): Uint8Array[] {
  const symbols: Uint8Array[] = [];
  while (reader.next(reader.end)) {
    if (reader.field === 4 && reader.is(BYTES)) {
      const stop = reader.span(reader.end);
      symbols.push(reader.bytes.subarray(reader.at, stop));
      reader.at = stop;
    } else reader.skip(reader.end);
  }
  if (!reader.bad) reader.at = 0;
  return symbols;
}

function readNumbers(reader: WireReader, end: number, into: number[]): void {
  if (reader.type === VARINT) {
    into.push(reader.varint());
    return;
  }
  if (!reader.is(BYTES)) return;
  const stop = reader.span(end);
  while (!reader.bad && reader.at < stop) into.push(reader.varint());
}

function readMetadata(reading: Reading, end: number): void {
  const { reader } = reading;
  let [type, metric, help, unit] = [0, '', '', ''];
  while (reader.next(end)) {
    if (reader.field === 1 && reader.is(VARINT)) type = reader.varint();
    else if ((reader.field === 2 || reader.field === 4 || reader.field === 5) && reader.is(BYTES)) {
      const { field } = reader;
      const stop = reader.span(end);
      const text = reading.texts.read(reader.bytes, reader.at, stop) ?? '';
      if (field === 2) metric = text;
      else if (field === 4) help = text;
      else unit = text;
      reader.at = stop;
    } else reader.skip(end);
  }
  if (metric !== '')
    reading.metadata.set(metric, { metric, type: METRIC_TYPES[type] ?? 'unknown', help, unit });
}

function readMetadata2(
  reading: Reading,
  at: { readonly at: number; readonly end: number },
  names: { readonly refs: readonly number[]; readonly symbols: readonly Uint8Array[] },
): void {
  const { reader } = reading;
  const { refs, symbols } = names;
  const symbol = (index: number): string => {
    const bytes = symbols[index];
    return bytes === undefined ? '' : (reading.texts.read(bytes, 0, bytes.length) ?? '');
  };
  reader.at = at.at;
  let [type, help, unit] = [0, 0, 0];
  while (reader.next(at.end)) {
    if (reader.field === 1 && reader.is(VARINT)) type = reader.varint();
    else if (reader.field === 3 && reader.is(VARINT)) help = reader.varint();
    else if (reader.field === 4 && reader.is(VARINT)) unit = reader.varint();
    else reader.skip(at.end);
  }
  const named = refs.findIndex((ref, i) => i % 2 === 0 && symbol(ref) === METRIC_NAME);
  const metric = named < 0 ? '' : symbol(refs[named + 1]!);
  if (metric === '') return;
  reading.metadata.set(metric, {
    metric,
    type: METRIC_TYPES[type] ?? 'unknown',
    help: symbol(help),
    unit: symbol(unit),
  });
}
