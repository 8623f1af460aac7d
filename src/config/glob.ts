// File name patterns over the Disk port: "*", "?" and "[a-z]" in any part of a path, as Go's filepath.Glob has them.

import { posix } from 'node:path';
import type { Disk, DiskError } from '../base/index.ts';
import { compileRegex } from '../model/index.ts';

/** More files than any rule folder holds; beyond it the pattern is most likely a mistake such as "/*". */
const MATCHES_MAX = 10_000;

/** Existing paths that fit, sorted; a pattern without a wildcard fits its own path if that exists. */
export async function glob(
  disk: Disk,
  pattern: string,
  onError: (error: DiskError) => void = () => {},
): Promise<readonly string[]> {
  const tell = (error: DiskError): void => {
    // What is not there does not fit. Anything else is a disk that cannot be asked, which is not the same as "no file".
    if (error.code !== 'disk-not-found' && error.code !== 'disk-not-a-folder') onError(error);
  };
  let found: string[] = [pattern.startsWith('/') ? '/' : ''];
  for (const part of pattern.split('/').filter(one => one !== '')) {
    const next: string[] = [];
    for (const folder of found) {
      if (!/[*?[]/.test(part)) {
        const path = join(folder, part);
        const stat = await disk.stat(path);
        if (stat.ok) next.push(path);
        else tell(stat.error);
        continue;
      }
      const names = await disk.list(folder === '' ? '.' : folder);
      if (!names.ok) {
        tell(names.error);
        continue;
      }
      const wanted = partPattern(part);
      for (const name of names.value)
        if (wanted(name) && next.length < MATCHES_MAX) next.push(join(folder, name));
    }
    found = next;
  }
  return found.sort();
}

/** Relative paths start at the folder of the file that names them. */
export function resolveFrom(file: string, path: string): string {
  if (posix.isAbsolute(path)) return path;
  const folder = posix.dirname(file);
  return folder === '.' ? posix.normalize(path) : posix.join(folder, path);
}

function join(folder: string, name: string): string {
  return folder === '' ? name : folder.endsWith('/') ? folder + name : `${folder}/${name}`;
}

/** Through the linear engine: a RegExp of "*a*a*a*a*b" would try them all. */
function partPattern(part: string): (name: string) => boolean {
  const source = part.replace(/\[\^?[^\]]*\]|[\s\S]/g, piece => {
    if (piece === '*') return '.*';
    if (piece === '?') return '.';
    if (piece.length > 1) return `[${piece.slice(1, -1).replace(/[\\[\]]/g, '\\$&')}]`;
    return piece.replace(/[.+^${}()|[\]\\]/g, '\\$&');
  });
  const compiled = compileRegex(source);
  // "[z-a]": fits nothing, as in Go.
  return compiled.ok ? compiled.value.test : () => false;
}
