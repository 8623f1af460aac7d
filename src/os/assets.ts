// The files of the built page, read once each from beside the built program.

import { readFile } from 'node:fs/promises';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.json': 'application/json',
};

export interface Asset {
  readonly type: string;
  readonly bytes: Uint8Array;
}

/** `folder` holds index.html and assets/. Only plain names below it are answered. */
export function pageAssets(folder: URL): (path: string) => Promise<Asset | undefined> {
  const kept = new Map<string, Asset>();
  return async path => {
    const known = kept.get(path);
    if (known !== undefined) return known;
    if (!/^\/(assets\/)?[\w-]+(\.[\w-]+)*$/.test(path)) return undefined;
    const type = TYPES[path.slice(path.lastIndexOf('.'))];
    if (type === undefined) return undefined;
    try {
      const asset = { type, bytes: await readFile(new URL(`.${path}`, folder)) };
      kept.set(path, asset);
      return asset;
    } catch {
      return undefined;
    }
  };
}
