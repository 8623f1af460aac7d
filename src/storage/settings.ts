// What can be set about the store, with the defaults that app/ gives when the configuration is silent,
// and the limits that cannot be set, each with its reason.

import type { RetentionPolicy } from '../model/index.ts';

export interface StoreSettings {
  /** The retention: samples this much older than the newest are dropped. No policy keeps any longer. */
  readonly maxAgeMs: number;
  /** Series that are kept shorter; the first one that fits a series counts. */
  readonly policies: readonly RetentionPolicy[];
  /** What the store may take on disk before the oldest blocks go, 0 for no limit. */
  readonly maxBytes: number;
  /** How far a sample may lie before the newest of its series. */
  readonly outOfOrderMs: number;
  /** How far a sample may lie after the clock. */
  readonly futureMs: number;
  readonly seriesMax: number;
  /** Series of one metric name held at once. */
  readonly metricSeriesMax: number;
  /** Exemplars held of all series together; 0 holds none. */
  readonly exemplarsMax: number;
  /** Of the log that others have yet to read (remote write) beyond what a start needs; 0 keeps none of it. */
  readonly keptLogBytesMax: number;
  /** `os`: accepted once written (lost only with the machine's power); `disk`: once fdatasync has returned. */
  readonly walAck: 'os' | 'disk';
  /** How long batches that can wait are gathered, so that one write takes several. */
  readonly gatherMs: number;
  /** Compressed chunks kept in memory after they were written; older ones are read from their file. */
  readonly cacheBytesMax: number;
  /** Those kept because they were read. */
  readonly readBytesMax: number;
  /** Decoded columns of selectors that are asked for again and again. */
  readonly keptBytesMax: number;
}

export const DEFAULT_STORE_SETTINGS: StoreSettings = {
  maxAgeMs: 15 * 86_400_000,
  policies: [],
  maxBytes: 0,
  outOfOrderMs: 10 * 60_000,
  futureMs: 10 * 60_000,
  // Some 0.7 KB each of labels and index: 1.4 GB, the most that a host of 4 GB should give.
  seriesMax: 2_000_000,
  // The largest of real ones (buckets of a big cluster's API servers) are some 100,000.
  metricSeriesMax: 500_000,
  // As Prometheus: some 30 MB when full.
  exemplarsMax: 100_000,
  keptLogBytesMax: 0,
  walAck: 'os',
  // Of a hundred targets scraped each second five come in that time, and nobody asks for so young a sample: a write costs a
  // tenth of what a page of a thousand samples does.
  gatherMs: 50,
  // The last minutes are what rules read again and again: of 100,000 series scraped each 15 s these hold twenty, and the open
  // rows another eight; the rest is in the system's page cache.
  cacheBytesMax: 8 * 1024 * 1024,
  // Dashboards ask for the same hours over and over: six of 20,000 series scraped each 15 s are some 30 MB.
  readBytesMax: 64 * 1024 * 1024,
  // Six hours of 4,000 series at 15 s, or of a thousand series of five metrics: what a dashboard asks for again. Decoding it
  // each time takes longer than all that is computed of it.
  keptBytesMax: 64 * 1024 * 1024,
};

/** Chunks kept because they were read are let go when nobody has read any for so long. */
export const READ_IDLE_MS = 10 * 60_000;

/** Decoded columns are let go when nobody has asked for them for so long: rules and dashboards ask once a minute or more often. */
export const KEPT_IDLE_MS = 2 * 60_000;

/** Series of one selector whose columns are kept: they are looked through in one go, in some hundred microseconds. */
export const KEPT_SERIES_MAX = 20_000;

/** Selectors of which is known when they were asked for last: those of a thousand rules, some 200 bytes each. */
export const KEPT_ASKED_MAX = 1024;

/** Of an instant so near the newest sample the newest row of each series is enough. */
export const NEWEST_WITHIN_MS = 5 * 60_000;

/** Selectors of which the series are remembered, and those series together: 4 bytes each. */
export const SELECTIONS_MAX = 256;
export const SELECTED_SERIES_MAX = 1_000_000;

/** Rows of a cohort kept open. More would compress a little better but cost 8 bytes a sample in memory. */
export const ROWS_MAX = 64;

