// A real process appends to the store on the real disk and is killed at random: every batch that it acknowledged is
// there afterwards, whole.

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MetricRegistry, type SelectHints } from '../../src/model/index.ts';
import { systemClock, systemDisk } from '../../src/os/index.ts';
import { DEFAULT_STORE_SETTINGS, openStore } from '../../src/storage/index.ts';
import { type Compiled, compileSources } from '../support/compiled.ts';
import { seededRandom } from '../support/random.ts';

const SEED = 20260101;
const ROUNDS = 5;
const SERIES = 50;
const ALL: SelectHints = { fromMs: -Infinity, toMs: Infinity, stepMs: 0, rangeMs: 0, func: '', limit: 0 };

/** Appends as fast as it can; prints the number of each batch once it is acknowledged. Value = batch number + series / 100. */
const child = (): string => `
import { labelsFrom, MetricRegistry, targetId } from './model/index.js';
import { systemClock, systemDisk } from './os/index.js';
import { DEFAULT_STORE_SETTINGS, openStore } from './storage/index.js';
const [folder, first] = [process.argv[2], Number(process.argv[3])];
const opened = await openStore({ disk: systemDisk(), folder, clock: systemClock(), log: { log: () => {} },
  metrics: new MetricRegistry(), settings: DEFAULT_STORE_SETTINGS });
if (!opened.ok) throw new Error(opened.error.message);
const store = opened.value;
const startMs = Date.UTC(2026, 0, 1);
for (let n = first; ; n++) {
  // The set of series changes now and then, and sealing and cutting run beside.
  const count = ${SERIES} - (n % 97 === 0 ? 1 : 0);
  const refs = Array.from({ length: count }, (_, i) => store.intern(labelsFrom({ __name__: 'm', i: String(i) })));
  const outcome = await store.append({ producer: targetId('p'), timestampMs: startMs + n * 1000,
    series: Uint32Array.from(refs, ref => ref.value), values: Float64Array.from(refs, (_, i) => n + i / 100) });
  if (!outcome.ok || outcome.value.accepted !== count) throw new Error(JSON.stringify(outcome));
  process.stdout.write(n + '\\n');
  if (n % 150 === 0) void store.maintain();
}
`;

/** Runs the child until it is killed after `forMs`; returns the last batch it acknowledged. */
function runAndKill(
  script: string,
  args: readonly string[],
  forMs: number,
): Promise<{ last: number; errors: string }> {
  return new Promise((resolve, reject) => {
    const running = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    let errors = '';
    let timer: NodeJS.Timeout | undefined;
    running.stdout.on('data', (data: Buffer) => {
      output += data.toString();
      timer ??= setTimeout(() => running.kill('SIGKILL'), forMs);
    });
    running.stderr.on('data', (data: Buffer) => {
      errors += data.toString();
    });
    running.on('error', reject);
    running.on('close', () => {
      clearTimeout(timer);
      // A number cut short by the kill was acknowledged, but which it was cannot be told.
      const lines = output
        .slice(0, output.lastIndexOf('\n') + 1)
        .trimEnd()
        .split('\n');
      resolve({ last: Number(lines[lines.length - 1]), errors });
    });
  });
}

async function storedBatches(folder: string): Promise<Map<number, number>> {
  const opened = await openStore({
    disk: systemDisk(),
    folder,
    clock: systemClock(),
    log: { log: () => {} },
    metrics: new MetricRegistry(),
    settings: DEFAULT_STORE_SETTINGS,
  });
  if (!opened.ok) throw new Error(opened.error.message);
  const store = opened.value;
  const counts = new Map<number, number>();
  const found = await store.select([], ALL);
  if (!found.ok) throw new Error(found.error.message);
  for (const { labels, timesMs, values, from, to } of found.value) {
    const i = Number(labels[labels.indexOf('i') + 1]);
    for (let at = from; at < to; at++) {
      const n = ((timesMs[at] as number) - Date.UTC(2026, 0, 1)) / 1000;
      if (values[at] !== n + i / 100) throw new Error(`batch ${n}, series ${i}: ${values[at]}`);
      counts.set(n, (counts.get(n) ?? 0) + 1);
    }
  }
  expect(store.damage().filter(damage => damage.code !== 'wal-torn-tail')).toEqual([]);
  await store.close();
  return counts;
}

describe('kill -9 while appending', () => {
  let compiled: Compiled;
  let folder: string;
  let script: string;
  beforeAll(() => {
    compiled = compileSources(['storage/index.ts', 'os/index.ts', 'model/index.ts']);
    folder = mkdtempSync(join(tmpdir(), 'watchkeeper-kill-'));
    script = join(compiled.folder, 'append.js');
    writeFileSync(script, child());
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
    compiled.remove();
  });

  it(`loses no acknowledged batch and keeps each whole (seed ${SEED})`, async () => {
    const random = seededRandom(SEED);
    let next = 1;
    for (let round = 0; round < ROUNDS; round++) {
      const { last, errors } = await runAndKill(
        script,
        [folder, String(next)],
        100 + (random.uint32() % 500),
      );
      expect(errors).toBe('');
      expect(last).toBeGreaterThanOrEqual(next);
      const counts = await storedBatches(folder);
      const wanted = (n: number): number => (n % 97 === 0 ? SERIES - 1 : SERIES);
      const lost = Array.from({ length: last }, (_, i) => i + 1).filter(n => !counts.has(n));
      const partly = [...counts].filter(([n, count]) => count !== wanted(n));
      expect({ lost, partly }).toEqual({ lost: [], partly: [] });
      next = Math.max(...counts.keys()) + 1;
    }
    expect(next).toBeGreaterThan(100);
  }, 40_000);
});
