// Samples that go straight into blocks, past the log and the head, and so past the limits on age and order that appends have:
// history that comes out of another program's files. One call writes one block.
// biome-ignore-all lint/style/noNonNullAssertion: indices are within their arrays by construction.

import { assert, err, ok, type Result } from '../base/index.ts';
import type { SeriesColumns, TimeRange } from '../model/index.ts';
import type { Block } from './block/block.ts';
import { BLOCK_MS } from './block/limits.ts';
import type { BlockMaker, MakeFailure } from './block/maker.ts';
import { type WriteFailure, type WriteParts, writeBlock } from './block/write-blocks.ts';
import type { Head } from './head.ts';

/** One series and its samples of a stretch: as they are read, but for the ref, which the store gives. */
export type OldSeries = Omit<SeriesColumns, 'ref'>;

/**
 * What a block is to hold, in portions of some ten thousand samples. Each label set comes once in all portions together, in
 * any order; its times are whole milliseconds, strictly rising, and lie in the stretch. `E` says why the source cannot go on:
 * nothing of the block stays then. Columns never change afterwards; series with the same times had best share the array.
 */
export type OldPortions<E> = AsyncIterable<Result<readonly OldSeries[], E>>;

/** An aligned stretch of time for one block: fromMs <= time < toMs. `oldSpans` of the store gives such. */
export interface OldSpan {
  readonly fromMs: number;
  readonly toMs: number;
}

export interface OldParts extends WriteParts {
  readonly head: Head;
}

export type OldFailure<E> = WriteFailure | { readonly kind: 'portions'; readonly error: E };

/**
 * Undefined where the portions had no sample. What is there already stays: of two samples of a series at one time that of the
 * older block counts, so that the same samples may be written twice, and the next compaction makes one of them.
 */
export async function writeOldSamples<E>(
  parts: OldParts,
  span: OldSpan,
  portions: OldPortions<E>,
): Promise<Result<Block | undefined, OldFailure<E>>> {
  assert(
    span.fromMs % BLOCK_MS === 0 && span.toMs % BLOCK_MS === 0 && span.fromMs < span.toMs,
    'the stretch of a block is aligned',
  );
  const failed: { error: E }[] = [];
  const written = await writeBlock(parts, {
    facts: { ...span, chunkIds: [] },
    fill: maker => fill(parts, { span, portions, maker, onFailed: error => failed.push({ error }) }),
    replaced: [],
    conflicts: 0,
    keepEmpty: false,
  });
  const [source] = failed;
  if (source !== undefined) return err({ kind: 'portions', error: source.error });
  // What comes in from now on is judged by the age of this too.
  if (written.ok && written.value !== undefined)
    parts.head.newestMs = Math.max(parts.head.newestMs, written.value.meta.maxMs);
  return written;
}

async function fill<E>(
  { head }: OldParts,
  work: {
    readonly span: OldSpan;
    readonly portions: OldPortions<E>;
    readonly maker: BlockMaker;
    readonly onFailed: (error: E) => void;
  },
): Promise<Result<void, MakeFailure>> {
  for await (const portion of work.portions) {
    if (!portion.ok) {
      work.onFailed(portion.error);
      return err({ kind: 'stopped' });
    }
    const series = portion.value.map((one): SeriesColumns => {
      assertInside(one, work.span);
      // A series that lives has its ref; others get one that no other series ever has.
      return { ...one, ref: head.table.find(one.labels)?.ref ?? head.table.takeRef() };
    });
    const added = await work.maker.addColumns(series);
    if (!added.ok) return added;
  }
  return ok(undefined);
}

function assertInside({ timesMs, from, to }: OldSeries, span: OldSpan): void {
  assert(from < to, 'a series of a block has samples');
  assert(timesMs[from]! >= span.fromMs && timesMs[to - 1]! < span.toMs, 'the samples lie in the stretch');
}

/**
 * Stretches that cover a range, both ends included, one behind the other: each as wide as the levels allow where it ends by
 * `untilMs`, so that little is left to compact, and two hours wide where it does not.
 */
export function oldSpans(
  range: TimeRange,
  settings: { readonly levels: readonly number[]; readonly untilMs: number },
): readonly OldSpan[] {
  const spans: OldSpan[] = [];
  const widths = [...settings.levels].reverse();
  for (let at = range.fromMs; at <= range.toMs; ) {
    const width = widths.find(one => Math.floor(at / one) * one + one <= settings.untilMs) ?? BLOCK_MS;
    // Widths nest: only the first one may begin before the range does.
    const fromMs = Math.floor(at / width) * width;
    at = fromMs + width;
    spans.push({ fromMs, toMs: at });
  }
  return spans;
}
