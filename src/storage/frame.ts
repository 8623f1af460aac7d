// How records lie in every file of the store: framed, checksummed, with a type and a version.
// Layout of a record (little-endian):
//   0  u16  0x584b   2  u8 type   3  u8 version   4  u32 length of the payload
//   8  u32  CRC-32 of bytes 2 … 7 and the payload       12  payload
// Earlier versions wrote 0x574b, and CRC-32C: sixteen times as slow without a processor's help, and most of a start.
// A file begins with 16 bytes: 8 of magic, u32 format version, u32 number of the file.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

import { crc32c, err, ok, type Result } from '../base/index.ts';
import type { ByteWriter } from './bytes.ts';
import { crc32 } from './crc32.ts';

export const FRAME_BYTES = 12;
export const FILE_HEADER_BYTES = 16;
/** Of all kinds of files. A newer one is refused as a whole, since its records cannot be told apart. */
export const FILE_VERSION = 1;

const SYNC_LOW = 0x4b;
const SYNC_HIGH = 0x58;
/** Of a record with CRC-32C. */
const SYNC_HIGH_BEFORE = 0x57;
/** Looking for the next valid record after damage may checksum so many times the file's size, then gives up. */
const RESYNC_EFFORT = 16;

/** Record types over all files. Numbers are never used again; 5 and 8 are reserved. */
export const RECORD = {
  batch: 1,
  series: 2,
  chunk: 3,
  probe: 4,
  histograms: 5,
  exemplars: 6,
  metadata: 7,
  tombstones: 8,
} as const;

export type FileKind = 'wal' | 'series' | 'chunks' | 'annex';

const MAGIC: Readonly<Record<FileKind, string>> = {
  wal: 'WKPRWAL\n',
  series: 'WKPRSER\n',
  chunks: 'WKPRCHK\n',
  annex: 'WKPRANX\n',
};

export function writeFileHeader(writer: ByteWriter, kind: FileKind, number: number): void {
  for (const char of MAGIC[kind]) writer.u8(char.charCodeAt(0));
  writer.u32(FILE_VERSION);
  writer.u32(number);
}

/** Whether the records may be read: a header that is damaged or cut short does not stop that, a newer version does. */
export function checkFileHeader(bytes: Uint8Array, kind: FileKind): Result<'fine' | 'damaged', 'newer'> {
  if (bytes.length < FILE_HEADER_BYTES) return ok('damaged');
  const magic = MAGIC[kind];
  for (let i = 0; i < magic.length; i++) if (bytes[i] !== magic.charCodeAt(i)) return ok('damaged');
  const version = new DataView(bytes.buffer, bytes.byteOffset).getUint32(8, true);
  if (version === FILE_VERSION) return ok('fine');
  // A version that no release will ever reach is a flipped bit, not the future.
  return version > FILE_VERSION && version < 1000 ? err('newer') : ok('damaged');
}

/** Begins a record; give what it returns to `endRecord`. */
export function beginRecord(writer: ByteWriter, type: number, version = 1): number {
  const start = writer.reserve(FRAME_BYTES);
  const bytes = writer.bytes();
  bytes[start] = SYNC_LOW;
  bytes[start + 1] = SYNC_HIGH;
  bytes[start + 2] = type;
  bytes[start + 3] = version;
  return start;
}

export function endRecord(writer: ByteWriter, start: number): void {
  writer.u32At(start + 4, writer.length - start - FRAME_BYTES);
  writer.u32At(start + 8, frameSum(crc32, writer.bytes(), { start, end: writer.length }));
}

export interface FoundRecord {
  readonly type: number;
  readonly version: number;
  /** Of the frame, within the file. */
  readonly offset: number;
  /** The same within the bytes, and the payload's. */
  readonly frameFrom: number;
  readonly payloadFrom: number;
  readonly payloadTo: number;
}

export interface ScanReport {
  /** Where the last valid record ends: what lies behind is a torn tail. */
  readonly endOffset: number;
  /** Stretches of the file between valid records that could not be read. */
  readonly damaged: readonly { readonly offset: number; readonly bytes: number }[];
}

/** Where to begin within some bytes, of which the first lies at an offset in the file. */
export interface Place {
  readonly from: number;
  readonly fileOffset: number;
}

