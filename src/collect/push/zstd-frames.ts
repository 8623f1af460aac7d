// What a zstd body demands, read from the headers of its frames and blocks (RFC 8878, 3.1.1) before anything is decoded:
// the decoder takes the memory that a frame names, whatever follows.

const MAGIC = 0xfd2fb528;
/** Skippable frames have this number or one of the fifteen after it. */
const SKIPPABLE = 0x184d2a50;
/** Senders' encoders use 8 MiB, at their slowest 32. */
const WINDOW_BYTES_MAX = 32 * 1024 * 1024;
const CHECKSUM_BYTES = 4;
const BLOCK_HEADER_BYTES = 3;
const BLOCK_BYTES_MAX = 128 * 1024;

interface Header {
  /** Where the first block begins. */
  readonly blocksAt: number;
  readonly windowBytes: number;
  /** Of the content; NaN if the frame does not tell. */
  readonly contentBytes: number;
  readonly hasChecksum: boolean;
}

const TORN = 'it is not a zstd stream';

/** Why a body is not to be decoded, or "". */
export function zstdProblem(body: Uint8Array, bytesMax: number): string {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  let at = 0;
  let plain = 0;
  let windows = 0;
  while (at < body.length || at === 0) {
    if (at + 8 > body.length) return TORN;
    const magic = view.getUint32(at, true);
    if ((magic & 0xfffffff0) >>> 0 === SKIPPABLE) {
      at += 8 + view.getUint32(at + 4, true);
      continue;
    }
    const header = magic === MAGIC ? readHeader(view, at) : undefined;
    if (header === undefined) return TORN;
    const { windowBytes, contentBytes } = header;
    if (contentBytes > bytesMax) return `it would be ${contentBytes} bytes long, ${bytesMax} are allowed`;
    // A single segment has its content for a window, and no content length is NaN.
    if (windowBytes > WINDOW_BYTES_MAX && windowBytes !== contentBytes)
      return `its window is ${windowBytes} bytes, ${WINDOW_BYTES_MAX} are allowed`;
    // Each frame takes its memory anew, and a frame of nine bytes may ask for megabytes.
    windows += windowBytes;
    if (windows > bytesMax)
      return `the windows of its frames are more than the ${bytesMax} bytes that are allowed`;
    const blocks = walkBlocks(view, header.blocksAt);
    if (blocks === undefined) return TORN;
    plain += blocks.plainBytes;
    if (plain > bytesMax) return `it is longer than the ${bytesMax} bytes that are allowed`;
    at = blocks.end + (header.hasChecksum ? CHECKSUM_BYTES : 0);
  }
  return at === body.length ? '' : TORN;
}

function readHeader(view: DataView, at: number): Header | undefined {
  const descriptor = view.getUint8(at + 4);
  const isSingle = (descriptor & 0x20) !== 0;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3] ?? 0;
  const sizeFlag = descriptor >>> 6;
  const sizeBytes = sizeFlag === 0 && !isSingle ? 0 : 2 ** sizeFlag;
  const sizeAt = at + 5 + (isSingle ? 0 : 1) + dictionaryBytes;
  const blocksAt = sizeAt + sizeBytes;
  if (blocksAt > view.byteLength) return undefined;
  const contentBytes = readSize(view, sizeAt, sizeBytes);
  let windowBytes = contentBytes;
  if (!isSingle) {
    const window = view.getUint8(at + 5);
    const base = 2 ** (10 + (window >>> 3));
    windowBytes = base + (base / 8) * (window & 7);
  }
  return { blocksAt, windowBytes, contentBytes, hasChecksum: (descriptor & 4) !== 0 };
}

function readSize(view: DataView, at: number, bytes: number): number {
  if (bytes === 0) return Number.NaN;
  if (bytes === 1) return view.getUint8(at);
  // Two bytes count from 256.
  if (bytes === 2) return view.getUint16(at, true) + 256;
  return bytes === 4 ? view.getUint32(at, true) : Number(view.getBigUint64(at, true));
}

/** To the end of a frame's last block; `plainBytes` of those blocks whose header tells how long they become. */
function walkBlocks(
  view: DataView,
  from: number,
): { readonly end: number; readonly plainBytes: number } | undefined {
  let at = from;
  let plainBytes = 0;
  for (;;) {
    if (at + BLOCK_HEADER_BYTES > view.byteLength) return undefined;
    const header = view.getUint16(at, true) | (view.getUint8(at + 2) << 16);
    const kind = (header >>> 1) & 3;
    const size = header >>> 3;
    // Three is reserved; no block is longer, compressed or not.
    if (kind === 3 || size > BLOCK_BYTES_MAX) return undefined;
    at += BLOCK_HEADER_BYTES + (kind === 1 ? 1 : size);
    if (kind !== 2) plainBytes += size;
    if (at > view.byteLength) return undefined;
    if ((header & 1) === 1) return { end: at, plainBytes };
  }
}
