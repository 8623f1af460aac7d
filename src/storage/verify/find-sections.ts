// Where the sections of an index lie when the block's meta, which says so, is lost: each section tells enough about the ones
// beside it that only one reading fits.
// biome-ignore-all lint/style/noNonNullAssertion: indices are within their arrays by construction.

import { SEGMENT_SAMPLES } from '../block/limits.ts';
import { ByteReader } from '../bytes.ts';
import { type IndexFacts, readNames, skipSeries } from './index-walk.ts';

/** Undefined where no reading fits: the index is damaged too, or none. */
export function findSections(bytes: Uint8Array): IndexFacts | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  // The names follow the ends of the postings, and the last of these says how long the postings are.
  for (let names = 4; names < bytes.length; names++) {
    const postingBytes = view.getUint32(names - 4, true);
    // Two lists of ends lie before the names too.
    if (postingBytes + 12 > names) continue;
    const found = readNames(bytes, names, bytes.length);
    if (found === undefined || found.names.length === 0) continue;
    const last = found.names[found.names.length - 1]!;
    const values = last.first + last.count;
    const postingEnds = names - 4 * values;
    const postings = postingEnds - postingBytes;
    const stringEnds = postings - 4 * values;
    if (stringEnds < 0 || view.getUint32(postings - 4, true) !== stringEnds) continue;
    const rest = findRecords(view, bytes, found.end);
    if (rest !== undefined)
      return {
        series: rest.series,
        timelines: rest.timelines,
        sections: { stringEnds, postings, postingEnds, names, series: found.end, ...rest.places },
      };
  }
  return undefined;
}

interface Records {
  readonly series: number;
  readonly timelines: number;
  readonly places: {
    readonly seriesEnds: number;
    readonly timelines: number;
    readonly timelineEnds: number;
  };
}

function findRecords(view: DataView, bytes: Uint8Array, from: number): Records | undefined {
  const series = findList(view, bytes, from, skipSeries);
  if (series === undefined) return undefined;
  const at = series.endsAt + 4 * series.count;
  const timelines = findList(view, bytes, at, skipTimeline);
  if (timelines === undefined || timelines.endsAt + 4 * timelines.count !== bytes.length) return undefined;
  return {
    series: series.count,
    timelines: timelines.count,
    places: { seriesEnds: series.endsAt, timelines: at, timelineEnds: timelines.endsAt },
  };
}

/** Entries one behind the other, until what follows says where just these end. */
function findList(
  view: DataView,
  bytes: Uint8Array,
  from: number,
  skip: (reader: ByteReader) => boolean,
): { readonly endsAt: number; readonly count: number } | undefined {
  const ends: number[] = [];
  const reader = new ByteReader(bytes, from);
  while (skip(reader)) {
    const endsAt = reader.at;
    ends.push(endsAt - from);
    if (endsAt + 4 * ends.length <= bytes.length && saysEnds(view, endsAt, ends))
      return { endsAt, count: ends.length };
  }
  return undefined;
}

function saysEnds(view: DataView, at: number, ends: readonly number[]): boolean {
  for (let i = 0; i < ends.length; i++) if (view.getUint32(at + 4 * i, true) !== ends[i]!) return false;
  return true;
}

function skipTimeline(reader: ByteReader): boolean {
  reader.skipVarints(1);
  const count = reader.varint();
  const segments = Math.ceil(count / SEGMENT_SAMPLES);
  if (3 * segments > reader.left) return false;
  reader.skipVarints(3 * segments);
  return !reader.failed && count > 0;
}
