// Measures: runs the files of bench/ one after another, each in a process of its own, and fails if one of them does.
//   node tools/bench.mjs [--folder FOLDER] [NAME …]     without names: all of them
//
// Node 20 does not run TypeScript, so that the sources are compiled into a temporary folder first, laid out as the
// project is: programs that start a worker file beside them find it there too.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = fileURLToPath(new URL('..', import.meta.url));
const { values, positionals: names } = parseArgs({
  options: { folder: { type: 'string', default: 'bench' } },
  allowPositionals: true,
});
const folder = resolve(root, values.folder);

const known = readdirSync(folder)
  .filter(name => name.endsWith('.ts') && !name.endsWith('.test.ts'))
  .map(name => name.slice(0, -'.ts'.length))
  .sort();
const unknown = names.filter(name => !known.includes(name));
if (unknown.length > 0) {
  process.stderr.write(
    `bench: no measurement "${unknown.join('", "')}": one of ${known.join(', ')} expected\n`,
  );
  process.exit(2);
}
process.exit(measure(names.length > 0 ? names : known));

function measure(chosen) {
  const built = mkdtempSync(join(tmpdir(), 'watchkeeper-bench-'));
  try {
    compile(built, chosen);
    const failed = chosen.filter(name => !run(built, name));
    if (failed.length > 0) process.stderr.write(`bench: failed: ${failed.join(', ')}\n`);
    return failed.length > 0 ? 1 : 0;
  } finally {
    rmSync(built, { recursive: true, force: true });
  }
}

function compile(built, chosen) {
  symlinkSync(join(root, 'node_modules'), join(built, 'node_modules'));
  writeFileSync(join(built, 'package.json'), '{"type":"module"}');
  const settings = {
    extends: join(root, 'tsconfig.json'),
    compilerOptions: {
      noEmit: false,
      // Types are checked by "npm run types"; here a type error elsewhere must not keep anybody from measuring.
      noCheck: true,
      sourceMap: false,
      rootDir: root,
      outDir: built,
      typeRoots: [join(root, 'node_modules/@types')],
    },
    files: chosen.map(name => join(folder, `${name}.ts`)),
    include: [join(root, 'src')],
    exclude: [join(root, 'src/**/*.test.ts'), join(root, 'src/**/testdata')],
  };
  const settingsFile = join(built, 'tsconfig.json');
  writeFileSync(settingsFile, JSON.stringify(settings));
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const done = spawnSync(process.execPath, [compiler, '-p', settingsFile], { stdio: 'inherit' });
  if (done.status !== 0) throw new Error('tsc failed (its own message stands above)');
}

/** Garbage collection on demand, since figures of memory mean nothing without it. */
function run(built, name) {
  process.stdout.write(`== ${name}\n`);
  const file = join(built, relative(root, folder), `${name}.js`);
  const done = spawnSync(process.execPath, ['--expose-gc', file], {
    cwd: root,
    stdio: 'inherit',
  });
  return done.status === 0;
}
