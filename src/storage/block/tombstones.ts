// What was deleted from a block and is still in its files: stretches of time by series. Applied whenever it is read.
// Layout: 8 bytes of magic, u32 version, varint series; each: varint series number, varint stretches, each: f64 from,
// f64 to (both ends included); then the CRC-32C of all before.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

import { ok, type Result } from '../../base/index.ts';
import { type SeriesColumns, valuesAt } from '../../model/index.ts';
import { ByteWriter } from '../bytes.ts';
import { ColumnExtrasBuilder } from '../extras.ts';
import { openSealed, sealed, writeMagic } from './meta.ts';

const MAGIC = 'WKPRDEL\n';

export interface Stretch {
  /** Both ends are included. */
  readonly fromMs: number;
  readonly toMs: number;
}

export type Tombstones = ReadonlyMap<number, readonly Stretch[]>;

export function encodeTombstones(tombstones: Tombstones): Uint8Array {
  const writer = new ByteWriter();
  writeMagic(writer, MAGIC);
  writer.varint(tombstones.size);
  for (const [series, stretches] of tombstones) {
    writer.varint(series);
    writer.varint(stretches.length);
    for (const { fromMs, toMs } of stretches) {
      writer.f64(fromMs);
      writer.f64(toMs);
    }
  }
  return sealed(writer);
}

export function decodeTombstones(bytes: Uint8Array): Result<Tombstones, 'damaged' | 'newer'> {
  const opened = openSealed(bytes, MAGIC);
  if (!opened.ok) return opened;
  const reader = opened.value;
  const tombstones = new Map<number, Stretch[]>();
  const count = reader.count(2);
  for (let i = 0; i < count; i++) {
    const series = reader.varint();
    const stretches: Stretch[] = [];
    const listed = reader.count(16);
    for (let k = 0; k < listed; k++) stretches.push({ fromMs: reader.f64(), toMs: reader.f64() });
    tombstones.set(series, stretches);
  }
  return reader.failed || reader.left !== 0 ? { ok: false, error: 'damaged' } : ok(tombstones);
}

/** With one more stretch for each of the series; stretches that touch become one. */
export function withStretch(before: Tombstones, series: Iterable<number>, added: Stretch): Tombstones {
  const after = new Map(before);
  for (const one of series) {
    let { fromMs, toMs } = added;
    const kept: Stretch[] = [];
    for (const stretch of after.get(one) ?? []) {
      if (stretch.toMs < fromMs || stretch.fromMs > toMs) kept.push(stretch);
      else {
        fromMs = Math.min(fromMs, stretch.fromMs);
        toMs = Math.max(toMs, stretch.toMs);
      }
    }
    after.set(one, [...kept, { fromMs, toMs }]);
  }
  return after;
}

/** Without the samples that lie in a stretch; the series itself if none does. */
export function withoutStretches(one: SeriesColumns, stretches: readonly Stretch[]): SeriesColumns {
  const { labels, ref, producer, timesMs, values, from, to } = one;
  const kept: number[] = [];
  for (let i = from; i < to; i++) if (!isIn(stretches, timesMs[i]!)) kept.push(i);
  if (kept.length === to - from) return one;
  const extras = new ColumnExtrasBuilder(timesMs.length);
  extras.copy(one, from, { count: to - from, at: from });
  return {
    labels,
    ref,
    producer,
    timesMs: Float64Array.from(kept, at => timesMs[at]!),
    values: valuesAt(values, kept),
    from: 0,
    to: kept.length,
    ...extras.finish(kept),
  };
}

export function isIn(stretches: readonly Stretch[], timeMs: number): boolean {
  return stretches.some(({ fromMs, toMs }) => timeMs >= fromMs && timeMs <= toMs);
}
