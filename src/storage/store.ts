// What the store offers to the program.

import type { DiskError, Result } from '../base/index.ts';
import type {
  AcceptedLog,
  ExemplarReader,
  Matcher,
  SeriesCounts,
  SeriesReader,
  SeriesWriter,
  TimeRange,
} from '../model/index.ts';
import type { Damage } from './damage.ts';
import type { OldPortions, OldSpan } from './old-samples.ts';

export interface StoreStats {
  readonly series: number;
  readonly producers: number;
  readonly openSamples: number;
  readonly chunks: number;
  readonly chunkFiles: number;
  readonly chunkBytes: number;
  readonly cachedBytes: number;
  /** Of columns kept decoded. */
  readonly keptBytes: number;
  readonly walSegments: number;
  readonly walBytes: number;
  /** Of what others have yet to read. */
  readonly keptLogBytes: number;
  /** Numbers of the segments that were read at the start; 0 without any. */
  readonly replayed: { readonly first: number; readonly last: number };
  /** -Infinity while the store is empty. */
  readonly newestMs: number;
  /** New samples are refused since writing fails. */
  readonly paused: boolean;
  /** Samples that are in memory only since the store is paused, and the time of the oldest; Infinity without any. */
  readonly backlogSamples: number;
  readonly backlogFromMs: number;
  readonly damageCount: number;
  readonly blocks: readonly BlockStats[];
  readonly blockBytes: number;
  /** Folders of blocks that were damaged and set aside, and of those that the disk does not let us read now. */
  readonly quarantined: readonly string[];
  readonly unreadable: readonly string[];
}

export interface BlockStats {
  readonly name: string;
  readonly minMs: number;
  readonly maxMs: number;
  readonly series: number;
  readonly samples: number;
  readonly bytes: number;
  readonly conflicts: number;
  readonly hasDeleted: boolean;
  /** Series of which some samples are deleted. */
  readonly deletedSeries: number;
  /** Names of the blocks that it was made of; none: it was cut from memory. */
  readonly parents: readonly string[];
}

export interface AdminFailure {
  readonly code: DiskError['code'] | 'storage-closed' | 'state-io' | 'bad-matcher' | 'bad-name';
  readonly message: string;
}

export interface SnapshotWanted {
  readonly name: string;
  /** Leave out what is not in a block yet: the last hours. */
  readonly skipHead: boolean;
  /** Called once what goes into it is settled and before it is copied: whatever belongs to it is not older then. */
  readonly onSettled?: () => Promise<Result<void, AdminFailure>>;
}

/** Of the block that history went into; zeros where the source had no samples, and there is no block. */
export interface OldWritten {
  readonly samples: number;
  readonly series: number;
  readonly bytes: number;
}

export type WriteOldFailure<E> =
  /** Of whoever gave the samples. */
  { readonly kind: 'portions'; readonly error: E } | { readonly kind: 'store'; readonly error: AdminFailure };

export interface Store extends SeriesWriter, SeriesReader, ExemplarReader {
  stats(): StoreStats;
  /** What the head's series are made of: of each kind the `limit` largest. */
  counts(limit: number): Promise<SeriesCounts>;
  /** What was accepted, for those who pass it on: kept for them as far as `keptLogBytesMax` goes. */
  readonly acceptedLog: AcceptedLog;
  /** The first places that could not be read, since the store was opened. */
  damage(): readonly Damage[];
  /** Seals, writes chunks, cuts the log, applies the age limit: what the timer does every few seconds. */
  maintain(): Promise<Result<void, DiskError>>;
  /** Seals everything that is open, for a snapshot of the folder or a short next start. */
  sealAll(): Promise<Result<void, DiskError>>;
  /** Puts everything into blocks and compacts these, recent samples too. */
  compactNow(): Promise<Result<void, AdminFailure>>;
  /** Cuts, compacts and drops what is due: what the timer does every minute. */
  compactDue(): Promise<Result<void, AdminFailure>>;
  /** Deletes what is stored now in the range, both ends included; says how many series of how many blocks were touched. */
  deleteSeries(matchers: readonly Matcher[], range: TimeRange): Promise<Result<number, AdminFailure>>;
  /** Frees the disk of what was deleted; says how many blocks were written anew. */
  cleanTombstones(): Promise<Result<number, AdminFailure>>;
  /** Aligned stretches for the samples of a range, both ends included, one block each: wide ones where that is long ago. */
  oldSpans(range: TimeRange): readonly OldSpan[];
  /**
   * History straight into one block: durable and visible once this resolves `ok`, and nothing of it before. No limit on age or
   * order applies, and what is older than the retention goes with the next `compactDue`; whoever has samples from the
   * future leaves them out, as they would make all others old. The same may be written twice: it counts once.
   */
  writeOld<E>(span: OldSpan, portions: OldPortions<E>): Promise<Result<OldWritten, WriteOldFailure<E>>>;
  /** Copies everything to `folder`/`name`, which opens as a store. */
  snapshot(folder: string, wanted: SnapshotWanted): Promise<Result<void, AdminFailure>>;
  /** Waits for what was appended, syncs and lets go of the folder. Open rows stay in the log. */
  close(): Promise<void>;
}

export interface StoreFailure {
  readonly code: DiskError['code'] | 'storage-newer-format';
  readonly message: string;
}
