// An import that is killed in the middle, with kill -9: the next one goes on where it was, and everything is there once.

import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { exportPrometheus } from '../../src/interchange/index.ts';
import {
  contents,
  fill,
  HOUR,
  history,
  openAt,
  START,
  turningClock,
} from '../../src/interchange/testdata/world.ts';
import { systemDisk, systemRandom } from '../../src/os/index.ts';
import { ROOT, runCommand, temporaryFolder, until } from './support.ts';

const TEST_MS_MAX = 120_000;
const HOURS = 24;

const opened: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

it('killed at any time, it has lost nothing that it had finished', { timeout: TEST_MS_MAX }, async () => {
  const folder = temporaryFolder();
  opened.push(folder.remove);
  const disk = systemDisk();
  const source = await openAt(disk, join(folder.path, 'source'));
  await fill(source, history(5, { series: 30, hours: HOURS, stepMs: 60_000 }));
  const before = await contents(source);
  const theirs = join(folder.path, 'prometheus');
  const range = { fromMs: START, toMs: START + HOURS * HOUR };
  const starts = Array.from({ length: HOURS / 2 }, (_, i) => START + 2 * i * HOUR);
  const exported = await exportPrometheus({
    ...{ disk, clock: turningClock(), random: systemRandom(), reader: source, folder: theirs, range },
    spans: starts.map(fromMs => ({ fromMs, toMs: fromMs + 2 * HOUR })),
    ...{ anyOf: [], customBuckets: true, onProgress: () => {} },
  });
  await source.close();
  if (!exported.ok) throw new Error(JSON.stringify(exported.error));
  const data = join(folder.path, 'data');
  const args = ['import', 'prometheus', theirs, '--data', data, '--json'];
  const ledger = join(data, 'store', 'imported');
  const linesOf = (): number =>
    existsSync(ledger) ? readFileSync(ledger, 'utf8').split('\n').length - 2 : 0;
  for (let kill = 0; kill < 3; kill++) {
    const done = linesOf();
    const child = spawn(process.execPath, [join(ROOT, 'bin', 'watchkeeper'), ...args], { stdio: 'ignore' });
    const ended = new Promise<void>(resolve => child.on('close', () => resolve()));
    // As soon as a block is noted it is in the middle of the next one, unless that was the last.
    await until('a block that is noted', () => linesOf() > done || child.exitCode !== null, {
      withinMs: 60_000,
    });
    child.kill('SIGKILL');
    await ended;
  }
  const last = await runCommand(args, { withinMs: 60_000 });
  expect([last.code, last.stderr]).toEqual([0, '']);
  const report = JSON.parse(last.stdout) as { readonly blocks: number; readonly blocksDone: number };
  expect(report.blocks + report.blocksDone).toBe(HOURS / 2);
  expect(report.blocksDone).toBeGreaterThan(0);
  const store = await openAt(disk, join(data, 'store'));
  opened.push(() => store.close());
  expect(await contents(store)).toEqual(before);
});
