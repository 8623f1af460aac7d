// The blocks of a store's folder: finds them at start, publishes new ones by a rename, removes those that are replaced or
// too old, and sets aside what cannot be read. A block's folder is "block-00000012"; ".new" is being written, ".gone" is
// being removed, ".bad" was damaged and is kept for whoever wants to look.

import { type Disk, type DiskError, err, type Log, ok, type Result } from '../../base/index.ts';
import { Block, type Window } from './block.ts';
import type { BlockFailure } from './failure.ts';
import { PAGE_CACHE_BYTES, RECORDS_MAX } from './limits.ts';
import { PageCache } from './paged.ts';
import { RecordCache } from './record-cache.ts';

export interface BlockSetOptions {
  readonly disk: Disk;
  readonly folder: string;
  readonly log: Log;
  /** A damaged block was found, at the place named. */
  readonly onDamaged: (found: {
    readonly file: string;
    readonly offset: number;
    readonly message: string;
  }) => void;
}

/** Blocks held for a reader; they stay readable until it lets go. */
export interface Lease {
  readonly blocks: readonly Block[];
  release(): void;
}

const NAME = /^block-(\d{8,15})(\.new|\.gone|\.bad)?$/;

export function blockName(number: number): string {
  return `block-${String(number).padStart(8, '0')}`;
}

export class BlockSet {
  readonly #options: BlockSetOptions;
  readonly #cache = new PageCache(PAGE_CACHE_BYTES);
  readonly #records = new RecordCache(RECORDS_MAX);
  #blocks: readonly Block[] = [];
  /** Names of folders that must go, until their going is durable. */
  readonly #doomed = new Set<string>();
  /** Folders that the disk did not let us read, tried again now and then. */
  readonly #unreadable = new Map<string, DiskError>();
  readonly #quarantined = new Set<string>();
  /** Blocks being closed and moved aside. */
  readonly #tasks = new Set<Promise<void>>();
  #nextNumber = 1;

  constructor(options: BlockSetOptions) {
    this.#options = options;
  }

  /** By age of their content: of two samples at one time the earlier block's counts. */
  get blocks(): readonly Block[] {
    return this.#blocks;
  }

  get cachedBytes(): number {
    return this.#cache.bytes;
  }

  get bytes(): number {
    return this.#blocks.reduce((sum, block) => sum + block.bytes, 0);
  }

