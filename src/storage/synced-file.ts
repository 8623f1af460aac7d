// A small file written in one go and made durable; its name in the folder is the caller's to sync.

import type { Disk, DiskError, Result } from '../base/index.ts';

/** A whole new file, synced. */
export async function writeSynced(
  disk: Disk,
  path: string,
  bytes: Uint8Array,
): Promise<Result<void, DiskError>> {
  const opened = await disk.open(path, 'create');
  if (!opened.ok) return opened;
  const written = await opened.value.write(bytes, 0);
  const synced = written.ok ? await opened.value.sync() : written;
  const closed = await opened.value.close();
  return synced.ok ? closed : synced;
}
