// A built file runs with its kept code where that fits, and all the same where it does not.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const BUILT = fileURLToPath(new URL('../bin/built.cjs', import.meta.url));
const SOURCE = `module.exports = { three: (() => 1 + 2)(), where: __filename, path: require('node:path').sep };\n`;
const RUN = `const built = require(process.argv[1]);
const compiled = built.compile(process.argv[2]);
process.stdout.write(JSON.stringify({ isKept: compiled.isKept, ...built.run(process.argv[2], compiled) }));`;
const KEEP = `const built = require(process.argv[1]);
const { source, script } = built.compile(process.argv[2]);
const code = script.createCachedData();
require('node:fs').writeFileSync(process.argv[2] + '.kept', Buffer.concat([Buffer.from(built.headOf(source, code), 'latin1'), code]));`;

let folder = '';
let path = '';
let kept: Buffer = Buffer.alloc(0);

function node(script: string, flags: readonly string[] = []): string {
  const args = [...flags, '--input-type=commonjs', '-e', script, BUILT, path];
  const done = spawnSync(process.execPath, args, { encoding: 'utf8', env: {} });
  if (done.status !== 0) throw new Error(done.stderr);
  return done.stdout;
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'watchkeeper-built-'));
  path = join(folder, 'file.cjs');
  writeFileSync(path, SOURCE);
  node(KEEP);
  kept = readFileSync(`${path}.kept`);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** With the kept code changed by `change`. */
function runWith(change: (bytes: Buffer) => Buffer, flags: readonly string[] = []): unknown {
  writeFileSync(`${path}.kept`, change(Buffer.from(kept)));
  return JSON.parse(node(RUN, flags));
}

const flipped = (at: number) => (bytes: Buffer) => {
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  return bytes;
};

describe('a built file', () => {
  const answer = (isKept: boolean) => ({ isKept, three: 3, where: path, path: '/' });

  it('runs with the code that was kept of it', () => {
    expect(runWith(bytes => bytes)).toEqual(answer(true));
  });

  it.each<[string, (bytes: Buffer) => Buffer]>([
    ['is cut short', bytes => bytes.subarray(0, bytes.length - 1)],
    ['is cut within its first line', bytes => bytes.subarray(0, 20)],
    ['is empty', () => Buffer.alloc(0)],
    ['has a flipped bit', flipped(200)],
    ['has a flipped bit at the end', bytes => flipped(bytes.length - 1)(bytes)],
    ['is of another Node', bytes => Buffer.from(bytes.toString('latin1').replace(/ v\d/, ' v9'), 'latin1')],
    ['is of another source', flipped(50)],
  ])('runs without it where it %s', (_, change) => {
    expect(runWith(change)).toEqual(answer(false));
  });

  it('runs under flags of V8 that it was not made for: whether with it is up to V8', () => {
    expect(runWith(bytes => bytes, ['--no-lazy-feedback-allocation'])).toMatchObject({
      three: 3,
      where: path,
    });
  });

  it('runs without it where it is missing or cannot be read', () => {
    rmSync(`${path}.kept`);
    expect(JSON.parse(node(RUN))).toEqual(answer(false));
    mkdirSync(`${path}.kept`);
    expect(JSON.parse(node(RUN))).toEqual(answer(false));
    rmSync(`${path}.kept`, { recursive: true });
  });

  it('runs as it stands after it was changed, although its length is the same', () => {
    writeFileSync(`${path}.kept`, kept);
    writeFileSync(path, SOURCE.replace('1 + 2', '1 + 3'));
    expect(JSON.parse(node(RUN))).toEqual({ ...answer(false), three: 4 });
    writeFileSync(path, SOURCE);
    expect(JSON.parse(node(RUN))).toEqual(answer(true));
  });
});

const DIST = fileURLToPath(new URL('../dist', import.meta.url));
const BUILT_FILES = ['cli/main.cjs', 'state/worker.cjs'];

describe.skipIf(!existsSync(join(DIST, 'cli', 'main.cjs')))('the build', () => {
  it.each(BUILT_FILES)('has kept code of %s that fits the Node that made it, and no other', file => {
    const [, , madeBy] = readFileSync(join(DIST, `${file}.kept`), 'latin1')
      .slice(0, 128)
      .split(' ');
    const path = JSON.stringify(join(DIST, file));
    const isKept = node(`process.stdout.write(String(require(process.argv[1]).compile(${path}).isKept))`);
    expect(isKept).toBe(String(madeBy === process.version));
  });

  it.each(BUILT_FILES)('has no import() in %s, which kept code cannot do', file => {
    const code = readFileSync(join(DIST, file), 'utf8').replaceAll(/\/\*.*?\*\//gs, '');
    expect(code.match(/(?<![\w.$])import\(.{0,40}/g) ?? []).toEqual([]);
  });
});

describe('the build of libsql for this system', () => {
  it('is the one that the package itself would take', async () => {
    const ours = (await import(new URL('./libsql-target.mjs', import.meta.url).href)) as Target;
    const theirs = createRequire(import.meta.url)('@neon-rs/load') as Target;
    expect(ours.currentTarget()).toBe(theirs.currentTarget());
  });
});

interface Target {
  currentTarget(): string;
}
