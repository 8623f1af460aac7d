// Reads chunks of the head from their files, for the block that they go into.

import type { Disk, DiskError, DiskFile } from '../../base/index.ts';
import type { DamagedChunk, Views } from '../assemble.ts';
import { type ChunkView, openChunk } from '../chunk.ts';
import { isValidRecord } from '../frame.ts';
import type { StoredChunk } from './maker.ts';

export interface LoadedChunks {
  readonly views: Views;
  readonly damaged: readonly DamagedChunk[];
  readonly failure: DiskError | undefined;
}

export class SealedReader {
  readonly #disk: Disk;
  readonly #files = new Map<string, DiskFile>();
  /** Of the last batch: the next one often has the same chunks, being other series of the same producer. */
  #views = new Map<number, ChunkView>();

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  async load(chunks: readonly StoredChunk[]): Promise<LoadedChunks> {
    const views = new Map<number, ChunkView>();
    const damaged: DamagedChunk[] = [];
    for (const chunk of chunks) {
      const known = this.#views.get(chunk.id);
      if (known !== undefined) {
        views.set(chunk.id, known);
        continue;
      }
      const record = new Uint8Array(chunk.bytes);
      const file = await this.#fileOf(chunk.path);
      if ('failure' in file) return { views, damaged, failure: file.failure };
      const read = await file.read(record, chunk.offset);
      if (!read.ok) return { views, damaged, failure: read.error };
      const isSound = read.value === record.length && isValidRecord(record);
      const view = isSound ? openChunk(record) : undefined;
      if (view !== undefined) views.set(chunk.id, view);
      else
        damaged.push({
          chunkId: chunk.id,
          cause: isSound ? 'it makes no sense' : 'its checksum is wrong',
        });
    }
    this.#views = views;
    return { views, damaged, failure: undefined };
  }

  async close(): Promise<void> {
    this.#views = new Map();
    for (const file of this.#files.values()) await file.close();
    this.#files.clear();
  }

  async #fileOf(path: string): Promise<DiskFile | { readonly failure: DiskError }> {
    const known = this.#files.get(path);
    if (known !== undefined) return known;
    const opened = await this.#disk.open(path, 'read');
    if (!opened.ok) return { failure: opened.error };
    this.#files.set(path, opened.value);
    return opened.value;
  }
}
