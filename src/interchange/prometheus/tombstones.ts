// The tombstones of a block of Prometheus: which samples of which series count as deleted.
// Layout (tsdb/docs/format/tombstones.md): u32 magic, u8 version, then varint series, zigzag from, zigzag to, again and again,
// then the CRC-32C of all behind the version.

import { crc32c, err, ok, type Result } from '../../base/index.ts';
import { BigEndianReader } from '../big-endian.ts';
import { damaged, type SourceFailure } from '../failure.ts';

/** Both ends are included. */
export interface Stone {
  readonly fromMs: number;
  readonly toMs: number;
}

/** By series; stretches rise and do not overlap. */
export type Stones = ReadonlyMap<number, readonly Stone[]>;

const MAGIC = 0x0130ba30;
const HEADER_BYTES = 5;
const CRC_BYTES = 4;

export function parseTombstones(file: string, bytes: Uint8Array): Result<Stones, SourceFailure> {
  const end = bytes.length - CRC_BYTES;
  if (end < HEADER_BYTES) return err(damaged(file, 0, 'the file is too short'));
  const reader = new BigEndianReader(bytes, { from: 0, to: bytes.length });
  if (reader.u32() !== MAGIC) return err(damaged(file, 0, 'the file does not begin as tombstones do'));
  const version = reader.u8();
  if (version !== 1) return err(damaged(file, 4, `it has the version ${version}; 1 is known`));
  reader.at = end;
  if (reader.u32() !== crc32c(bytes, { from: HEADER_BYTES, to: end }))
    return err(damaged(file, end, 'the checksum is wrong'));
  reader.reset(bytes, { from: HEADER_BYTES, to: end });
  const stones = new Map<number, Stone[]>();
  while (reader.left > 0) {
    const { at } = reader;
    const series = reader.uvarint();
    const stone = { fromMs: reader.boundedVarint(), toMs: reader.boundedVarint() };
    if (reader.failed) return err(damaged(file, at, 'a tombstone makes no sense'));
    addStone(stones, series, stone);
  }
  return ok(mergedStones(stones));
}

export function addStone(stones: Map<number, Stone[]>, series: number, stone: Stone): void {
  const known = stones.get(series);
  if (known === undefined) stones.set(series, [stone]);
  else known.push(stone);
}

/** Of stretches in any order. */
export function mergedStones(stones: ReadonlyMap<number, readonly Stone[]>): Stones {
  return new Map([...stones].map(([series, list]) => [series, merged(list)]));
}

function merged(stones: readonly Stone[]): readonly Stone[] {
  const out: { fromMs: number; toMs: number }[] = [];
  for (const { fromMs, toMs } of [...stones].sort((a, b) => a.fromMs - b.fromMs)) {
    const last = out.at(-1);
    if (last !== undefined && fromMs <= last.toMs) last.toMs = Math.max(last.toMs, toMs);
    else if (fromMs <= toMs) out.push({ fromMs, toMs });
  }
  return out;
}

/** Whether a time is deleted; the stretches rise. */
export function isDeleted(stones: readonly Stone[], timeMs: number): boolean {
  let low = 0;
  let high = stones.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((stones[middle]?.toMs ?? 0) < timeMs) low = middle + 1;
    else high = middle;
  }
  return (stones[low]?.fromMs ?? Infinity) <= timeMs;
}
