// Reads a whole file even where the device gives parts of it up: those become zeros, which the record scan then
// reports as damage, and everything around them is kept.

import { type Disk, type DiskError, ok, type Result } from '../base/index.ts';

const PIECE_BYTES = 64 * 1024;

export async function readWhole(disk: Disk, path: string): Promise<Result<Uint8Array, DiskError>> {
  const whole = await disk.readFile(path);
  if (whole.ok || whole.error.code !== 'disk-io') return whole;
  const opened = await disk.open(path, 'read');
  if (!opened.ok) return opened;
  const file = opened.value;
  const size = await file.sizeBytes();
  if (!size.ok) {
    await file.close();
    return size;
  }
  const bytes = new Uint8Array(size.value);
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    const piece = bytes.subarray(at, at + PIECE_BYTES);
    const read = await file.read(piece, at);
    if (!read.ok) piece.fill(0);
  }
  await file.close();
  return ok(bytes);
}
