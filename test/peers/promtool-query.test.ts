// Debian's promtool asks the real program: query instant, range, series and labels.

import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { type Program, startProgram, temporaryFolder } from '../e2e/support.ts';
import { pushed } from './pushed.ts';

const BINARY = 'promtool';
const isPresent = spawnSync(BINARY, ['--version'], { stdio: 'ignore' }).status === 0;
/** In CI it must be there. */
const isSkipped = !isPresent && process.env['CI'] !== 'true';
const TEST_MS_MAX = 60_000;

const opened: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

const run = promisify(execFile);

describe.skipIf(isSkipped)(`beside ${BINARY}${isPresent ? '' : ' (not installed)'}`, () => {
  it('it prints what we hold', { timeout: TEST_MS_MAX }, async () => {
    const folder = temporaryFolder();
    opened.push(folder.remove);
    const config = folder.write('watchkeeper.yml', 'host: { enabled: false }\nrule_files: []\n');
    const program: Program = await startProgram({ folder, args: ['--config', config] });
    opened.push(program.kill);
    const atS = Math.floor(Date.now() / 60_000) * 60 - 600;
    const samples = (by: number) => [0, 15, 30].map(s => ({ timeMs: (atS + s) * 1000, value: s * by }));
    await pushed(program, [
      {
        labels: [
          ['__name__', 'm'],
          ['job', 'a'],
        ],
        samples: samples(1),
      },
      {
        labels: [
          ['__name__', 'm'],
          ['job', 'b'],
        ],
        samples: samples(0.5),
      },
    ]);
    const query = async (kind: string, args: readonly string[]): Promise<readonly string[]> => {
      const { stdout } = await run(BINARY, ['query', kind, ...args]);
      return stdout.split('\n').filter(line => line !== '');
    };
    expect(await query('instant', [`--time=${atS + 30}`, program.url, 'm'])).toEqual([
      `m{job="a"} => 30 @[${atS + 30}]`,
      `m{job="b"} => 15 @[${atS + 30}]`,
    ]);
    const range = [`--start=${atS}`, `--end=${atS + 30}`, '--step=15s'];
    expect(await query('range', [...range, program.url, 'sum(m)'])).toEqual([
      '{} =>',
      `0 @[${atS}]`,
      `22.5 @[${atS + 15}]`,
      `45 @[${atS + 30}]`,
    ]);
    const within = [`--start=${atS - 60}`, `--end=${atS + 60}`];
    expect(await query('series', ['--match=m{job=~"a|b"}', ...within, program.url])).toEqual([
      '{__name__="m", job="a"}',
      '{__name__="m", job="b"}',
    ]);
    expect(await query('labels', [...within, program.url, 'job'])).toEqual(['a', 'b']);
    await expect(query('instant', [program.url, 'sum(m'])).rejects.toThrow(/query-parse/);
  });
});
