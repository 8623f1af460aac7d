// A snapshot: the files of blocks copied into a folder of their own, which opens as a store. It appears under its name
// only when it is whole and durable; of one that fails nothing stays.

import { copyFile, type Disk, type DiskError, type Result } from '../base/index.ts';
import type { Block } from './block/block.ts';
import { blockName } from './block/block-set.ts';
import type { Slices } from './block/slices.ts';
import { FILES } from './block/writer.ts';
import { FORMAT_FILE, formatText } from './folder.ts';
import { removeTree } from './remove-tree.ts';
import { writeSynced } from './synced-file.ts';

export async function copySnapshot(
  disk: Disk,
  blocks: readonly Block[],
  place: { readonly target: string; readonly name: string; readonly slices: Slices },
): Promise<Result<void, DiskError>> {
  const { target, name } = place;
  const passing = `${target}/${name}.new`;
  // Of a process that ended while it copied.
  await removeTree(disk, passing);
  const filled = await fill(disk, blocks, { passing, slices: place.slices });
  const renamed = filled.ok ? await disk.rename(passing, `${target}/${name}`) : filled;
  if (renamed.ok) return disk.syncFolder(target);
  await removeTree(disk, passing);
  return renamed;
}

async function fill(
  disk: Disk,
  blocks: readonly Block[],
  place: { readonly passing: string; readonly slices: Slices },
): Promise<Result<void, DiskError>> {
  const { passing, slices } = place;
  const made = await disk.makeFolder(passing);
  if (!made.ok) return made;
  for (const block of blocks) {
    const into = `${passing}/${blockName(block.meta.number)}`;
    const folder = await disk.makeFolder(into);
    if (!folder.ok) return folder;
    for (const file of Object.values(FILES)) {
      const copied = await copyFile(disk, { from: `${block.folder}/${file}`, to: `${into}/${file}` });
      if (!copied.ok && !(file === FILES.tombstones && copied.error.code === 'disk-not-found')) return copied;
      await slices.breathe();
    }
    const named = await disk.syncFolder(into);
    if (!named.ok) return named;
  }
  const told = await writeSynced(disk, `${passing}/${FORMAT_FILE}`, new TextEncoder().encode(formatText()));
  return told.ok ? disk.syncFolder(passing) : told;
}
