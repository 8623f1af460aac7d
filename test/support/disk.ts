// A disk in memory that knows what a loss of power would leave: it keeps for every file which pages are synced and for
// every folder which entries are. `crash` loses what is unsynced, `killProcess` only closes what the process had open.

import {
  type Disk,
  type DiskError,
  type DiskErrorCode,
  type DiskFile,
  type DiskLock,
  type DiskSpace,
  type DiskStat,
  err,
  type OpenMode,
  ok,
  type Result,
} from '../../src/base/index.ts';
import { type FileNode, type FolderNode, type Node, newFile, newFolder } from './disk-nodes.ts';
import { seededRandom } from './random.ts';

/** Links followed before a path counts as a loop, as Linux does. */
const LINKS_MAX = 40;

/** One atomic change of folder entries (a rename is two of them). */
interface EntryChange {
  readonly folder: FolderNode;
  readonly name: string;
  readonly node: Node | undefined;
}

/** The one process that uses the disk at a time; when it dies, its files and mounts never answer again. */
interface Process {
  alive: boolean;
}

export interface FakeDiskOptions {
  /** For modification times. */
  readonly nowMs?: () => number;
  readonly totalBytes?: number;
}

export class FakeDisk implements Disk {
  readonly #root = newFolder(0);
  readonly #nowMs: () => number;
  readonly #totalBytes: number;
  #process: Process = { alive: true };
  /** Entry changes that are not synced, oldest first. */
  #pending: (readonly EntryChange[])[] = [];
  #locks = new Map<string, object>();
  #failures: { at: number; readonly error: DiskErrorCode }[] = [];
  #pathErrors = new Map<string, DiskErrorCode>();
  #full = false;
  #calls = 0;
  readonly #callsByOp = new Map<string, number>();

  constructor(options: FakeDiskOptions = {}) {
    this.#nowMs = options.nowMs ?? (() => 0);
    this.#totalBytes = options.totalBytes ?? 1 << 30;
  }

  // --- control ------------------------------------------------------------------------------------

  /** Calls of the port so far, those on files included. */
  get calls(): number {
    return this.#calls;
  }

  callsOf(op: string): number {
    return this.#callsByOp.get(op) ?? 0;
  }

  /** Makes the n-th call from now (1 is the next) fail; a failing write leaves half of its bytes behind. */
  failAt(n: number, error: DiskErrorCode = 'disk-io'): void {
    this.#failures.push({ at: this.#calls + n, error });
  }

  /** Makes each call on a path fail until cleared with `undefined`. */
  failPath(path: string, error: DiskErrorCode | undefined): void {
    if (error === undefined) this.#pathErrors.delete(normal(path));
    else this.#pathErrors.set(normal(path), error);
  }

  clearFailures(): void {
    this.#failures = [];
    this.#pathErrors.clear();
    this.#full = false;
  }

  /** While full, nothing can grow: writes beyond a file's end keep what fits in its last page and fail. */
  setFull(full: boolean): void {
    this.#full = full;
  }

  /** A view for one process: after `crash` or `killProcess` it never answers again, while the FakeDisk itself does. */
  mount(): Disk {
    const process = this.#process;
    const view =
      <A extends unknown[], T>(method: (...args: A) => Promise<T>) =>
      (...args: A): Promise<T> =>
        process.alive ? method.apply(this, args) : new Promise<T>(() => {});
    return {
      open: view(this.open),
      readFile: view(this.readFile),
      list: view(this.list),
      stat: view(this.stat),
      readLink: view(this.readLink),
      space: view(this.space),
      makeFolder: view(this.makeFolder),
      rename: view(this.rename),
      remove: view(this.remove),
      syncFolder: view(this.syncFolder),
      lock: view(this.lock),
    };
  }

  /** kill -9: everything written stays, open files and locks are gone. */
  killProcess(): void {
    this.#process.alive = false;
    this.#process = { alive: true };
    this.#locks.clear();
  }