/** Where the records that begin at `from` and follow one another end, for as long as they are whole and sound. */
export function soundEnds(bytes: Uint8Array, from: number): number[] {
  const ends: number[] = [];
  for (let end = soundFrameEnd(bytes, from); end >= 0; end = soundFrameEnd(bytes, end)) ends.push(end);
  return ends;
}

/** Calls `found` for each valid record from a place on, in order; skips what is damaged to the next valid one. */
export function scanRecords(
  bytes: Uint8Array,
  { from, fileOffset }: Place,
  found: (record: FoundRecord) => void,
): ScanReport {
  const damaged: { offset: number; bytes: number }[] = [];
  const budget = { bytes: bytes.length * RESYNC_EFFORT };
  let at = from;
  let goodEnd = Math.min(from, bytes.length);
  while (at + FRAME_BYTES <= bytes.length) {
    const end = validFrameEnd(bytes, at, budget);
    if (end < 0) {
      at = nextSync(bytes, at + 1);
      continue;
    }
    if (at > goodEnd) damaged.push({ offset: fileOffset + goodEnd, bytes: at - goodEnd });
    found(recordAt(bytes, { at, end, fileOffset }));
    at = end;
    goodEnd = end;
    // The effort bounds a search, not the reading of what is sound.
    budget.bytes = bytes.length * RESYNC_EFFORT;
  }
  return { endOffset: fileOffset + goodEnd, damaged };
}

export function recordAt(
  bytes: Uint8Array,
  { at, end, fileOffset }: { readonly at: number; readonly end: number; readonly fileOffset: number },
): FoundRecord {
  return {
    type: bytes[at + 2]!,
    version: bytes[at + 3]!,
    offset: fileOffset + at,
    frameFrom: at,
    payloadFrom: at + FRAME_BYTES,
    payloadTo: end,
  };
}

/** Whether one whole record, read on its own from its place in a file, is sound. */
export function isValidRecord(bytes: Uint8Array): boolean {
  return validFrameEnd(bytes, 0, { bytes: bytes.length }) === bytes.length;
}

function validFrameEnd(bytes: Uint8Array, at: number, budget: { bytes: number }): number {
  const end = claimedEnd(bytes, at);
  const length = end - at - FRAME_BYTES;
  if (end < 0 || length > budget.bytes) return -1;
  budget.bytes -= length;
  return isSound(bytes, at, end) ? end : -1;
}

/** Where the record at a place ends; -1 where there is none, or none that is whole. */
function soundFrameEnd(bytes: Uint8Array, at: number): number {
  const end = claimedEnd(bytes, at);
  return end >= 0 && isSound(bytes, at, end) ? end : -1;
}

/** By what its frame says, whatever its checksum; -1 where that is not all there. */
function claimedEnd(bytes: Uint8Array, at: number): number {
  const claimed = claimedBytes(bytes, at);
  return claimed === 0 || at + claimed > bytes.length ? -1 : at + claimed;
}

function isSound(bytes: Uint8Array, at: number, end: number): boolean {
  const sum = bytes[at + 1] === SYNC_HIGH ? crc32 : crc32c;
  return frameSum(sum, bytes, { start: at, end }) === u32At(bytes, at + 8);
}

/** How many bytes the record that begins with these has; 0 where none begins, or too little is there to say. */
export function claimedBytes(bytes: Uint8Array, at: number): number {
  if (at + FRAME_BYTES > bytes.length || bytes[at] !== SYNC_LOW || !isSyncHigh(bytes[at + 1]!)) return 0;
  return FRAME_BYTES + u32At(bytes, at + 4);
}

function isSyncHigh(byte: number | undefined): boolean {
  return byte === SYNC_HIGH || byte === SYNC_HIGH_BEFORE;
}

function nextSync(bytes: Uint8Array, from: number): number {
  let at = bytes.indexOf(SYNC_LOW, from);
  while (at >= 0 && !isSyncHigh(bytes[at + 1])) at = bytes.indexOf(SYNC_LOW, at + 1);
  return at < 0 ? bytes.length : at;
}

function frameSum(
  sum: typeof crc32,
  bytes: Uint8Array,
  { start, end }: { readonly start: number; readonly end: number },
): number {
  const head = sum(bytes, { from: start + 2, to: start + 8 });
  return sum(bytes, { from: start + FRAME_BYTES, to: end }, head);
}

function u32At(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}
