// The head: everything the store knows in memory. All changes here are synchronous, so a reader that takes its
// snapshot in one go never sees half of one. What is written to disk, and when, is runner.ts's business.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

import { type TargetId, targetId } from '../model/index.ts';
import type { Slices } from './block/slices.ts';
import { ByteWriter } from './bytes.ts';
import { type SealedChunk, sealCohort, sealSide } from './chunk.ts';
import { ColumnScratch } from './codec/column.ts';
import { giveBackSlabs, leaveSeries, newCohort, restartCohort } from './cohort.ts';
import { ExemplarRing } from './exemplars.ts';
import type { Chunk, Cohort, Hold, Membership, Series, SideBuffer } from './head-data.ts';
import { dropMembership, newMembership, sameMembers } from './membership.ts';
import { MetadataTable } from './metadata-table.ts';
import { SeriesTable } from './series-table.ts';
import {
  FIRST_ROWS_MIN,
  LOOKED_AT_ONCE,
  ROWS_MAX,
  ROWS_OF_MANY,
  SERIES_MANY,
  UNUSED_SERIES_MS,
} from './settings.ts';
import { SingleLists } from './single-lists.ts';
import { SlabPool } from './slab-pool.ts';

export class Head {
  readonly table = new SeriesTable();
  readonly cohorts = new Map<TargetId, Cohort[]>();
  readonly sides = new Set<SideBuffer>();
  readonly memberships = new Set<Membership>();
  readonly metadata = new MetadataTable();
  readonly exemplars: ExemplarRing;
  readonly pool = new SlabPool();
  /** Of chunks that begin now. */
  #rowsOfNext = ROWS_MAX;
  readonly singles = new SingleLists();
  readonly scratch = new ColumnScratch();
  /** Interned, but not yet in the series file. */
  newSeries: Series[] = [];
  /** Sealed, but not yet in a chunk file. */
  pending: Chunk[] = [];
  /** Time of the newest sample of all; age counts from here. */
  newestMs = -Infinity;
  /** How often sealed chunks have gone: what was read before may have had samples of them. */
  drops = 0;
  /** Of readers that go through what was there at one moment, in turns. */
  readonly holds = new Set<Hold>();
  /** Number of the current write group, and of the one being written (or -2). */
  group = 0;
  inFlight = -2;
  #nextChunkId = 1;
  #nextLayoutId = 1;
  readonly #writer = new ByteWriter(64 * 1024);

  constructor(exemplarsMax: number) {
    this.exemplars = new ExemplarRing(exemplarsMax);
  }

  takeChunkId(): number {
    return this.#nextChunkId++;
  }

