// The same as decodeAll, for a query: with its room asked for beforehand, and giving way between pieces.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

import { ok, type Result } from '../base/index.ts';
import type { FloatLender, ReadWork, SeriesColumns } from '../model/index.ts';
import { type DamagedChunk, decodeAll, newFoundTimes, type Pick, type Views } from './assemble.ts';
import type { Window } from './block/block.ts';
import { BLOCK_FLOATS } from './codec/room.ts';

/** A series of an answer beside its samples: its object, and its part of the snapshot. */
export const SERIES_BYTES = 400;
const SAMPLE_BYTES = 8;

export interface DecodeScope {
  readonly views: Views;
  readonly window: Window;
  /** 0 for all. */
  readonly limit: number;
  readonly memory: FloatLender | undefined;
}

/** 'stopped' where the work shall not go on. */
export async function decodeInTurns(
  picks: readonly Pick[],
  scope: DecodeScope,
  work: ReadWork,
): Promise<Result<SeriesColumns[], DamagedChunk> | 'stopped'> {
  if (!work.reserve(bytesOf(scope.limit > 0 ? picks.slice(0, scope.limit) : picks))) return 'stopped';
  const times = newFoundTimes();
  const found: SeriesColumns[] = [];
  for (let at = 0; at < picks.length; ) {
    const end = endOfPiece(picks, at);
    const limit = scope.limit > 0 ? scope.limit - found.length : 0;
    const part = decodeAll(picks.slice(at, end), { ...scope, found: times, limit });
    if (!part.ok) return part;
    for (const one of part.value) found.push(one);
    if (scope.limit > 0 && found.length === scope.limit) break;
    at = end;
    if (at < picks.length && work.isDue() && !(await work.pause())) return 'stopped';
  }
  return ok(found);
}

/**
 * Decoded without giving way: some three milliseconds. Fewer would cost more: series of one producer lie in the same chunks, and
 * those that are decoded together read them once.
 */
const PIECE_SAMPLES = 16 * BLOCK_FLOATS;

function endOfPiece(picks: readonly Pick[], from: number): number {
  let samples = picks[from]!.line.count;
  let end = from + 1;
  while (end < picks.length && samples + picks[end]!.line.count <= PIECE_SAMPLES)
    samples += picks[end++]!.line.count;
  return end;
}

/** Values of each, times once for all that share them. */
function bytesOf(picks: readonly Pick[]): number {
  const lines = new Set<Pick['line']>();
  let samples = 0;
  for (const { line } of picks) {
    samples += line.count;
    if (lines.has(line)) continue;
    lines.add(line);
    samples += line.count;
  }
  return samples * SAMPLE_BYTES;
}
