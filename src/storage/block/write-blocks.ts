// Brings a block into the store: a maker makes its files, and a rename makes them part of the store. Whatever fails on
// the way leaves everything as it was.

import { assert, type DiskError, err, ok, type Result } from '../../base/index.ts';
import type { Block } from './block.ts';
import type { BlockSet } from './block-set.ts';
import type { BlockFailure } from './failure.ts';
import type { BlockMaker, MakeFailure } from './maker.ts';
import type { BlockMeta } from './meta.ts';

export interface WriteParts {
  readonly blocks: BlockSet;
  readonly maker: BlockMaker;
}

/** Why no block came about; `source` is the block that could not be read. */
export type WriteFailure =
  | { readonly kind: 'disk'; readonly error: DiskError }
  | { readonly kind: 'source'; readonly block: Block; readonly failure: BlockFailure }
  | { readonly kind: 'stopped' };

export interface NewBlock {
  readonly facts: Pick<BlockMeta, 'fromMs' | 'toMs' | 'chunkIds'>;
  /** Gives the maker what is to be in the block. */
  readonly fill: (maker: BlockMaker) => Promise<Result<void, MakeFailure>>;
  readonly replaced: readonly Block[];
  /** Met when the replaced ones were made. */
  readonly conflicts: number;
  /** A block without samples is published only where it still says something about head chunks. */
  readonly keepEmpty: boolean;
}

/** Undefined where there was nothing to write; the blocks to be replaced are then removed. */
export async function writeBlock(
  parts: WriteParts,
  wanted: NewBlock,
): Promise<Result<Block | undefined, WriteFailure>> {
  const { blocks, maker } = parts;
  // Before anything else: a block that may come back after a crash is named, and going now if the disk lets it.
  await blocks.sweep();
  const number = blocks.takeNumber();
  const folder = blocks.passingFolder(number);
  const made = await makeBlock(parts, wanted, { number, folder });
  if (!made.ok) {
    await maker.abandon();
    await blocks.abandon(number);
    return err(writeFailure(made.error, wanted.replaced));
  }
  if (made.value === undefined) {
    await blocks.abandon(number);
    await blocks.remove(wanted.replaced);
    return ok(undefined);
  }
  const published = await blocks.publish(number, wanted.replaced);
  if (published.ok) return published;
  const { error } = published;
  if (error.kind === 'disk') return err({ kind: 'disk', error: error.error });
  // What was written a moment ago does not read back: as good as a failing disk.
  const path = `${folder.replace(/\.new$/, '')}`;
  return err({
    kind: 'disk',
    error: { code: 'disk-io', op: 'read', path, message: 'the new block does not read back' },
  });
}

async function makeBlock(
  { blocks, maker }: WriteParts,
  wanted: NewBlock,
  place: { readonly number: number; readonly folder: string },
): Promise<Result<BlockMeta | undefined, MakeFailure>> {
  const begun = await maker.begin(place.folder);
  if (!begun.ok) return begun;
  const filled = await wanted.fill(maker);
  if (!filled.ok) return filled;
  const { number } = place;
  const firstNumber = Math.min(number, ...wanted.replaced.map(block => block.meta.firstNumber));
  const replaces = [...wanted.replaced.map(block => block.meta.number), ...blocks.doomedNumbers];
  return maker.finish({
    facts: { ...wanted.facts, number, firstNumber, replaces: replaces.sort((a, b) => a - b) },
    conflicts: wanted.conflicts,
    keepEmpty: wanted.keepEmpty,
  });
}

function writeFailure(failure: MakeFailure, sources: readonly Block[]): WriteFailure {
  if (failure.kind !== 'source') return failure;
  const block = sources.find(({ meta }) => meta.number === failure.number);
  assert(block !== undefined, 'a source is one of the blocks to be replaced');
  return { kind: 'source', block, failure: failure.failure };
}
