// Where the conformance data lies: one setting, WATCHKEEPER_CORPORA, by default ../shared/corpora beside the checkout.

import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, it } from 'vitest';

const projectRoot = fileURLToPath(new URL('../..', import.meta.url));

export function corporaRoot(): string {
  return resolve(projectRoot, process.env['WATCHKEEPER_CORPORA'] ?? '../shared/corpora');
}

/**
 * A suite over one folder of the corpora. When the folder is missing the suite is skipped with a visible name,
 * but with CI=true it fails.
 */
export function describeCorpus(folder: string, body: (path: string) => void): void {
  const path = join(corporaRoot(), folder);
  if (existsSync(path)) {
    describe(`corpus ${folder}`, () => body(path));
  } else if (process.env['CI'] === 'true') {
    describe(`corpus ${folder}`, () => {
      it('is present in CI', () => {
        throw new Error(`corpus missing: ${path} (set WATCHKEEPER_CORPORA)`);
      });
    });
  } else {
    describe.skip(`corpus ${folder} (absent: set WATCHKEEPER_CORPORA to run it)`, () => {
      it('is present', () => {});
    });
  }
}

/** The rows of a .jsonl file. The shape is the caller's claim about the corpus. */
export function readJsonLines<T>(path: string): T[] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter(line => line.trim() !== '')
    .map(line => JSON.parse(line) as T);
}

/** The line every conformance runner prints at its end. */
export function reportCases(name: string, counts: { readonly files: number; readonly cases: number }): void {
  console.log(`conformance ${name}: ${counts.files} files, ${counts.cases} cases`);
}
