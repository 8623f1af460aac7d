// Golden files: text that is compared with a file kept beside the test. UPDATE_GOLDEN=1 writes it anew.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';

/** `file` is usually `new URL('./testdata/name.golden.txt', import.meta.url)`. */
export function expectGolden(actual: string, file: URL | string): void {
  const path = typeof file === 'string' ? file : fileURLToPath(file);
  if (process.env['UPDATE_GOLDEN'] === '1') {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, actual);
    return;
  }
  if (!existsSync(path)) {
    throw new Error(`Cannot compare with "${path}": no such golden file; run once with UPDATE_GOLDEN=1`);
  }
  expect(actual, `differs from ${path}; UPDATE_GOLDEN=1 rewrites it`).toBe(readFileSync(path, 'utf8'));
}
