// Unpacks ttar archives (recorded /proc and /sys trees) into a fake disk.

import { readFileSync } from 'node:fs';
import type { FakeDisk } from '../support/disk.ts';

/** Bytes as code units, so that contents that are not UTF-8 survive the text handling below. */
function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, 'latin1'));
}

/** Word NULLBYTE is byte 0, a last line ending in EOF has no newline; a backslash before either keeps the word. */
function contentOf(lines: readonly string[]): Uint8Array {
  let text = lines.map(line => `${line}\n`).join('');
  if (text.endsWith('EOF\n') && !text.endsWith('\\EOF\n')) text = text.slice(0, -4);
  text = text
    .replace(/\\EOF/g, 'EOF')
    .replace(/(\\?)NULLBYTE/g, (_, backslash: string) => (backslash ? 'NULLBYTE' : '\0'));
  return bytesOf(text);
}

/** Puts every entry of the archive under `at` and returns the paths of its files. */
export function unpackTtar(archive: string, disk: FakeDisk, at: string): string[] {
  const lines = readFileSync(archive, 'latin1').split('\n');
  const files: string[] = [];
  let path = '';
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i] ?? '';
    const [, key, value = ''] = /^(Directory|Path|SymlinkTo|Lines): (.*)$/.exec(line) ?? [];
    if (key === 'Directory') disk.putFolder(`${at}/${value}`);
    else if (key === 'Path') path = `${at}/${value}`;
    else if (key === 'SymlinkTo') disk.putLink(path, value);
    else if (key === 'Lines') {
      const count = Number(value);
      disk.putFile(path, contentOf(lines.slice(i + 1, i + 1 + count)));
      files.push(path);
      i += count;
    }
  }
  return files;
}
