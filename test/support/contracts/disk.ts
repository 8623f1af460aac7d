// What every disk must do, the fake one and the real one: the port Disk as tests.

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Disk, DiskError, DiskFile, OpenMode, Result } from '../../../src/base/index.ts';

export interface DiskPeer {
  readonly disk: Disk;
  /** An existing, empty folder. */
  readonly folder: string;
  /** Makes a link; there is none in the port. */
  link(target: string, path: string): Promise<void>;
  close(): Promise<void>;
}

export function diskContract(name: string, make: () => Promise<DiskPeer>): void {
  describe(`disk contract: ${name}`, () => {
    let peer: DiskPeer;
    const get = (): Env => envOf(peer);
    beforeEach(async () => {
      peer = await make();
    });
    afterEach(() => peer.close());
    describe('files', () => files(get));
    describe('folders', () => folders(get));
    describe('locks', () => locks(get));
  });
}

interface Env {
  readonly disk: Disk;
  readonly peer: DiskPeer;
  path(name: string): string;
  open(name: string, mode: OpenMode): Promise<DiskFile>;
  put(name: string, content: string): Promise<void>;
  text(name: string): Promise<string>;
}

function envOf(peer: DiskPeer): Env {
  const { disk, folder } = peer;
  const path = (name: string): string => `${folder}/${name}`;
  const open = async (name: string, mode: OpenMode) => got(await disk.open(path(name), mode));
  return {
    disk,
    peer,
    path,
    open,
    put: async (name, content) => {
      const file = await open(name, 'create');
      got(await file.write(bytes(content)));
      got(await file.close());
    },
    text: async name => new TextDecoder().decode(got(await disk.readFile(path(name)))),
  };
}

function files(get: () => Env): void {
  it('writes at the end, reads anywhere, and counts what it read', async () => {
    const { open, text } = get();
    const file = await open('a', 'create');
    got(await file.write(bytes('hello ')));
    got(await file.write(bytes('world')));
    expect(got(await file.sizeBytes())).toBe(11);
    const into = new Uint8Array(5);
    expect(got(await file.read(into, 6))).toBe(5);
    expect(new TextDecoder().decode(into)).toBe('world');
    expect(got(await file.read(into, 9))).toBe(2);
    expect(got(await file.read(into, 11))).toBe(0);
    expect(got(await file.read(into, 99))).toBe(0);
    got(await file.sync());
    got(await file.close());
    expect(await text('a')).toBe('hello world');
  });

  it('writes at a position, leaving zeros in a hole', async () => {
    const { open, text } = get();
    const file = await open('a', 'create');
    got(await file.write(bytes('abc'), 2));
    got(await file.write(bytes('X'), 3));
    got(await file.write(bytes('end')));
    got(await file.close());
    expect(await text('a')).toBe('\0\0aXcend');
  });

  it('keeps the order of writes that were not waited for', async () => {
    const { open, text } = get();
    const file = await open('a', 'append');
    const parts = Array.from({ length: 50 }, (_, i) => `${i};`);
    for (const result of await Promise.all(parts.map(part => file.write(bytes(part))))) got(result);
    got(await file.close());
    expect(await text('a')).toBe(parts.join(''));
  });

  it('truncates and grows, and goes on writing at the new end', async () => {
    const { open, text, put } = get();
    await put('a', 'hello world');
    const file = await open('a', 'append');
    got(await file.truncate(5));
    got(await file.write(bytes('!')));
    got(await file.truncate(8));
    got(await file.write(bytes('.')));
    got(await file.close());
    expect(await text('a')).toBe('hello!\0\0.');
  });

  const modes: readonly (readonly [OpenMode, missing: string, present: string])[] = [
    ['read', 'disk-not-found', 'hello'],
    ['append', 'created', 'hello'],
    ['create', 'created', 'disk-exists'],
    ['update', 'disk-not-found', 'hello'],
  ];
  for (const [mode, missing, present] of modes) {
    it(`opens with "${mode}": a missing file is ${missing}, a present one ${present}`, async () => {
      const { disk, path, put, text } = get();
      const fresh = await disk.open(path('fresh'), mode);
      expect(fresh.ok ? 'created' : fresh.error.code).toBe(missing);
      if (fresh.ok) await fresh.value.close();
      await put('old', 'hello');
      const old = await disk.open(path('old'), mode);
      expect(old.ok ? await text('old') : old.error.code).toBe(present);
      if (old.ok) await old.value.close();
    });
  }

  it('refuses to write to a file opened for reading, and any use after closing', async () => {
    const { open, put } = get();
    await put('a', 'x');
    const file = await open('a', 'read');
    expect((await file.write(bytes('y'))).ok).toBe(false);
    got(await file.close());
    expect((await file.read(new Uint8Array(1), 0)).ok).toBe(false);
    expect((await file.write(bytes('y'))).ok).toBe(false);
  });

  it('reads back an empty file and 300 kB of bytes', async () => {
    const { disk, open, path, text } = get();
    const file = await open('big', 'create');
    const big = Uint8Array.from({ length: 300_000 }, (_, i) => (i * 7) % 251);
    got(await file.write(big));
    got(await file.close());
    expect(Buffer.from(got(await disk.readFile(path('big')))).equals(Buffer.from(big))).toBe(true);
    await (await open('empty', 'create')).close();
    expect(await text('empty')).toBe('');
  });

  it('names operation, path and code in an error', async () => {
    const { disk, path } = get();
    const result = await disk.open(path('none'), 'read');
    if (result.ok) throw new Error('was opened');
    expect(result.error).toMatchObject({ code: 'disk-not-found', op: 'open', path: path('none') });
    expect(result.error.message).toContain(path('none'));
  });
}

