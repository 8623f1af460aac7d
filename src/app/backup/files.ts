// Files of a folder, all the way down, with their checksums.

import { crc32c, type Disk, type DiskError, ok, type Result } from '../../base/index.ts';
import type { ManifestFile } from './manifest.ts';

/** Read at a time. */
const PIECE_BYTES = 1024 * 1024;

/** Paths of all files below a folder, relative to it. */
export async function filesBelow(
  disk: Disk,
  folder: string,
  within = '',
): Promise<Result<readonly string[], DiskError>> {
  const names = await disk.list(`${folder}${within}`);
  if (!names.ok) return names;
  const found: string[] = [];
  for (const name of names.value) {
    const path = `${within}/${name}`;
    const stat = await disk.stat(`${folder}${path}`);
    if (!stat.ok) return stat;
    if (stat.value.kind !== 'folder') {
      found.push(path.slice(1));
      continue;
    }
    const inside = await filesBelow(disk, folder, path);
    if (!inside.ok) return inside;
    found.push(...inside.value);
  }
  return ok(found);
}

export async function sumFile(
  disk: Disk,
  folder: string,
  path: string,
): Promise<Result<ManifestFile, DiskError>> {
  const opened = await disk.open(`${folder}/${path}`, 'read');
  if (!opened.ok) return opened;
  const piece = new Uint8Array(PIECE_BYTES);
  let [bytes, sum] = [0, 0];
  let read = await opened.value.read(piece, 0);
  while (read.ok && read.value > 0) {
    sum = crc32c(piece, { from: 0, to: read.value }, sum);
    bytes += read.value;
    read = await opened.value.read(piece, bytes);
  }
  await opened.value.close();
  return read.ok ? ok({ path, bytes, crc32c: sum }) : read;
}

/** The folders that some files lie in, the outer ones first, without the one that all are below. */
export function foldersOf(paths: readonly string[]): readonly string[] {
  const folders = new Set<string>();
  for (const path of paths) {
    const parts = path.split('/').slice(0, -1);
    for (const i of parts.keys()) folders.add(parts.slice(0, i + 1).join('/'));
  }
  return [...folders];
}
