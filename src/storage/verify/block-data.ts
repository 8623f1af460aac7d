// The samples of a block, segment by segment, with no trust in any of it: what cannot be read or decoded is undefined.
// biome-ignore-all lint/style/noNonNullAssertion: indices are within their arrays by construction.

import type { Result } from '../../base/index.ts';
import type { TimelineRecord } from '../block/block-index.ts';
import type { BlockFailure } from '../block/failure.ts';
import type { PagedFile } from '../block/paged.ts';
import { ByteReader } from '../bytes.ts';
import { readColumn } from '../codec/column.ts';
import { roomOf } from '../codec/room.ts';
import { COLUMN, readExtraColumns } from '../extra-columns.ts';
import type { ColumnExtras } from '../extras.ts';
import type { WalkedSeries } from './index-walk.ts';

type Segment = TimelineRecord['segments'][number];

/** Why something is not there: its page is damaged, which is known by then, or its bytes make no sense. */
export type Unread = 'unread' | 'senseless';

export interface SegmentSamples {
  readonly values: Float64Array;
  readonly extras: ColumnExtras;
}

export class BlockData {
  readonly #file: PagedFile;

  constructor(file: PagedFile) {
    this.#file = file;
  }

  /** Times of a segment, which rise and have the bounds that the index says. */
  async times(segment: Segment): Promise<Float64Array | Unread> {
    const bytes = await this.#bytes(segment.at, segment.bytes);
    if (typeof bytes === 'string') return bytes;
    const times = new Float64Array(segment.count);
    if (!readColumn(new ByteReader(bytes), roomOf(times))) return 'senseless';
    for (let i = 1; i < times.length; i++) if (!(times[i - 1]! < times[i]!)) return 'senseless';
    const isWithin = times[0] === segment.minMs && times[times.length - 1] === segment.maxMs;
    return isWithin ? times : 'senseless';
  }

  /** What a series has, segment by segment of its timeline. */
  async samples(
    series: WalkedSeries,
    timeline: TimelineRecord,
  ): Promise<readonly (SegmentSamples | Unread)[]> {
    const { columns } = series;
    const ats = columns.map(({ at }) => at);
    const found: (SegmentSamples | Unread)[] = [];
    for (const [index, { count }] of timeline.segments.entries()) {
      found.push(await this.#segment(columns, { ats, index, count }));
      columns.forEach(({ lengths }, i) => {
        ats[i]! += lengths[index] ?? 0;
      });
    }
    return found;
  }

  async #segment(
    columns: WalkedSeries['columns'],
    {
      ats,
      index,
      count,
    }: { readonly ats: readonly number[]; readonly index: number; readonly count: number },
  ): Promise<SegmentSamples | Unread> {
    const values = new Float64Array(count);
    const extras: { kind: number; bytes: Uint8Array }[] = [];
    let hasFloats = false;
    for (const [i, { kind, lengths }] of columns.entries()) {
      const length = lengths[index];
      if (length === undefined) return 'senseless';
      if (length === 0) continue;
      const bytes = await this.#bytes(ats[i]!, length);
      if (typeof bytes === 'string') return bytes;
      if (kind !== COLUMN.floats) extras.push({ kind, bytes });
      else if (readColumn(new ByteReader(bytes), roomOf(values))) hasFloats = true;
    }
    const read = readExtraColumns(extras, count);
    return hasFloats && read !== 'damaged' ? { values, extras: read } : 'senseless';
  }

  async #bytes(at: number, length: number): Promise<Uint8Array | Unread> {
    const cached = this.#file.cached(at, length);
    if (cached !== undefined) return cached.bytes.subarray(cached.at, cached.at + length);
    if (!(at >= 0 && at + length <= this.#file.contentBytes)) return 'senseless';
    let read: Result<Uint8Array, BlockFailure> = await this.#file.read(at, length);
    // Once more: what fails for good fails again.
    if (!read.ok && read.error.kind === 'disk') read = await this.#file.read(at, length);
    return read.ok ? read.value : 'unread';
  }
}
