// Limits of blocks, each with its reason.

/** Width of the smallest blocks: what the head holds twice over is little, and a query of an hour opens two at most. */
export const BLOCK_MS = 2 * 3_600_000;

/** Each level is this many times as wide as the one below: few rewrites of a sample, few blocks to open. */
export const LEVEL_FACTOR = 3;

/** No block is wider than this, nor than this share of the retention: age frees the disk in steps of a block. */
export const LEVEL_MS_MAX = 31 * 86_400_000;
export const LEVEL_RETENTION_SHARE = 1 / 10;

/** Samples of one column coded together: enough to pack well, few enough to decode for a query of minutes. */
export const SEGMENT_SAMPLES = 512;

/** A page of a block's files: the unit of the checksum and of reading. */
export const PAGE_BYTES = 4096;

/** Pages of all blocks kept in memory. The index of an open block takes nothing else but its label names. */
export const PAGE_CACHE_BYTES = 16 * 1024 * 1024;

/** Series of all blocks whose records are kept for queries that ask again: some 400 bytes each, 13 MB together. */
export const RECORDS_MAX = 32 * 1024;

/** Looks of the compactor after which what nobody has read since is forgotten: ten minutes, as chunks of the head. */
export const RECORDS_IDLE_LOOKS = 10;

/** Label values of one block kept as strings. */
export const STRINGS_MAX = 8192;

/** Written to a block's file at a time. */
export const FLUSH_BYTES = 256 * 1024;

/** Synchronous work goes on this long before the event loop gets its turn. */
export const SLICE_MS = 8;

/** Samples decoded in one go while blocks are written: some milliseconds. */
export const BATCH_SAMPLES = 32 * 1024;

/** Decoded times kept for one block that is read series by series, and as many merged ones: 8 MB each. */
export const TIMES_SAMPLES_MAX = 1024 * 1024;

/** Encoded timelines remembered while a block is written, to store equal ones once. */
export const TIMELINES_REMEMBERED = 4096;

/** Blocks are cut, compacted and dropped for their age this often; each look costs next to nothing. */
export const COMPACT_EVERY_MS = 60_000;