/**
 * With more series than this chunks have half the rows: full ones of 100,000 series scraped at one interval would keep 25 MB open
 * on average. (Not by what is open just now: cohorts that seal while it is little would seal together ever after.)
 */
export const SERIES_MANY = 65_536;
export const ROWS_OF_MANY = 32;

/**
 * A first chunk is sealed after between this many and ROWS_MAX rows, so that cohorts born together seal apart: where none is
 * sealed for a third of the time, open rows take a third more memory at the end of it.
 */
export const FIRST_ROWS_MIN = 8;

/** Own-time and late samples of one series kept open. */
export const SIDE_SAMPLES_MAX = 64;

/** Shapes (sets of series in the order they come in) that one open chunk remembers: a page that flips between two. */
export const SHAPES_MAX = 8;

/** Cohorts of one producer that may be as small as they like. */
export const COHORTS_PER_PRODUCER_FREE = 16;

/** Beyond them a cohort must be worth its some two kilobytes; the samples of fewer series go to side buffers. */
export const COHORT_SERIES_MIN = 8;

/** Cohorts open at a time for one producer: a push connection behind which there are so many targets. */
export const COHORTS_PER_PRODUCER_MAX = 20_000;

/** Of one batch: what fits a record of the log with all its samples having times of their own. */
export const BATCH_SAMPLES_MAX = 1_000_000;

/** One write takes the batches that wait, up to this many bytes: larger ones gain nothing and delay the first. */
export const GROUP_BYTES_MAX = 4 * 1024 * 1024;

/** The log's files: large enough that creating one is rare, small enough that little is replayed that is sealed already. */
export const SEGMENT_BYTES_MAX = 8 * 1024 * 1024;

/** Open rows older than so many segments are sealed early, which bounds what has to be replayed to 128 MB. */
export const SEGMENTS_BEHIND_MAX = 16;

/** So many segments behind, rows are sealed too if the next one is later than that many times their interval so far. */
export const SEGMENTS_BEHIND_LATE = 4;
export const LATE_FACTOR = 4;
export const LATE_MS_MIN = 500;

/** So many segments behind, a few rows that keep the log are sealed as well: they may be this share of what is freed. */
export const SEGMENTS_BEHIND_FEW = 2;
export const FEW_SHARE = 1 / 32;

/** The head holds about this much: two blocks' widths, and what is on its way into the older one. */
export const HEAD_AGE_MS = 6 * 3_600_000;

/** Segments and chunk files are also closed after this share of the head's age, so that age frees the disk too. */
export const FILE_AGE_SHARE = 1 / 12;

/** Open rows are sealed after this share of the head's age, however few they are. */
export const OPEN_AGE_SHARE = 1 / 4;

export const CHUNK_FILE_BYTES_MAX = 64 * 1024 * 1024;

/** Loss of power takes at most this much under `wal.ack: os`. */
export const SYNC_EVERY_MS = 1000;

/** Things looked at before the clock is: some tens of microseconds. */
export const LOOKED_AT_ONCE = 1024;

/** Series whose places are gathered in one go: some five milliseconds. Of more it is done in turns, which costs a little more. */
export const SERIES_AT_ONCE_MAX = 2048;

/** Sealed chunks go to their file and the log is cut this often. */
export const MAINTAIN_EVERY_MS = 5000;

/** And whenever so much has been logged: what was sealed since is replayed, and sealed again, after a crash. */
export const MAINTAIN_EVERY_BYTES = 2 * SEGMENT_BYTES_MAX;

/** While writing fails, a small probe is tried this often. */
export const PROBE_EVERY_MS = 1000;

/** A series that was interned but never written is dropped after this time. */
export const UNUSED_SERIES_MS = 10 * 60_000;

/** The series file is rewritten when it holds this many records of dropped series, and more than live ones. */
export const SERIES_GARBAGE_MIN = 10_000;

/** Metric names whose type and help text are remembered. */
export const METADATA_MAX = 50_000;

/** Places of damage listed; all are counted. */
export const DAMAGE_LISTED_MAX = 100;

/** While the store is paused, what comes in is kept in memory so long: the longest usual lookback, twice. */
export const BACKLOG_MS = 10 * 60_000;
/** And at most so much of it, oldest dropped first: some 40 MB. */
export const BACKLOG_SAMPLES_MAX = 3_000_000;
