// A staged batch after its write: it becomes visible, or everything is as before.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

import { type TargetId, wordsOf } from '../model/index.ts';
import { publishRow } from './cohort.ts';
import type { Head } from './head.ts';
import { SIDE_SAMPLES_MAX } from './settings.ts';
import { newSide, pushSide } from './side.ts';
import type { StageContext, StagedBatch, StagedSide } from './stage.ts';

/** Makes a written batch visible. */
export function publishBatch(head: Head, staged: StagedBatch, context: StageContext): void {
  const { batch, row, side } = staged;
  const { lastMs, producer } = head.table;
  if (row !== undefined) {
    const timeMs = batch.timestampMs;
    const { slots } = row.shape;
    const { segment, monotonicMs: nowMs } = context;
    publishRow(row.cohort, row.shape, { timeMs, segment, nowMs, extras: row.extras });
    for (let i = 0; i < slots.length; i++) {
      const slot = slots[i]!;
      lastMs[slot] = timeMs;
      if (producer[slot] !== batch.producer) producer[slot] = batch.producer;
    }
    if (timeMs > head.newestMs) head.newestMs = timeMs;
  }
  if (side !== undefined) publishSide(head, { ...side, producer: batch.producer }, context);
  for (const exemplar of staged.exemplars) head.exemplars.add(exemplar);
  if (batch.metadata !== undefined) head.metadata.remember(batch.metadata);
}

/** Also used by the replay. */
export function publishSide(
  head: Head,
  side: StagedSide & { readonly producer: TargetId },
  context: { readonly segment: number; readonly monotonicMs: number },
): void {
  const { lastMs, lates, producer } = head.table;
  const words = wordsOf(side.values);
  side.series.forEach((series, i) => {
    // Another id happens in a replay only: the buffer was sealed before these samples came.
    if (series.side !== undefined && series.side.chunkId !== side.chunkIds[i]) head.sealSide(series.side);
    let buffer = series.side;
    if (buffer === undefined) {
      const origin = { firstSegment: context.segment, openedMs: context.monotonicMs };
      buffer = newSide(series, { chunkId: side.chunkIds[i]!, ...origin });
      series.side = buffer;
      head.sides.add(buffer);
    }
    const timeMs = side.times[i]!;
    pushSide(buffer, timeMs, { words, from: i, extras: side.extras });
    if (timeMs <= lastMs[series.slot]!) lates[series.slot] = lates[series.slot]! + 1;
    lastMs[series.slot] = Math.max(lastMs[series.slot]!, timeMs);
    producer[series.slot] = side.producer;
    if (timeMs > head.newestMs) head.newestMs = timeMs;
  });
  for (const series of side.series) {
    if (series.side !== undefined && series.side.count >= SIDE_SAMPLES_MAX) head.sealSide(series.side);
  }
}

/** The write failed: the row is not there, and the layout has not been written. */
export function unstage(staged: StagedBatch): void {
  if (staged.row === undefined) return;
  staged.row.cohort.inFlight = false;
  staged.row.shape.definedIn = -1;
}
