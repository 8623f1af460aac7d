// Owns the head-chunk files and decides which sealed chunks stay in memory. A chunk that is only on disk is read back
// whole; a file is deleted once none of its chunks is wanted.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

import { type Clock, type Disk, type DiskError, type DiskFile, err, ok, type Result } from '../base/index.ts';
import { AppendFile, fileName } from './append-file.ts';
import { type ChunkView, openChunk } from './chunk.ts';
import { ChunkCache } from './chunk-cache.ts';
import type { DamageReport } from './damage.ts';
import { isValidRecord } from './frame.ts';
import type { Chunk } from './head-data.ts';
import { CHUNK_FILE_BYTES_MAX, READ_IDLE_MS } from './settings.ts';

interface StoredFile {
  readonly number: number;
  readonly path: string;
  sizeBytes: number;
  /** Chunks in it that are still wanted. */
  live: number;
  /** The least id of all chunks in it, wanted or not. */
  leastId: number;
  /** No segment of the log after this one has rows of its chunks; undefined since the last chunk was added. */
  lastSegment: number | undefined;
  /** The file being written, until it is full or old. */
  writer: AppendFile | undefined;
  reader: DiskFile | undefined;
  /** Reads under way: the file is not closed before they end. */
  reads: number;
}

export interface ChunkStoreOptions {
  readonly disk: Disk;
  readonly folder: string;
  readonly clock: Clock;
  readonly damage: DamageReport;
  /** Of chunks just written, and of those that were read. */
  readonly cacheBytesMax: number;
  readonly readBytesMax: number;
  readonly fileAgeMs: number;
}

/** Read together from a chunk that is not in memory; more would only queue behind the disk's few threads. */
const READS_AT_ONCE = 8;

export class ChunkStore {
  readonly #options: ChunkStoreOptions;
  readonly #files = new Map<number, StoredFile>();
  /** Chunks with their record in memory, since they were written last or read last. */
  readonly #written: ChunkCache;
  readonly #read: ChunkCache;
  readonly #views = new Map<Chunk, ChunkView>();
  #readMs = 0;
  #current: StoredFile | undefined;
  #currentSinceMs = 0;
  #nextNumber = 1;

  constructor(options: ChunkStoreOptions) {
    this.#options = options;
    const release = (chunk: Chunk): void => {
      chunk.record = undefined;
      this.#views.delete(chunk);
    };
    this.#written = new ChunkCache(options.cacheBytesMax, release);
    this.#read = new ChunkCache(options.readBytesMax, release);
  }

  get bytes(): number {
    let bytes = 0;
    for (const file of this.#files.values()) bytes += file.sizeBytes;
    return bytes;
  }

  get cachedBytes(): number {
    return this.#written.bytes + this.#read.bytes;
  }

  /** No chunk with a lesser id is in any file; Infinity without files. */
  get leastChunkId(): number {
    let least = Infinity;
    for (const file of this.#files.values()) least = Math.min(least, file.leastId);
    return least;
  }

  get files(): number {
    return this.#files.size;
  }

  /** A file found at start, of which so many chunks were taken up. */
  addFile(
    number: number,
    found: { readonly sizeBytes: number; readonly live: number; readonly leastId: number },
  ): void {
    const path = `${this.#options.folder}/${fileName('chunks', number)}`;
    this.#files.set(number, {
      number,
      path,
      ...found,
      lastSegment: undefined,
      writer: undefined,
      reader: undefined,
      reads: 0,
    });
    this.#nextNumber = Math.max(this.#nextNumber, number + 1);
  }

