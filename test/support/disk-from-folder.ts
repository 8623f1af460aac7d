// Copies a real folder (recorded /proc and /sys trees) into a fake disk.

import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { FakeDisk } from './disk.ts';

/** A fake disk that holds the folder's content under `at`. Files that cannot be read are refused when opened. */
export function diskFromFolder(folder: string, at = '/', disk = new FakeDisk()): FakeDisk {
  disk.putFolder(at);
  for (const name of readdirSync(folder)) {
    const from = join(folder, name);
    const to = at === '/' ? `/${name}` : `${at}/${name}`;
    const stat = lstatSync(from);
    if (stat.isSymbolicLink()) disk.putLink(to, readlinkSync(from));
    else if (stat.isDirectory()) diskFromFolder(from, to, disk);
    else if (stat.isFile()) copyFile(disk, from, to);
  }
  return disk;
}

function copyFile(disk: FakeDisk, from: string, to: string): void {
  try {
    disk.putFile(to, readFileSync(from));
  } catch {
    disk.putFile(to, '');
    disk.failPath(to, 'disk-denied');
  }
}