  reserveChunkId(id: number): void {
    if (id >= this.#nextChunkId) this.#nextChunkId = id + 1;
  }

  takeLayoutId(): number {
    return this.#nextLayoutId++;
  }

  reserveLayoutId(id: number): void {
    if (id >= this.#nextLayoutId) this.#nextLayoutId = id + 1;
  }

  *allCohorts(): Generator<Cohort> {
    for (const list of this.cohorts.values()) yield* list;
  }

  openCohort(producer: TargetId, nowMs: number, chunkId = this.takeChunkId()): Cohort {
    const rowsMax = firstRows(chunkId, this.#rowsOfNext);
    const cohort = newCohort(producer, { chunkId, rowsMax, nowMs, singles: this.singles });
    const list = this.cohorts.get(producer);
    if (list === undefined) this.cohorts.set(producer, [cohort]);
    else list.push(cohort);
    this.#noteMany();
    return cohort;
  }

  /** At a start very many series come at once: what they have open would be largest before the first chunks are sealed. */
  #noteMany(): void {
    if (this.#rowsOfNext === ROWS_OF_MANY || this.table.size <= SERIES_MANY) return;
    this.#rowsOfNext = ROWS_OF_MANY;
    for (const cohort of this.allCohorts()) {
      const rowsMax = firstRows(cohort.chunkId, ROWS_OF_MANY);
      // A row may be under way.
      cohort.rowsMax = Math.min(ROWS_MAX, Math.max(cohort.rows + 1, rowsMax));
    }
  }

  /** Makes one chunk of the cohort's open rows and begins the next. */
  seal(cohort: Cohort, nowMs: number): Chunk {
    const sealed = sealCohort(cohort, this.scratch, this.#writer);
    if (!sameMembers(cohort.membership, sealed.series)) {
      cohort.membership = newMembership(sealed.series, this.singles);
    }
    this.#adopt(sealed, cohort.membership!);
    this.#rowsOfNext = this.table.size > SERIES_MANY ? ROWS_OF_MANY : ROWS_MAX;
    const next = {
      chunkId: this.takeChunkId(),
      layoutId: this.takeLayoutId(),
      rowsMax: this.#rowsOfNext,
      nowMs,
    };
    restartCohort(cohort, next, this.pool);
    return sealed.chunk;
  }

  sealSide(side: SideBuffer): Chunk {
    const { series } = side;
    const producer = this.table.producer[series.slot] ?? targetId('');
    const sealed = sealSide(side, producer, { scratch: this.scratch, writer: this.#writer });
    series.side = undefined;
    this.sides.delete(side);
    const known = series.members.find(membership => sameMembers(membership, sealed.series));
    this.#adopt(sealed, known ?? newMembership(sealed.series, this.singles));
    return sealed.chunk;
  }

  dropCohort(cohort: Cohort): void {
    leaveSeries(cohort);
    giveBackSlabs(cohort, this.pool);
    const list = this.cohorts.get(cohort.producer);
    if (list === undefined) return;
    list.splice(list.indexOf(cohort), 1);
    if (list.length === 0) this.cohorts.delete(cohort.producer);
  }

  /** Removes and returns chunks that lie wholly before a time. */
  dropChunksBefore(timeMs: number, slices: Slices): Promise<Chunk[]> {
    return this.dropChunks(chunk => chunk.maxMs < timeMs || chunk.damaged, slices);
  }

  async dropChunks(isUnwanted: (chunk: Chunk) => boolean, slices: Slices): Promise<Chunk[]> {
    const dropped: Chunk[] = [];
    let looked = 0;
    for (const membership of this.memberships) {
      if (++looked % LOOKED_AT_ONCE === 0) await slices.breathe();
      if (!membership.chunks.some(isUnwanted)) continue;
      await slices.breathe();
      const kept: Chunk[] = [];
      for (const chunk of membership.chunks) {
        (isUnwanted(chunk) ? dropped : kept).push(chunk);
      }
      membership.chunks = kept;
      for (const hold of this.holds) hold.isStale = true;
      if (kept.length === 0) this.#forget(membership);
    }
    if (dropped.length > 0) {
      this.drops++;
      const gone = new Set(dropped);
      this.pending = this.pending.filter(chunk => !gone.has(chunk));
    }
    return dropped;
  }

  /** Removes series without samples; those interned lately, or among the refs that are `wanted` at that moment, stay. */
  async dropEmptySeries(
    nowMs: number,
    by: { readonly wanted: () => ReadonlySet<number>; readonly slices: Slices },
  ): Promise<void> {
    const isDead = (series: Series | undefined): series is Series =>
      series !== undefined &&
      series.members.length === 0 &&
      series.cohorts.length === 0 &&
      series.side === undefined &&
      nowMs - series.bornSeconds * 1000 >= UNUSED_SERIES_MS &&
      this.table.stamp[series.slot] !== this.inFlight;
    for (const page of this.table.pages()) {
      await by.slices.breathe();
      // From here on synchronous: no batch can come in between.
      if (!page.some(isDead)) continue;
      const wanted = by.wanted();
      const dead = page.filter(isDead).filter(({ ref }) => !wanted.has(ref));
      if (dead.length === 0) continue;
      const gone = new Set(dead);
      this.newSeries = this.newSeries.filter(series => !gone.has(series));
      this.table.remove(dead);
    }
  }

  /** Puts a chunk under a membership, of this process or found on disk. */
  adopt(chunk: Chunk, membership: Membership): void {
    membership.chunks.push(chunk);
    for (const hold of this.holds) hold.later.add(chunk);
    this.memberships.add(membership);
  }

  #adopt(sealed: SealedChunk, membership: Membership): void {
    this.adopt(sealed.chunk, membership);
    this.pending.push(sealed.chunk);
  }

  #forget(membership: Membership): void {
    this.memberships.delete(membership);
    dropMembership(membership);
    // A cohort may still offer it to its next chunk: that one then makes a new membership.
    for (const cohort of membership.series[0]?.cohorts ?? []) {
      if (cohort.membership === membership) cohort.membership = undefined;
    }
  }
}

/** Spread by a multiplier without common factor, so that neighbours seal in different rounds. */
function firstRows(chunkId: number, rowsMax: number): number {
  return FIRST_ROWS_MIN + ((chunkId * 13) % (rowsMax - FIRST_ROWS_MIN + 1));
}
