// Read-only real ports for comparing with a peer on this machine.

import { execFile } from 'node:child_process';
import { lstat, readdir, readFile, readlink, statfs } from 'node:fs/promises';
import { hostname, machine, release, type, version } from 'node:os';
import {
  type Clock,
  type Disk,
  type DiskError,
  type Exec,
  err,
  type Log,
  ok,
  type Result,
} from '../../src/base/index.ts';
import type { HostFacts } from '../../src/collect/host/index.ts';

async function tried<T>(op: string, path: string, work: () => Promise<T>): Promise<Result<T, DiskError>> {
  try {
    return ok(await work());
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'disk-not-found' : 'disk-io';
    return err({ code, op, path, message: String(error) });
  }
}

function refused(): never {
  throw new Error('this disk is for reading only');
}

export const readingDisk: Disk = {
  readFile: path => tried('read', path, () => readFile(path)),
  list: path => tried('list', path, async () => (await readdir(path)).sort()),
  stat: path =>
    tried('stat', path, async () => {
      const stat = await lstat(path);
      const kind = stat.isSymbolicLink()
        ? 'link'
        : stat.isDirectory()
          ? 'folder'
          : stat.isFile()
            ? 'file'
            : 'other';
      return { kind, sizeBytes: stat.size, modifiedMs: stat.mtimeMs } as const;
    }),
  readLink: path => tried('readLink', path, () => readlink(path)),
  space: path =>
    tried('space', path, async () => {
      const space = await statfs(path);
      return {
        totalBytes: space.blocks * space.bsize,
        freeBytes: space.bfree * space.bsize,
        availableBytes: space.bavail * space.bsize,
        files: space.files,
        filesFree: space.ffree,
      };
    }),
  open: refused,
  makeFolder: refused,
  rename: refused,
  remove: refused,
  syncFolder: refused,
  lock: refused,
};

export const realClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after: (delayMs, fire) => {
    const timer = setTimeout(fire, Math.max(0, delayMs));
    return { cancel: () => clearTimeout(timer) };
  },
};

export const realExec: Exec = {
  run: request =>
    new Promise(resolve => {
      const [program, ...args] = request.argv;
      const startMs = performance.now();
      const options = { env: { ...request.env }, encoding: 'buffer', timeout: request.timeoutMs } as const;
      execFile(program, args, options, (error, stdout, stderr) => {
        if (error !== null && error.code === undefined) {
          resolve(err({ code: 'exec-failed', message: error.message }));
          return;
        }
        const exitCode = error === null ? 0 : Number(error.code);
        const durationMs = performance.now() - startMs;
        resolve(ok({ exitCode, timedOut: false, stdout, stderr, truncated: false, durationMs }));
      });
    }),
};

export const silentLog: Log = { log: () => {} };

export const realFacts: HostFacts = {
  platform: process.platform,
  machine: machine(),
  systemName: type(),
  release: release(),
  version: version(),
  hostname,
  cpus: () => [],
  totalMemoryBytes: () => 0,
  freeMemoryBytes: () => 0,
  loadAverages: () => [0, 0, 0],
  uptimeSeconds: () => 0,
  timeZone: () => ({
    name: Intl.DateTimeFormat().resolvedOptions().timeZone,
    offsetSeconds: -60 * new Date().getTimezoneOffset(),
  }),
};