  /** Writes sealed chunks and syncs them. On failure none of those not yet placed counts as written. */
  async write(chunks: readonly Chunk[]): Promise<Result<void, DiskError>> {
    for (const chunk of chunks) {
      if (chunk.place !== undefined || chunk.record === undefined) continue;
      const file = await this.#writable();
      if (!file.ok) return file;
      const { stored, writer } = file.value;
      const offset = writer.sizeBytes;
      const written = await writer.append(chunk.record);
      if (!written.ok) return written;
      stored.sizeBytes = writer.sizeBytes;
      stored.live++;
      stored.lastSegment = undefined;
      stored.leastId = Math.min(stored.leastId, chunk.id);
      chunk.place = { file: stored.number, offset };
      if (!this.#read.has(chunk)) this.#written.keep(chunk);
    }
    return (await this.#current?.writer?.sync()) ?? ok(undefined);
  }

  /** Opens chunks, from memory or disk, by their ids. A damaged one is marked, reported and left out. */
  async load(chunks: Iterable<Chunk>): Promise<Result<Map<number, ChunkView>, DiskError>> {
    const views = new Map<number, ChunkView>();
    const missing: Chunk[] = [];
    this.#readMs = this.#options.clock.monotonicMs();
    for (const chunk of chunks) {
      if (chunk.record === undefined) missing.push(chunk);
      else this.#open(chunk, chunk.record, views);
    }
    let failure: DiskError | undefined;
    const worker = async (): Promise<void> => {
      for (let chunk = missing.pop(); chunk !== undefined && failure === undefined; chunk = missing.pop()) {
        const read = await this.#readRecord(chunk);
        if (!read.ok) failure = read.error;
        else if (read.value !== undefined) this.#open(chunk, read.value, views);
      }
    };
    await Promise.all(Array.from({ length: Math.min(READS_AT_ONCE, missing.length) }, worker));
    return failure === undefined ? ok(views) : err(failure);
  }

  #open(chunk: Chunk, record: Uint8Array, views: Map<number, ChunkView>): void {
    let view = this.#views.get(chunk);
    if (view === undefined) {
      view = openChunk(record);
      if (view === undefined) {
        this.markDamaged(chunk, 'it makes no sense');
        return;
      }
    }
    views.set(chunk.id, view);
    // One that is not in a file yet stays in memory all the same, and is counted once it was written.
    if (chunk.place === undefined || chunk.record === undefined) return;
    this.#views.set(chunk, view);
    this.#written.forget(chunk);
    this.#read.keep(chunk);
  }

  /** Gives back the memory of what was read, when that was long ago. */
  rest(): void {
    if (this.#options.clock.monotonicMs() - this.#readMs >= READ_IDLE_MS) this.#read.clear();
  }

  /** Keeps the files of chunks where they are until the returned function is called. */
  hold(chunks: Iterable<Chunk>): () => void {
    const numbers = new Set<number>();
    for (const { place } of chunks) if (place !== undefined) numbers.add(place.file);
    const files = [...numbers].flatMap(number => this.#files.get(number) ?? []);
    for (const file of files) file.reads++;
    return () => {
      for (const file of files) file.reads--;
    };
  }

  /** Undefined for one that is not written, or whose file is gone. */
  placeOf({ place }: Chunk): { readonly path: string; readonly offset: number } | undefined {
    const file = place === undefined ? undefined : this.#files.get(place.file);
    return place === undefined || file === undefined ? undefined : { path: file.path, offset: place.offset };
  }

  /** Leaves a chunk out from now on, and says so. */
  markDamaged(chunk: Chunk, cause: string): void {
    chunk.damaged = true;
    this.#options.damage.add({
      code: 'chunk-damaged',
      file: `${this.#options.folder}/${fileName('chunks', chunk.place?.file ?? 0)}`,
      offset: chunk.place?.offset ?? 0,
      bytes: chunk.recordBytes,
      message: `Cannot read a chunk of ${chunk.rows} rows: ${cause}`,
    });
  }

  /** These chunks are not wanted any more. */
  drop(chunks: readonly Chunk[]): void {
    for (const chunk of chunks) {
      this.#release(chunk);
      const file = chunk.place === undefined ? undefined : this.#files.get(chunk.place.file);
      if (file !== undefined) file.live--;
    }
  }

  /**
   * Deletes files without wanted chunks; one that cannot be deleted now is tried again next time. A file stays as long as
   * the log may have rows of its chunks: blocks remember by the files which chunks must not be taken up again.
   */
  async removeEmptyFiles(log: { readonly oldest: number; readonly current: number }): Promise<void> {
    for (const file of [...this.#files.values()]) {
      file.lastSegment ??= log.current;
      if (file.lastSegment >= log.oldest) continue;
      if (file.live > 0 || file.reads > 0 || file === this.#current) continue;
      await this.#closeFile(file);
      const removed = await this.#options.disk.remove(file.path);
      if (removed.ok || removed.error.code === 'disk-not-found') this.#files.delete(file.number);
    }
  }

  async close(): Promise<void> {
    for (const file of this.#files.values()) await this.#closeFile(file);
  }

  #release(chunk: Chunk): void {
    this.#written.drop(chunk);
    this.#read.drop(chunk);
  }

  async #writable(): Promise<Result<{ stored: StoredFile; writer: AppendFile }, DiskError>> {
    const { clock, disk, folder, fileAgeMs } = this.#options;
    const current = this.#current;
    if (current?.writer !== undefined) {
      const old = clock.monotonicMs() - this.#currentSinceMs > fileAgeMs;
      if (current.sizeBytes < CHUNK_FILE_BYTES_MAX && !old)
        return ok({ stored: current, writer: current.writer });
      // Its chunks were counted as written: they must be on disk before the file is let go.
      const synced = await current.writer.sync();
      if (!synced.ok) return synced;
      await current.writer.close();
      current.writer = undefined;
      this.#current = undefined;
    }
    const created = await AppendFile.create(disk, folder, { kind: 'chunks', number: this.#nextNumber });
    this.#nextNumber++;
    if (!created.ok) return created;
    const writer = created.value;
    this.addFile(writer.number, { sizeBytes: writer.sizeBytes, live: 0, leastId: Infinity });
    const stored = this.#files.get(writer.number)!;
    stored.writer = writer;
    this.#current = stored;
    this.#currentSinceMs = clock.monotonicMs();
    return ok({ stored, writer });
  }

  async #readRecord(chunk: Chunk): Promise<Result<Uint8Array | undefined, DiskError>> {
    const { place } = chunk;
    const file = place === undefined ? undefined : this.#files.get(place.file);
    if (place === undefined || file === undefined) {
      // Dropped for its age between the snapshot and now: nothing is missing, and nobody looks for it again.
      chunk.damaged = true;
      return ok(undefined);
    }
    const record = new Uint8Array(chunk.recordBytes);
    file.reads++;
    const read = await this.#readAt(file, record, place.offset);
    file.reads--;
    if (!read.ok) return read;
    if (read.value === record.length && isValidRecord(record)) {
      chunk.record ??= record;
      return ok(chunk.record);
    }
    this.markDamaged(chunk, 'its checksum is wrong');
    return ok(undefined);
  }

  async #readAt(file: StoredFile, into: Uint8Array, offset: number): Promise<Result<number, DiskError>> {
    if (file.writer !== undefined) return file.writer.read(into, offset);
    if (file.reader === undefined) {
      const opened = await this.#options.disk.open(file.path, 'read');
      if (!opened.ok) return opened;
      if (file.reader === undefined) file.reader = opened.value;
      else await opened.value.close();
    }
    return file.reader.read(into, offset);
  }

  async #closeFile(file: StoredFile): Promise<void> {
    await file.writer?.close();
    await file.reader?.close();
    file.writer = undefined;
    file.reader = undefined;
  }
}
