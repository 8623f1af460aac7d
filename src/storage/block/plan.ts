// Which blocks to put together and which to drop: pure decisions over what is known about the blocks.
// biome-ignore-all lint/style/noNonNullAssertion: indices are within their arrays by construction.

import { BLOCK_MS, LEVEL_FACTOR, LEVEL_MS_MAX, LEVEL_RETENTION_SHARE } from './limits.ts';

/** What the plans look at. */
export interface PlannedBlock {
  readonly fromMs: number;
  readonly toMs: number;
  readonly maxMs: number;
  readonly bytes: number;
}

/** Widths of blocks, rising: each a multiple of the one before, so that windows nest. */
export function levelsOf(retentionMs: number, blockMs = BLOCK_MS): readonly number[] {
  const widest = Math.min(LEVEL_MS_MAX, retentionMs * LEVEL_RETENTION_SHARE);
  const levels = [blockMs];
  for (let width = blockMs * LEVEL_FACTOR; width <= widest; width *= LEVEL_FACTOR) levels.push(width);
  return levels;
}

export interface CompactionPlan<B> {
  readonly blocks: readonly B[];
  readonly fromMs: number;
  readonly toMs: number;
}

/** The first window, narrow ones first and old ones first, that ends before `untilMs` and holds several blocks. */
export function planCompaction<B extends PlannedBlock>(
  blocks: readonly B[],
  settings: { readonly levels: readonly number[]; readonly untilMs: number },
): CompactionPlan<B> | undefined {
  for (const width of settings.levels) {
    const windows = new Map<number, B[]>();
    for (const block of blocks) {
      const fromMs = Math.floor(block.fromMs / width) * width;
      if (block.toMs > fromMs + width || fromMs + width > settings.untilMs) continue;
      const inside = windows.get(fromMs);
      if (inside === undefined) windows.set(fromMs, [block]);
      else inside.push(block);
    }
    for (const fromMs of [...windows.keys()].sort((a, b) => a - b)) {
      const inside = windows.get(fromMs)!;
      if (inside.length > 1) return { blocks: inside, fromMs, toMs: fromMs + width };
    }
  }
  return undefined;
}

/** Blocks whose samples are all too old; then the oldest, until the rest fits the disk it may take. */
export function planRetention<B extends PlannedBlock>(
  blocks: readonly B[],
  settings: {
    readonly oldestMs: number;
    /** 0 is no limit. */
    readonly bytesMax: number;
    /** What else the store has on disk. */
    readonly otherBytes: number;
  },
): { readonly tooOld: readonly B[]; readonly tooMuch: readonly B[] } {
  const tooOld = blocks.filter(block => block.maxMs < settings.oldestMs);
  const tooMuch: B[] = [];
  if (settings.bytesMax === 0) return { tooOld, tooMuch };
  const rest = blocks.filter(block => !tooOld.includes(block)).sort((a, b) => a.maxMs - b.maxMs);
  let bytes = settings.otherBytes;
  for (const block of rest) bytes += block.bytes;
  for (const block of rest) {
    if (bytes <= settings.bytesMax) break;
    tooMuch.push(block);
    bytes -= block.bytes;
  }
  return { tooOld, tooMuch };
}
