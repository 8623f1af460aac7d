// A file copied piece by piece over the Disk port.

import type { Disk, DiskError } from './ports.ts';
import { ok, type Result } from './result.ts';

/** Copied at a time. */
const PIECE_BYTES = 1024 * 1024;

/** Copies a file into a new one and makes that durable; its name in the folder is the caller's to sync. */
export async function copyFile(
  disk: Disk,
  path: { readonly from: string; readonly to: string },
): Promise<Result<void, DiskError>> {
  const source = await disk.open(path.from, 'read');
  if (!source.ok) return source;
  const target = await disk.open(path.to, 'create');
  if (!target.ok) {
    await source.value.close();
    return target;
  }
  const piece = new Uint8Array(PIECE_BYTES);
  let failure: DiskError | undefined;
  for (let at = 0; failure === undefined; ) {
    const read = await source.value.read(piece, at);
    if (read.ok && read.value === 0) break;
    const written = read.ok ? await target.value.write(piece.subarray(0, read.value), at) : read;
    if (!written.ok) failure = written.error;
    if (read.ok) at += read.value;
  }
  const synced = failure === undefined ? await target.value.sync() : { ok: false as const, error: failure };
  await source.value.close();
  const closed = await target.value.close();
  return synced.ok ? (closed.ok ? ok(undefined) : closed) : synced;
}
