// Rows of sealed chunks are told from all others, with what they say of layouts.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { targetId } from '../model/index.ts';
import { ByteWriter } from './bytes.ts';
import { FRAME_BYTES } from './frame.ts';
import { type BatchRecord, readBatch, readLayout, writeBatch } from './records.ts';
import { SealedRows } from './sealed-rows.ts';

const SEALED: ReadonlySet<number> = new Set([1, 2, 300]);

function payloadOf(batch: BatchRecord): Uint8Array {
  const writer = new ByteWriter();
  writeBatch(writer, batch);
  return writer.bytes().slice(FRAME_BYTES);
}

const refs = fc.uniqueArray(fc.integer({ min: 1, max: 70_000 }), { minLength: 1, maxLength: 20 });
const batch = fc
  .record({
    refs,
    layoutId: fc.integer({ min: 0, max: 100_000 }),
    chunkId: fc.constantFrom(1, 2, 3, 300, 70_000),
    producer: fc.constantFrom('', 'job é', 'a'.repeat(200)),
    hasLayout: fc.boolean(),
    hasStarts: fc.boolean(),
    hasSide: fc.boolean(),
  })
  .map(
    (one): BatchRecord => ({
      producer: targetId(one.producer),
      row: {
        layoutId: one.layoutId,
        chunkId: one.chunkId,
        timeMs: 1.7e12,
        layout: one.hasLayout ? Uint32Array.from(one.refs) : undefined,
        values: Float64Array.from(one.refs),
        extras: one.hasStarts
          ? { starts: Float64Array.from(one.refs, () => 1.6e12), histograms: undefined }
          : undefined,
      },
      side: one.hasSide
        ? {
            refs: [1],
            chunkIds: [1],
            times: Float64Array.of(1),
            values: Float64Array.of(1),
            extras: undefined,
          }
        : undefined,
    }),
  );

describe('rows of sealed chunks', () => {
  it('are those that stand alone in their record, and their layouts are read when they are asked for', () => {
    fc.assert(
      fc.property(fc.array(batch, { minLength: 1, maxLength: 10 }), batches => {
        const payloads = batches.map(payloadOf);
        const rows = new SealedRows(Buffer.concat(payloads), SEALED);
        let at = 0;
        payloads.forEach((payload, i) => {
          const found = readBatch(payload, id => SEALED.has(id));
          const isSealed = SEALED.has(found?.row?.chunkId ?? 0) && batches[i]?.side === undefined;
          expect(rows.take(at, at + payload.length)).toBe(isSealed);
          at += payload.length;
          if (!isSealed) return;
          const { layout } = rows;
          expect(rows.layoutId).toBe(found?.row?.layoutId);
          expect(layout && readLayout(layout.coded, layout.count)).toEqual(found?.row?.layout);
          if (layout !== undefined) expect(layout.producer).toBe(found?.producer);
        });
      }),
      { seed: 5, numRuns: 300 },
    );
  });

  it('are never found in what makes no sense beyond a record, and nothing throws', () => {
    fc.assert(
      fc.property(batch, fc.nat(), fc.uint8Array({ maxLength: 40 }), (one, cut, foreign) => {
        const payload = payloadOf(one);
        // Cut before its values: there cannot be as many as it says.
        const length = Math.min(cut % payload.length, payload.length - 8 * (one.row?.values.length ?? 0) - 1);
        const rows = new SealedRows(payload.subarray(0, length), SEALED);
        expect(rows.take(0, length)).toBe(false);
        new SealedRows(foreign, SEALED).take(0, foreign.length);
      }),
      { seed: 6, numRuns: 500 },
    );
  });
});