  get quarantined(): readonly string[] {
    return [...this.#quarantined].sort();
  }

  get unreadable(): readonly string[] {
    return [...this.#unreadable.keys()].sort();
  }

  /** Numbers of blocks that may come back after a crash: whatever is published next must say that it replaces them. */
  get doomedNumbers(): readonly number[] {
    return [...this.#doomed].flatMap(name => {
      const match = NAME.exec(name);
      return match === null || match[2] !== undefined ? [] : [Number(match[1])];
    });
  }

  takeNumber(): number {
    return this.#nextNumber++;
  }

  /** Opens what is there. Only a block of a newer version, or a folder that cannot be listed, refuses. */
  async open(): Promise<Result<void, BlockFailure>> {
    const { disk, folder } = this.#options;
    const names = await disk.list(folder);
    if (!names.ok) return err({ kind: 'disk', error: names.error });
    for (const name of names.value) {
      const match = NAME.exec(name);
      if (match === null) continue;
      this.#nextNumber = Math.max(this.#nextNumber, Number(match[1]) + 1);
      if (match[2] === '.bad') this.#quarantined.add(name);
      else if (match[2] !== undefined) this.#doomed.add(name);
      else {
        const opened = await this.#openOne(name);
        if (!opened.ok) return opened;
      }
    }
    const replaced = new Set(this.#blocks.flatMap(block => block.meta.replaces));
    for (const block of this.#blocks) {
      for (const name of this.#unreadable.keys())
        if (block.meta.replaces.some(number => blockName(number) === name)) this.#doom(name);
    }
    await this.#drop(this.#blocks.filter(block => replaced.has(block.meta.number)));
    return ok(undefined);
  }

  acquire(window: Window): Lease {
    const blocks = this.#blocks.filter(({ meta }) => meta.maxMs > window.fromMs && meta.minMs <= window.toMs);
    for (const block of blocks) block.hold();
    let held = true;
    const release = (): void => {
      if (!held) return;
      held = false;
      for (const block of blocks) block.release();
    };
    return { blocks, release };
  }

  /** The folder in which the block of this number is to be written. */
  passingFolder(number: number): string {
    return `${this.#options.folder}/${blockName(number)}.new`;
  }

  /** Gives up a half-written block. */
  async abandon(number: number): Promise<void> {
    this.#doomed.add(`${blockName(number)}.new`);
    await this.sweep();
  }

  /**
   * Makes a finished block part of the store, in place of others. From when it resolves `ok` it survives a crash, and
   * readers that begin later see it and not those.
   */
  async publish(number: number, replaced: readonly Block[]): Promise<Result<Block, BlockFailure>> {
    const { disk, folder } = this.#options;
    const name = blockName(number);
    const renamed = await disk.rename(`${folder}/${name}.new`, `${folder}/${name}`);
    if (!renamed.ok) {
      await this.abandon(number);
      return err({ kind: 'disk', error: renamed.error });
    }
    const named = await disk.syncFolder(folder);
    const opened: Result<Block, BlockFailure> = named.ok
      ? await Block.open(disk, `${folder}/${name}`, { cache: this.#cache, records: this.#records })
      : err({ kind: 'disk', error: named.error });
    if (!opened.ok) {
      // Whether it is there after a crash is not known: it must go before anything can be deleted from the store.
      this.#doomed.add(name);
      await this.sweep();
      return opened;
    }
    this.#add(opened.value);
    await this.#drop(replaced);
    return opened;
  }

  /** Takes blocks out of the store and removes their files. */
  async remove(blocks: readonly Block[]): Promise<void> {
    await this.#drop(blocks);
  }

  /** A reader found the block wanting: damaged ones are set aside for good, the others until the disk reads again. */
  setAside(block: Block, failure: BlockFailure): void {
    if (!this.#blocks.includes(block)) return;
    this.#blocks = this.#blocks.filter(one => one !== block);
    const name = blockName(block.meta.number);
    if (failure.kind === 'disk') this.#noteUnreadable(name, failure.error);
    this.#task(async () => {
      await block.close();
      if (failure.kind !== 'disk') await this.#quarantine(name, failure);
    });
  }

  /** Opens again what could not be read before, and removes what could not be removed. */
  async retry(): Promise<void> {
    await this.settled();
    for (const name of [...this.#unreadable.keys()]) {
      this.#unreadable.delete(name);
      await this.#openOne(name);
    }
    await this.sweep();
  }

  /** Removes what must go; false while some of it may come back after a crash. */
  async sweep(): Promise<boolean> {
    const { disk, folder } = this.#options;
    if (this.#doomed.size === 0) return true;
    const gone: string[] = [];
    for (const name of this.#doomed) {
      if (name.endsWith('.gone')) gone.push(name);
      else {
        const bare = name.replace(/\.new$/, '');
        const moved = await disk.rename(`${folder}/${name}`, `${folder}/${bare}.gone`);
        if (moved.ok || moved.error.code === 'disk-not-found') gone.push(`${bare}.gone`);
        // Likely an earlier removal stopped half way and is in the way.
        else await this.#clear(`${bare}.gone`);
      }
    }
    const named = await disk.syncFolder(folder);
    if (!named.ok) return false;
    for (const name of gone) {
      if (!(await this.#clear(name))) continue;
      const bare = name.replace(/\.gone$/, '');
      for (const one of [name, bare, `${bare}.new`]) this.#doomed.delete(one);
    }
    return this.doomedNumbers.length === 0;
  }

  /** To be called now and then: forgets what is remembered for queries once nobody has asked for long. */
  rest(): void {
    this.#records.rest();
  }

  /** Resolves when nothing is being moved aside any more. */
  async settled(): Promise<void> {
    while (this.#tasks.size > 0) await Promise.all(this.#tasks);
  }

  async close(): Promise<void> {
    await this.settled();
    await Promise.all(this.#blocks.map(block => block.close()));
    this.#blocks = [];
  }

  async #openOne(name: string): Promise<Result<void, BlockFailure>> {
    const { disk, folder } = this.#options;
    const opened = await Block.open(disk, `${folder}/${name}`, {
      cache: this.#cache,
      records: this.#records,
    });
    if (opened.ok) this.#add(opened.value);
    else if (opened.error.kind === 'newer') return opened;
    else if (opened.error.kind === 'disk') this.#noteUnreadable(name, opened.error.error);
    else await this.#quarantine(name, opened.error);
    return ok(undefined);
  }

  #add(block: Block): void {
    this.#blocks = [...this.#blocks, block].sort(
      (a, b) => a.meta.firstNumber - b.meta.firstNumber || a.meta.number - b.meta.number,
    );
  }

  async #drop(blocks: readonly Block[]): Promise<void> {
    if (blocks.length === 0) return;
    this.#blocks = this.#blocks.filter(block => !blocks.includes(block));
    for (const block of blocks) {
      this.#doomed.add(blockName(block.meta.number));
      await block.close();
    }
    await this.sweep();
  }

  #doom(name: string): void {
    this.#unreadable.delete(name);
    this.#doomed.add(name);
  }

  #noteUnreadable(name: string, error: DiskError): void {
    this.#unreadable.set(name, error);
    this.#options.log.log('warn', 'a block cannot be read now and is left out; trying again', {
      block: name,
      path: error.path,
      cause: error.message,
    });
  }

  async #quarantine(name: string, failure: BlockFailure): Promise<void> {
    const { disk, folder, onDamaged } = this.#options;
    const aside = `${name}.bad`;
    const moved = await disk.rename(`${folder}/${name}`, `${folder}/${aside}`);
    if (moved.ok) await disk.syncFolder(folder);
    this.#quarantined.add(moved.ok ? aside : name);
    const [file, offset, cause] =
      failure.kind === 'damaged'
        ? [failure.path, failure.offset, failure.cause]
        : [`${folder}/${name}`, 0, failure.kind];
    const place = moved.ok ? `; it is set aside as "${aside}"` : '';
    onDamaged({ file, offset, message: `Cannot read block "${name}": ${cause}${place}` });
  }

  /** Removes a folder that bears a name of no meaning any more; true when it is not there. */
  async #clear(name: string): Promise<boolean> {
    const { disk, folder } = this.#options;
    const path = `${folder}/${name}`;
    const names = await disk.list(path);
    if (!names.ok) return names.error.code === 'disk-not-found';
    for (const file of names.value) await disk.remove(`${path}/${file}`);
    const removed = await disk.remove(path);
    return removed.ok || removed.error.code === 'disk-not-found';
  }

  #task(work: () => Promise<void>): void {
    const task = work().finally(() => this.#tasks.delete(task));
    this.#tasks.add(task);
  }
}
