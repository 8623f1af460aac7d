// Who makes the files of blocks: in the caller's thread (in-place.ts) or in another (thread.ts). Everything that passes
// is plain data, and nothing of it changes afterwards.

import type { DiskError, Result } from '../../base/index.ts';
import type { SeriesColumns } from '../../model/index.ts';
import type { DamagedChunk, Pick } from '../assemble.ts';
import type { Window } from './block.ts';
import type { BlockFailure } from './failure.ts';
import type { BlockMeta } from './meta.ts';
import type { Tombstones } from './tombstones.ts';
import type { BlockFacts } from './writer.ts';

/** Why no block came about. */
export type MakeFailure =
  | { readonly kind: 'disk'; readonly error: DiskError }
  /** The source of this number could not be read. */
  | { readonly kind: 'source'; readonly number: number; readonly failure: BlockFailure }
  | { readonly kind: 'stopped' };

export interface SourceBlock {
  readonly number: number;
  readonly folder: string;
  readonly tombstones: Tombstones;
}

/** Samples that lie in sealed chunks of the head, all of them written. */
export interface SealedBatch {
  /** Without open pieces. */
  readonly picks: readonly Pick[];
  readonly window: Window;
  readonly chunks: readonly StoredChunk[];
}

/** Where the record of a chunk lies, its frame included. */
export interface StoredChunk {
  readonly id: number;
  readonly path: string;
  readonly offset: number;
  readonly bytes: number;
}

export interface Finish {
  readonly facts: BlockFacts;
  /** To be remembered with the block, beside those met while it was made. */
  readonly conflicts: number;
  /** Whether a block without samples is wanted. */
  readonly keepEmpty: boolean;
}

/** Makes one block at a time. After a failure, and before the next `begin`, comes `abandon`. */
export interface BlockMaker {
  /** The folder must not exist. */
  begin(folder: string): Promise<Result<void, MakeFailure>>;
  /** All samples of some blocks: those of one series together, of two at one time the one of the earlier block. */
  addBlocks(sources: readonly SourceBlock[]): Promise<Result<void, MakeFailure>>;
  /** Series that were not there yet: all of them, or none where chunks are damaged; then these are named. */
  addSealed(batch: SealedBatch): Promise<Result<readonly DamagedChunk[], MakeFailure>>;
  /** Series that were not there yet, with samples that come from elsewhere. */
  addColumns(series: readonly SeriesColumns[]): Promise<Result<void, MakeFailure>>;
  /** All but the rename. Undefined where there was nothing to write and an empty block is not wanted. */
  finish(wanted: Finish): Promise<Result<BlockMeta | undefined, MakeFailure>>;
  /** Lets go of the files of a block that will not be finished; they stay. */
  abandon(): Promise<void>;
  /** What is being made is given up, and nothing is begun any more. */
  stop(): void;
  /** After `stop`: resolves when everything has been let go. */
  close(): Promise<void>;
}
