// Removes a folder with all that is in it.

import type { Disk } from '../base/index.ts';

/** What cannot be removed stays. Links are removed, and not followed. */
export async function removeTree(disk: Disk, path: string): Promise<void> {
  const found = await disk.stat(path);
  const names = found.ok && found.value.kind === 'folder' ? await disk.list(path) : undefined;
  if (names?.ok) for (const name of names.value) await removeTree(disk, `${path}/${name}`);
  await disk.remove(path);
}
