// Builds some source files into a folder of plain JavaScript, for tests that need a real process or worker thread:
// Node 20 does not run TypeScript.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const projectRoot = fileURLToPath(new URL('../..', import.meta.url));

export interface Compiled {
  /** Holds base/, model/ and so on, as dist/ does. */
  readonly folder: string;
  url(path: string): URL;
  remove(): void;
}

/** `entries` are paths below src/; what they import is built with them. */
export function compileSources(entries: readonly string[]): Compiled {
  const folder = mkdtempSync(join(tmpdir(), 'watchkeeper-built-'));
  symlinkSync(join(projectRoot, 'node_modules'), join(folder, 'node_modules'));
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  const settings = {
    extends: join(projectRoot, 'tsconfig.json'),
    compilerOptions: {
      noEmit: false,
      noCheck: true,
      rootDir: join(projectRoot, 'src'),
      outDir: folder,
      typeRoots: [join(projectRoot, 'node_modules/@types')],
    },
    files: entries.map(entry => join(projectRoot, 'src', entry)),
    include: [],
  };
  const settingsFile = join(folder, 'tsconfig.json');
  writeFileSync(settingsFile, JSON.stringify(settings));
  const compiler = join(projectRoot, 'node_modules/typescript/bin/tsc');
  execFileSync(process.execPath, [compiler, '-p', settingsFile], { stdio: 'pipe' });
  return {
    folder,
    url: path => pathToFileURL(join(folder, path)),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
