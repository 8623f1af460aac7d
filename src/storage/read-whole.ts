// Reads a whole file even where the device gives parts of it up: those become zeros, which the record scan then
// reports as damage, and everything around them is kept.

import { type Disk, type DiskError, type DiskFile, ok, type Result } from '../base/index.ts';

const PIECE_BYTES = 64 * 1024;

/**
 * Memory for one file after the other: a start reads some hundred megabytes, and new memory for each costs more than the
 * reading.
 */
export class FileRoom {
  #bytes = new Uint8Array(0);

  take(count: number): Uint8Array {
    if (count > this.#bytes.length) this.#bytes = new Uint8Array(count);
    return this.#bytes.subarray(0, count);
  }
}

/** What it gives lies in the room: it is good until the next file is read. */
export async function readWhole(
  disk: Disk,
  path: string,
  room: FileRoom,
): Promise<Result<Uint8Array, DiskError>> {
  const opened = await disk.open(path, 'read');
  if (!opened.ok) return opened;
  const read = await readOpen(opened.value, room);
  await opened.value.close();
  return read;
}

async function readOpen(file: DiskFile, room: FileRoom): Promise<Result<Uint8Array, DiskError>> {
  const size = await file.sizeBytes();
  if (!size.ok) return size;
  const bytes = room.take(size.value);
  const whole = await file.read(bytes, 0);
  if (whole.ok) return ok(bytes.subarray(0, whole.value));
  if (whole.error.code !== 'disk-io') return whole;
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    const piece = bytes.subarray(at, at + PIECE_BYTES);
    const read = await file.read(piece, at);
    if (!read.ok) piece.fill(0);
  }
  return ok(bytes);
}