  /**
   * Loss of power. Of each file's unsynced pages any prefix or subset survives, the last written one perhaps torn; of the
   * unsynced entry changes any that do not depend on a lost one. The seed decides, so a failing case can be repeated.
   */
  crash(options: { readonly seed: number }): void {
    this.killProcess();
    const random = seededRandom(options.seed);
    const blocked = new Set<FolderNode>();
    const keepShare = [0, 0.5, 1][random.uint32() % 3] as number;
    for (const changes of this.#pending) {
      const kept = random.float() < keepShare && changes.every(({ folder }) => !blocked.has(folder));
      for (const { folder } of kept ? [] : changes) blocked.add(folder);
      if (kept) makeDurable(changes);
    }
    this.#pending = [];
    const seen = new Set<Node>();
    const settle = (folder: FolderNode): void => {
      folder.entries = new Map(folder.durable);
      for (const node of folder.entries.values()) {
        if (seen.has(node)) continue;
        seen.add(node);
        if (node.kind === 'folder') settle(node);
        else if (node.kind === 'file') node.content.losePower(random);
      }
    };
    settle(this.#root);
  }

  // --- set-up and inspection: synced at once, neither counted nor failed -----------------------------

  putFile(path: string, content: string | Uint8Array): void {
    const file = newFile(this.#nowMs());
    file.content.write(typeof content === 'string' ? new TextEncoder().encode(content) : content, 0);
    file.content.sync();
    this.#put(path, file);
  }

  putFolder(path: string): void {
    if (this.#find(path).node === undefined) this.#put(path, newFolder(this.#nowMs()));
  }

  putLink(path: string, target: string): void {
    this.#put(path, { kind: 'link', target, modifiedMs: this.#nowMs() });
  }

  /** The bytes of a file as a reader would see them now, or undefined. */
  bytesOf(path: string): Uint8Array | undefined {
    const { node } = this.#find(path, true);
    return node?.kind === 'file' ? node.content.bytes() : undefined;
  }

  textOf(path: string): string | undefined {
    const bytes = this.bytesOf(path);
    return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
  }

  /** Paths of all files and links below a folder, sorted. */
  paths(below = '/'): readonly string[] {
    const found: string[] = [];
    const walk = (folder: FolderNode, prefix: string): void => {
      for (const [name, node] of folder.entries) {
        if (node.kind === 'folder') walk(node, `${prefix}/${name}`);
        else found.push(`${prefix}/${name}`);
      }
    };
    const { node } = this.#find(below);
    if (node?.kind === 'folder') walk(node, normal(below) === '/' ? '' : normal(below));
    return found.sort();
  }

  // --- the port -------------------------------------------------------------------------------------

  async open(path: string, mode: OpenMode): Promise<Result<DiskFile, DiskError>> {
    const failed = this.#enter('open', path);
    if (failed !== undefined) return err(failed);
    const found = this.#find(path, true);
    if (found.error !== undefined) return fail(found.error, 'open', path);
    if (found.node?.kind === 'folder') return fail('disk-io', 'open', path, 'it is a folder');
    if (found.node !== undefined) {
      if (mode === 'create') return fail('disk-exists', 'open', path);
      return ok(this.#handle(found.node, path, mode));
    }
    if (mode === 'read' || mode === 'update') return fail('disk-not-found', 'open', path);
    const file = newFile(this.#nowMs());
    this.#change([{ folder: found.folder, name: found.name, node: file }]);
    return ok(this.#handle(file, path, mode));
  }

  async readFile(path: string): Promise<Result<Uint8Array, DiskError>> {
    const failed = this.#enter('readFile', path);
    if (failed !== undefined) return err(failed);
    const { node, error } = this.#find(path, true);
    if (node === undefined) return fail(error ?? 'disk-not-found', 'readFile', path);
    if (node.kind === 'folder') return fail('disk-io', 'readFile', path, 'it is a folder');
    return ok(node.content.bytes());
  }

  async list(path: string): Promise<Result<readonly string[], DiskError>> {
    const failed = this.#enter('list', path);
    if (failed !== undefined) return err(failed);
    const { node, error } = this.#find(path, true);
    if (node === undefined) return fail(error ?? 'disk-not-found', 'list', path);
    return node.kind === 'folder'
      ? ok([...node.entries.keys()].sort())
      : fail('disk-not-a-folder', 'list', path);
  }

  async stat(path: string): Promise<Result<DiskStat, DiskError>> {
    const failed = this.#enter('stat', path);
    if (failed !== undefined) return err(failed);
    const { node, error } = this.#find(path);
    if (node === undefined) return fail(error ?? 'disk-not-found', 'stat', path);
    const sizeBytes = node.kind === 'file' ? node.content.sizeBytes : 0;
    return ok({ kind: node.kind, sizeBytes, modifiedMs: node.modifiedMs });
  }

  async readLink(path: string): Promise<Result<string, DiskError>> {
    const failed = this.#enter('readLink', path);
    if (failed !== undefined) return err(failed);
    const { node, error } = this.#find(path);
    if (node === undefined) return fail(error ?? 'disk-not-found', 'readLink', path);
    return node.kind === 'link' ? ok(node.target) : fail('disk-io', 'readLink', path, 'it is no link');
  }

  async space(path: string): Promise<Result<DiskSpace, DiskError>> {
    const failed = this.#enter('space', path);
    if (failed !== undefined) return err(failed);
    const { node, error } = this.#find(path, true);
    if (node === undefined) return fail(error ?? 'disk-not-found', 'space', path);
    let usedBytes = 0;
    let files = 0;
    for (const file of this.paths()) {
      files += 1;
      usedBytes += this.bytesOf(file)?.length ?? 0;
    }
    const freeBytes = this.#full ? 0 : Math.max(0, this.#totalBytes - usedBytes);
    return ok({ totalBytes: this.#totalBytes, freeBytes, availableBytes: freeBytes, files, filesFree: 1e6 });
  }

  async makeFolder(path: string): Promise<Result<void, DiskError>> {
    const failed = this.#enter('makeFolder', path);
    if (failed !== undefined) return err(failed);
    const parts = partsOf(path);
    for (let n = 1; n <= parts.length; n++) {
      const found = this.#find(`/${parts.slice(0, n).join('/')}`, true);
      if (found.error !== undefined) return fail(found.error, 'makeFolder', path);
      if (found.node?.kind === 'folder') continue;
      if (found.node !== undefined) {
        return fail(n === parts.length ? 'disk-exists' : 'disk-not-a-folder', 'makeFolder', path);
      }
      if (this.#full) return fail('disk-full', 'makeFolder', path);
      this.#change([{ folder: found.folder, name: found.name, node: newFolder(this.#nowMs()) }]);
    }
    return ok(undefined);
  }

  async rename(from: string, to: string): Promise<Result<void, DiskError>> {
    const failed = this.#enter('rename', from);
    if (failed !== undefined) return err(failed);
    const source = this.#find(from);
    if (source.node === undefined) return fail(source.error ?? 'disk-not-found', 'rename', from);
    const target = this.#find(to);
    if (target.error !== undefined) return fail(target.error, 'rename', to);
    if (target.node === source.node) return ok(undefined);
    if (target.node?.kind === 'folder') {
      if (source.node.kind !== 'folder') return fail('disk-io', 'rename', to, 'a folder is in the way');
      if (target.node.entries.size > 0) return fail('disk-io', 'rename', to, 'the folder is not empty');
    } else if (target.node !== undefined && source.node.kind === 'folder') {
      return fail('disk-not-a-folder', 'rename', to);
    }
    this.#change([
      { folder: source.folder, name: source.name, node: undefined },
      { folder: target.folder, name: target.name, node: source.node },
    ]);
    return ok(undefined);
  }

  async remove(path: string): Promise<Result<void, DiskError>> {
    const failed = this.#enter('remove', path);
    if (failed !== undefined) return err(failed);
    const { node, folder, name, error } = this.#find(path);
    if (node === undefined) return fail(error ?? 'disk-not-found', 'remove', path);
    if (node.kind === 'folder' && node.entries.size > 0)
      return fail('disk-io', 'remove', path, 'it is not empty');
    this.#change([{ folder, name, node: undefined }]);
    return ok(undefined);
  }

  async syncFolder(path: string): Promise<Result<void, DiskError>> {
    const failed = this.#enter('syncFolder', path);
    if (failed !== undefined) return err(failed);
    const { node, error } = this.#find(path, true);
    if (node === undefined) return fail(error ?? 'disk-not-found', 'syncFolder', path);
    if (node.kind !== 'folder') return fail('disk-not-a-folder', 'syncFolder', path);
    // A change becomes durable together with the earlier ones it rests on: those that touch the same folders.
    const needed = new Set<FolderNode>([node]);
    const chosen = new Set<readonly EntryChange[]>();
    for (const changes of [...this.#pending].reverse()) {
      if (!changes.some(change => needed.has(change.folder))) continue;
      chosen.add(changes);
      for (const change of changes) needed.add(change.folder);
    }
    for (const changes of this.#pending) if (chosen.has(changes)) makeDurable(changes);
    this.#pending = this.#pending.filter(changes => !chosen.has(changes));
    return ok(undefined);
  }

  async lock(path: string): Promise<Result<DiskLock, DiskError>> {
    const failed = this.#enter('lock', path);
    if (failed !== undefined) return err(failed);
    const key = normal(path);
    const found = this.#find(key, true);
    if (found.error !== undefined) return fail(found.error, 'lock', path);
    if (this.#locks.has(key)) return fail('disk-locked', 'lock', path, 'held by process 1');
    if (found.node === undefined) {
      this.#change([{ folder: found.folder, name: found.name, node: newFile(this.#nowMs()) }]);
    }
    const holder = {};
    this.#locks.set(key, holder);
    return ok({
      release: async () => {
        if (this.#locks.get(key) !== holder) return;
        this.#locks.delete(key);
        const { node, folder, name } = this.#find(key);
        if (node !== undefined) this.#change([{ folder, name, node: undefined }]);
      },
    });
  }

  // --- inside ---------------------------------------------------------------------------------------

  #handle(node: FileNode, path: string, mode: OpenMode): DiskFile {
    const process = this.#process;
    let open = true;
    const call = <T>(
      op: string,
      work: (injected: DiskError | undefined) => Result<T, DiskError>,
    ): Promise<Result<T, DiskError>> => {
      if (!process.alive) return new Promise(() => {});
      const injected = this.#enter(op, path);
      if (!open) return Promise.resolve(fail('disk-io', op, path, 'the file is closed'));
      return Promise.resolve(work(injected));
    };
    const writable = (op: string): DiskError | undefined =>
      mode === 'read' ? fail('disk-denied', op, path, 'opened for reading').error : undefined;
    const plain = <T>(op: string, work: () => T): Promise<Result<T, DiskError>> =>
      call(op, injected => (injected === undefined ? ok(work()) : err(injected)));
    return {
      path,
      sizeBytes: () => plain('size', () => node.content.sizeBytes),
      read: (into, position) => plain('read', () => node.content.read(into, position)),
      write: (bytes, position) =>
        call('write', injected => {
          const denied = writable('write');
          if (denied !== undefined) return err(denied);
          const at = position ?? node.content.sizeBytes;
          node.modifiedMs = this.#nowMs();
          if (injected !== undefined) {
            node.content.write(bytes.subarray(0, bytes.length >> 1), at);
            return err(injected);
          }
          const fits = this.#full ? Math.max(0, node.content.roomEnd() - at) : bytes.length;
          node.content.write(bytes.subarray(0, fits), at);
          return fits < bytes.length ? fail('disk-full', 'write', path) : ok(undefined);
        }),
      truncate: sizeBytes =>
        call('truncate', injected => {
          const failed = injected ?? writable('truncate');
          if (failed !== undefined) return err(failed);
          node.content.truncate(sizeBytes);
          return ok(undefined);
        }),
      sync: () => plain('sync', () => node.content.sync()),
      close: () =>
        plain('close', () => {
          open = false;
        }),
    };
  }

  /** Counts a call and says whether it is to fail. */
  #enter(op: string, path: string): DiskError | undefined {
    this.#calls += 1;
    this.#callsByOp.set(op, this.callsOf(op) + 1);
    const due = this.#failures.find(failure => failure.at === this.#calls);
    const code = due?.error ?? this.#pathErrors.get(normal(path));
    return code === undefined ? undefined : fail(code, op, path, 'injected by the test').error;
  }

  #change(changes: readonly EntryChange[]): void {
    for (const { folder, name, node } of changes) {
      if (node === undefined) folder.entries.delete(name);
      else folder.entries.set(name, node);
      folder.modifiedMs = this.#nowMs();
    }
    this.#pending.push(changes);
  }

  #put(path: string, node: Node): void {
    let folder = this.#root;
    const parts = partsOf(path);
    const name = parts.pop();
    if (name === undefined) return;
    for (const part of parts) {
      let next = folder.entries.get(part);
      if (next?.kind !== 'folder') {
        next = newFolder(this.#nowMs());
        makeDurable([{ folder, name: part, node: next }]);
        folder.entries.set(part, next);
      }
      folder = next;
    }
    makeDurable([{ folder, name, node }]);
    folder.entries.set(name, node);
  }

  #find(path: string): Found<Node>;
  #find(path: string, followLast: true): Found<FileNode | FolderNode>;
  #find(path: string, followLast?: boolean): Found<Node> {
    let parts = partsOf(path);
    let links = 0;
    let at: FolderNode = this.#root;
    const above: FolderNode[] = [];
    for (let i = 0; i < parts.length; i++) {
      const name = parts[i] as string;
      const last = i === parts.length - 1;
      if (name === '..') {
        at = above.pop() ?? this.#root;
        continue;
      }
      const node = at.entries.get(name);
      if (node?.kind === 'link' && (!last || followLast === true)) {
        if (++links > LINKS_MAX) return { folder: at, name, node: undefined, error: 'disk-io' };
        const base = node.target.startsWith('/') ? [] : parts.slice(0, i);
        parts = [...base, ...partsOf(node.target), ...parts.slice(i + 1)];
        at = this.#root;
        above.length = 0;
        i = -1;
        continue;
      }
      if (last) return { folder: at, name, node };
      if (node === undefined) return { folder: at, name, node, error: 'disk-not-found' };
      if (node.kind !== 'folder') return { folder: at, name, node: undefined, error: 'disk-not-a-folder' };
      above.push(at);
      at = node;
    }
    return { folder: at, name: '', node: at };
  }
}

interface Found<N extends Node> {
  readonly folder: FolderNode;
  readonly name: string;
  readonly node: N | undefined;
  /** Set when the folder that would hold the last name does not exist or is none. */
  readonly error?: DiskErrorCode;
}

function makeDurable(changes: readonly EntryChange[]): void {
  for (const { folder, name, node } of changes) {
    if (node === undefined) folder.durable.delete(name);
    else folder.durable.set(name, node);
  }
}

function partsOf(path: string): string[] {
  return path.split('/').filter(part => part !== '' && part !== '.');
}

function normal(path: string): string {
  const parts: string[] = [];
  for (const part of partsOf(path)) {
    if (part === '..') parts.pop();
    else parts.push(part);
  }
  return `/${parts.join('/')}`;
}

function fail(
  code: DiskErrorCode,
  op: string,
  path: string,
  cause: string = code,
): { ok: false; error: DiskError } {
  return err({ code, op, path, message: `Cannot ${op} "${path}": ${cause}` });
}