function folders(get: () => Env): void {
  it('lists names by code unit', async () => {
    const { disk, put, peer } = get();
    for (const name of ['b', 'a', 'B', 'a.1', 'é']) await put(name, '');
    got(await disk.makeFolder(`${peer.folder}/sub`));
    expect(got(await disk.list(peer.folder))).toEqual(['B', 'a', 'a.1', 'b', 'sub', 'é']);
  });

  it('makes missing parents, and does not mind an existing folder', async () => {
    const { disk, path } = get();
    got(await disk.makeFolder(path('x/y/z')));
    got(await disk.makeFolder(path('x/y/z')));
    expect(got(await disk.stat(path('x/y/z'))).kind).toBe('folder');
  });

  it('renames over an existing file, and across folders', async () => {
    const { disk, path, put, text, peer } = get();
    await put('a', 'new');
    await put('b', 'old');
    got(await disk.rename(path('a'), path('b')));
    expect(await text('b')).toBe('new');
    got(await disk.makeFolder(path('sub')));
    got(await disk.rename(path('b'), path('sub/c')));
    expect(await text('sub/c')).toBe('new');
    expect(got(await disk.list(peer.folder))).toEqual(['sub']);
    got(await disk.rename(path('sub'), path('moved')));
    expect(await text('moved/c')).toBe('new');
  });

  it('removes files and empty folders only', async () => {
    const { disk, path, put, peer } = get();
    got(await disk.makeFolder(path('sub')));
    await put('sub/a', '');
    expect((await disk.remove(path('sub'))).ok).toBe(false);
    got(await disk.remove(path('sub/a')));
    got(await disk.remove(path('sub')));
    expect(got(await disk.list(peer.folder))).toEqual([]);
  });

  it('lets an open file be removed and read on', async () => {
    const { disk, open, path, put } = get();
    await put('a', 'still here');
    const file = await open('a', 'read');
    got(await disk.remove(path('a')));
    const into = new Uint8Array(5);
    expect(got(await file.read(into, 0))).toBe(5);
    got(await file.close());
  });

  it('syncs a folder', async () => {
    const { disk, peer } = get();
    got(await disk.syncFolder(peer.folder));
  });

  it('tells size and kind, not following a link at the end but in between', async () => {
    const { disk, path, put, peer, text } = get();
    got(await disk.makeFolder(path('sub')));
    await put('sub/a', 'hello');
    await peer.link('sub', path('way'));
    await peer.link('sub/a', path('direct'));
    await peer.link('nowhere', path('dangling'));
    expect(got(await disk.stat(path('sub/a')))).toMatchObject({ kind: 'file', sizeBytes: 5 });
    expect(got(await disk.stat(path('way'))).kind).toBe('link');
    expect(got(await disk.stat(path('way/a'))).kind).toBe('file');
    expect(got(await disk.readLink(path('direct')))).toBe('sub/a');
    expect(await text('way/a')).toBe('hello');
    expect(await text('direct')).toBe('hello');
    expect(got(await disk.list(path('way')))).toEqual(['a']);
    expect(got(await disk.readLink(path('dangling')))).toBe('nowhere');
    expect(codeOf(await disk.readFile(path('dangling')))).toBe('disk-not-found');
  });

  it('tells the space of the file system', async () => {
    const { disk, peer } = get();
    const space = got(await disk.space(peer.folder));
    expect(space.totalBytes).toBeGreaterThan(0);
    expect(space.freeBytes).toBeGreaterThanOrEqual(space.availableBytes);
    expect(space.totalBytes).toBeGreaterThanOrEqual(space.freeBytes);
  });

  const wrong: readonly (readonly [
    what: string,
    code: string,
    act: (env: Env) => Promise<Result<unknown, DiskError>>,
  ])[] = [
    ['listing a missing folder', 'disk-not-found', ({ disk, path }) => disk.list(path('none'))],
    ['listing a file', 'disk-not-a-folder', ({ disk, path }) => disk.list(path('file'))],
    ['reading below a file', 'disk-not-a-folder', ({ disk, path }) => disk.readFile(path('file/x'))],
    ['reading a folder', 'disk-io', ({ disk, path }) => disk.readFile(path('folder'))],
    ['opening a folder', 'disk-io', ({ disk, path }) => disk.open(path('folder'), 'update')],
    ['looking at what is missing', 'disk-not-found', ({ disk, path }) => disk.stat(path('none'))],
    [
      'creating in a missing folder',
      'disk-not-found',
      ({ disk, path }) => disk.open(path('none/a'), 'create'),
    ],
    ['making a folder where a file is', 'disk-exists', ({ disk, path }) => disk.makeFolder(path('file'))],
    [
      'making a folder below a file',
      'disk-not-a-folder',
      ({ disk, path }) => disk.makeFolder(path('file/x')),
    ],
    ['renaming what is missing', 'disk-not-found', ({ disk, path }) => disk.rename(path('none'), path('b'))],
    [
      'renaming to a missing folder',
      'disk-not-found',
      ({ disk, path }) => disk.rename(path('file'), path('none/b')),
    ],
    ['removing what is missing', 'disk-not-found', ({ disk, path }) => disk.remove(path('none'))],
    ['removing a full folder', 'disk-io', ({ disk, path }) => disk.remove(path('full'))],
    ['reading a file as a link', 'disk-io', ({ disk, path }) => disk.readLink(path('file'))],
    ['syncing a missing folder', 'disk-not-found', ({ disk, path }) => disk.syncFolder(path('none'))],
    ['locking in a missing folder', 'disk-not-found', ({ disk, path }) => disk.lock(path('none/lock'))],
  ];
  for (const [what, code, act] of wrong) {
    it(`answers ${code} to ${what}`, async () => {
      const env = get();
      await env.put('file', 'x');
      got(await env.disk.makeFolder(env.path('folder')));
      got(await env.disk.makeFolder(env.path('full')));
      await env.put('full/a', '');
      expect(codeOf(await act(env))).toBe(code);
    });
  }
}

function locks(get: () => Env): void {
  it('gives a lock to one holder at a time', async () => {
    const { disk, path } = get();
    const first = got(await disk.lock(path('lock')));
    const second = await disk.lock(path('lock'));
    expect(codeOf(second)).toBe('disk-locked');
    if (!second.ok) expect(second.error.message).toMatch(/process \d+/);
    await first.release();
    await first.release();
    const third = got(await disk.lock(path('lock')));
    await first.release();
    expect(codeOf(await disk.lock(path('lock')))).toBe('disk-locked');
    await third.release();
  });
}

function got<T>(result: Result<T, DiskError>): T {
  if (!result.ok) throw new Error(`${result.error.code}: ${result.error.message}`);
  return result.value;
}

function codeOf(result: Result<unknown, DiskError>): string {
  return result.ok ? 'ok' : result.error.code;
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
