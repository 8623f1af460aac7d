// The system's error names as the codes of the Disk port.

import type { DiskError, DiskErrorCode } from '../base/index.ts';

const CODES: Readonly<Record<string, DiskErrorCode>> = {
  ENOENT: 'disk-not-found',
  EEXIST: 'disk-exists',
  ENOSPC: 'disk-full',
  EDQUOT: 'disk-full',
  EACCES: 'disk-denied',
  EPERM: 'disk-denied',
  EROFS: 'disk-denied',
  ENOTDIR: 'disk-not-a-folder',
};

const CAUSES: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or folder',
  EEXIST: 'it exists already',
  ENOSPC: 'no space left on the file system',
  EDQUOT: 'the disk quota is used up',
  EACCES: 'permission denied',
  EPERM: 'operation not permitted',
  EROFS: 'the file system is read-only',
  ENOTDIR: 'a part of the path is no folder',
  EISDIR: 'it is a folder',
  ENOTEMPTY: 'the folder is not empty',
  EMFILE: 'this process has too many open files (raise its limit, ulimit -n)',
  ENFILE: 'the system has too many open files',
  EINVAL: 'not possible for this kind of file',
  EBADF: 'the file is closed',
};

export function diskError(op: string, path: string, error: unknown): DiskError {
  const name = errorName(error);
  const cause = CAUSES[name] ?? (error instanceof Error ? error.message : String(error));
  return { code: CODES[name] ?? 'disk-io', op, path, message: `Cannot ${op} "${path}": ${cause}` };
}

/** "ENOENT" of a system error, "" of another. */
export function errorName(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('code' in error)) return '';
  return typeof error.code === 'string' ? error.code : '';
}
