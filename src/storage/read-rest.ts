// Reads what is left of a file even where the device gives parts of it up: those become zeros, which the record scan then
// reports as damage, and everything around them is kept.

import { type DiskError, type DiskFile, ok, type Result } from '../base/index.ts';

const PIECE_BYTES = 64 * 1024;

/** Of a sound file at once: what is read next lies where the processor's cache has it still. */
export const READ_BYTES = 1024 * 1024;

/** Memory for one piece after the other: new memory for each costs more than the reading. */
export class FileRoom {
  #bytes = new Uint8Array(0);

  take(count: number): Uint8Array {
    if (count > this.#bytes.length) this.#bytes = new Uint8Array(count);
    return this.#bytes.subarray(0, count);
  }
}

/** From a place to the end. What it gives lies in the room: it is good until the next piece is read. */
export async function readRest(
  file: DiskFile,
  from: number,
  room: FileRoom,
): Promise<Result<Uint8Array, DiskError>> {
  const size = await file.sizeBytes();
  if (!size.ok) return size;
  const bytes = room.take(Math.max(0, size.value - from));
  const whole = await file.read(bytes, from);
  if (whole.ok) return ok(bytes.subarray(0, whole.value));
  if (whole.error.code !== 'disk-io') return whole;
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    const piece = bytes.subarray(at, at + PIECE_BYTES);
    const read = await file.read(piece, from + at);
    if (!read.ok) piece.fill(0);
  }
  return ok(bytes);
}
