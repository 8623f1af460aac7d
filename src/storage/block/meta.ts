// The small file that says what a block is: read at start, for all blocks, before anything else of them.
// Layout (docs/formats/block.md): 8 bytes of magic, u32 version, then varints and floats, then the CRC-32C of all before.

import { crc32c, err, ok, type Result } from '../../base/index.ts';
import { ByteReader, ByteWriter } from '../bytes.ts';

const MAGIC = 'WKPRBLK\n';
export const BLOCK_VERSION = 1;
const HEADER_BYTES = 12;

export interface BlockMeta {
  readonly number: number;
  /** The lowest number of the blocks it was made of: of two samples at one time, the one in the older block counts. */
  readonly firstNumber: number;
  /** The aligned stretch of time that it stands for: fromMs <= time < toMs. */
  readonly fromMs: number;
  readonly toMs: number;
  /** Of its samples; Infinity and -Infinity without any. */
  readonly minMs: number;
  readonly maxMs: number;
  readonly series: number;
  readonly samples: number;
  readonly timelines: number;
  /** Samples left out when it was made, since an older block had another value at their time. */
  readonly conflicts: number;
  /** No ref up to this one may be given to another series. */
  readonly refMax: number;
  readonly dataBytes: number;
  readonly indexBytes: number;
  /** Where the sections of the index begin. */
  readonly sections: Sections;
  /** Numbers of blocks whose content is in this one: they are to be removed where they are still found. */
  readonly replaces: readonly number[];
  /** Head chunks whose samples before `toMs` are in this block. */
  readonly chunkIds: readonly number[];
}

export interface Sections {
  readonly stringEnds: number;
  readonly postings: number;
  readonly postingEnds: number;
  readonly names: number;
  readonly series: number;
  readonly seriesEnds: number;
  readonly timelines: number;
  readonly timelineEnds: number;
}

const SECTION_NAMES = [
  'stringEnds',
  'postings',
  'postingEnds',
  'names',
  'series',
  'seriesEnds',
  'timelines',
  'timelineEnds',
] as const satisfies readonly (keyof Sections)[];

export function encodeMeta(meta: BlockMeta): Uint8Array {
  const writer = new ByteWriter(256 + 4 * meta.chunkIds.length);
  writeMagic(writer, MAGIC);
  writer.varint(meta.number);
  writer.varint(meta.firstNumber);
  for (const timeMs of [meta.fromMs, meta.toMs, meta.minMs, meta.maxMs]) writer.f64(timeMs);
  for (const count of [meta.series, meta.samples, meta.timelines, meta.conflicts]) writer.varint(count);
  for (const count of [meta.refMax, meta.dataBytes, meta.indexBytes]) writer.varint(count);
  for (const name of SECTION_NAMES) writer.varint(meta.sections[name]);
  writeNumbers(writer, meta.replaces);
  writeNumbers(writer, meta.chunkIds);
  return sealed(writer);
}

export function decodeMeta(bytes: Uint8Array): Result<BlockMeta, 'damaged' | 'newer'> {
  const opened = openSealed(bytes, MAGIC);
  if (!opened.ok) return opened;
  const reader = opened.value;
  const number = reader.varint();
  const firstNumber = reader.varint();
  const [fromMs, toMs, minMs, maxMs] = [reader.f64(), reader.f64(), reader.f64(), reader.f64()];
  const [series, samples, timelines, conflicts] = [
    reader.varint(),
    reader.varint(),
    reader.varint(),
    reader.varint(),
  ];
  const [refMax, dataBytes, indexBytes] = [reader.varint(), reader.varint(), reader.varint()];
  const starts = Object.fromEntries(SECTION_NAMES.map(name => [name, reader.varint()]));
  const at = (name: keyof Sections): number => starts[name] ?? 0;
  const sections: Sections = {
    stringEnds: at('stringEnds'),
    postings: at('postings'),
    postingEnds: at('postingEnds'),
    names: at('names'),
    series: at('series'),
    seriesEnds: at('seriesEnds'),
    timelines: at('timelines'),
    timelineEnds: at('timelineEnds'),
  };
  const replaces = readNumbers(reader);
  const chunkIds = readNumbers(reader);
  if (reader.failed || reader.left !== 0 || !(fromMs < toMs)) return err('damaged');
  return ok({
    ...{ number, firstNumber, fromMs, toMs, minMs, maxMs, series, samples, timelines, conflicts },
    ...{ refMax, dataBytes, indexBytes, sections, replaces, chunkIds },
  });
}

// --- small checksummed files, also used by tombstones -------------------------------------------------

export function writeMagic(writer: ByteWriter, magic: string): void {
  for (const char of magic) writer.u8(char.charCodeAt(0));
  writer.u32(BLOCK_VERSION);
}

/** Appends the checksum and gives the bytes out. */
export function sealed(writer: ByteWriter): Uint8Array {
  writer.u32(crc32c(writer.bytes(), { from: 0, to: writer.length }));
  return writer.bytes().slice();
}

/** A reader of what lies between header and checksum. */
export function openSealed(bytes: Uint8Array, magic: string): Result<ByteReader, 'damaged' | 'newer'> {
  const end = bytes.length - 4;
  if (end < HEADER_BYTES) return err('damaged');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (crc32c(bytes, { from: 0, to: end }) !== view.getUint32(end, true)) return err('damaged');
  for (let i = 0; i < magic.length; i++) if (bytes[i] !== magic.charCodeAt(i)) return err('damaged');
  // The checksum holds, so another version is no flipped bit.
  if (view.getUint32(magic.length, true) !== BLOCK_VERSION) return err('newer');
  return ok(new ByteReader(bytes, HEADER_BYTES, end));
}

/** Rising or not, close to each other or not. */
function writeNumbers(writer: ByteWriter, numbers: readonly number[]): void {
  writer.varint(numbers.length);
  let before = 0;
  for (const number of numbers) {
    writer.zigzag(number - before);
    before = number;
  }
}

function readNumbers(reader: ByteReader): number[] {
  const count = reader.count(1);
  const numbers: number[] = [];
  let number = 0;
  for (let i = 0; i < count && !reader.failed; i++) {
    number += reader.zigzag();
    numbers.push(number);
  }
  return numbers;
}
