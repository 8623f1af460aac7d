// What the store offers to the program.

import type { DiskError, Result } from '../base/index.ts';
import type { SeriesReader, SeriesWriter } from '../model/index.ts';
import type { Damage } from './damage.ts';

export interface StoreStats {
  readonly series: number;
  readonly producers: number;
  readonly openSamples: number;
  readonly chunks: number;
  readonly chunkFiles: number;
  readonly chunkBytes: number;
  readonly cachedBytes: number;
  readonly walSegments: number;
  readonly walBytes: number;
  /** -Infinity while the store is empty. */
  readonly newestMs: number;
  /** New samples are refused since writing fails. */
  readonly paused: boolean;
  /** Samples that are in memory only since the store is paused, and the time of the oldest; Infinity without any. */
  readonly backlogSamples: number;
  readonly backlogFromMs: number;
  readonly damageCount: number;
}

export interface Store extends SeriesWriter, SeriesReader {
  stats(): StoreStats;
  /** The first places that could not be read, since the store was opened. */
  damage(): readonly Damage[];
  /** Seals, writes chunks, cuts the log, applies the age limit: what the timer does every few seconds. */
  maintain(): Promise<Result<void, DiskError>>;
  /** Seals everything that is open, for a snapshot of the folder or a short next start. */
  sealAll(): Promise<Result<void, DiskError>>;
  /** Waits for what was appended, syncs and lets go of the folder. Open rows stay in the log. */
  close(): Promise<void>;
}

export interface StoreFailure {
  readonly code: DiskError['code'] | 'storage-newer-format';
  readonly message: string;
}
