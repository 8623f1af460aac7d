// The same file of OpenMetrics, by Debian's promtool into blocks of Prometheus and by us into our store: the same samples.

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { labelPairs, MetricRegistry } from '../../src/model/index.ts';
import { systemClock, systemDisk } from '../../src/os/index.ts';
import { DEFAULT_STORE_SETTINGS, openStore } from '../../src/storage/index.ts';
import { runCommand } from '../e2e/support.ts';
import { seededRandom } from '../support/random.ts';

const PROMTOOL = 'promtool';
const isMissing = spawnSync(PROMTOOL, ['--version']).error !== undefined;
const HOUR_MS = 3_600_000;
/** Times stay whole seconds: both round fractions in their own way. */
const STEP_S = 600;

const opened: (() => unknown)[] = [];
afterEach(() => {
  for (const close of opened.splice(0).reverse()) close();
});

/** Some hours of a few metrics, up to a while ago. */
function pageOf(seed: number, nowMs: number): string {
  const random = seededRandom(seed);
  const endS = Math.floor(nowMs / HOUR_MS) * 3600 - 3600;
  const times = Array.from({ length: 60 }, (_, i) => endS - (60 - i) * STEP_S);
  const value = (): string =>
    ['0', '-1.5', 'NaN', '+Inf', '-Inf', '1e-300', String(random.float() * 1e6)][random.uint32() % 7] ?? '0';
  const lines = [
    ['# TYPE temperature gauge', 'temperature{room="a"}', 'temperature{room="b\\"\\\\\\n"}'],
    ['# TYPE requests counter', 'requests_total', 'requests_total{code="200",method="GET"}'],
    ['# TYPE size summary', 'size{quantile="0.5"}', 'size_sum', 'size_count'],
    ['# TYPE odd unknown', 'odd{han="字"}'],
  ].flatMap(([type, ...series]) => [
    type,
    ...series.flatMap(one =>
      times.filter(() => random.uint32() % 5 > 0).map(timeS => `${one} ${value()} ${timeS}`),
    ),
  ]);
  return `${lines.join('\n')}\n# EOF\n`;
}

/** `{__name__="up", job="a"} 1 1700000000000` as promtool prints it, sorted. */
function dumpOf(folder: string): readonly string[] {
  // It wants a log, which a folder of blocks has none of.
  mkdirSync(join(folder, 'wal'), { recursive: true });
  const dump = spawnSync(PROMTOOL, ['tsdb', 'dump', folder], { encoding: 'utf8', maxBuffer: 1 << 28 });
  expect(dump.stderr).toBe('');
  return dump.stdout.trim().split('\n').sort();
}

async function ours(folder: string): Promise<readonly string[]> {
  const store = await openStore({
    ...{ disk: systemDisk(), folder, clock: systemClock(), log: { log: () => {} } },
    metrics: new MetricRegistry(),
    settings: DEFAULT_STORE_SETTINGS,
  });
  if (!store.ok) throw new Error(store.error.message);
  const hints = { fromMs: -Infinity, toMs: Infinity, stepMs: 0, rangeMs: 0, func: '', limit: 0 };
  const found = await store.value.select([], hints);
  if (!found.ok) throw new Error(found.error.message);
  const lines = found.value.flatMap(({ labels, timesMs, values, from, to }) => {
    const text = [...labelPairs(labels)].map(([name, value]) => `${name}=${quoted(value)}`).join(', ');
    return Array.from(
      { length: to - from },
      (_, i) => `{${text}} ${goText(values[from + i] ?? 0)} ${timesMs[from + i]}`,
    );
  });
  await store.value.close();
  return lines.sort();
}

function quoted(value: string): string {
  return `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;
}

/** As Go's %g. */
function goText(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  return String(value);
}

const numeric = (line: string): string => {
  const [, series, value, time] = /^(.*) (\S+) (\d+)$/.exec(line) ?? [];
  return `${series} ${goText(value === '+Inf' ? Infinity : value === '-Inf' ? -Infinity : Number(value))} ${time}`;
};

it.skipIf(isMissing)(
  'promtool and import openmetrics store the same samples of the same file',
  { timeout: 120_000 },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'watchkeeper-openmetrics-'));
    opened.push(() => rmSync(folder, { recursive: true, force: true }));
    const file = join(folder, 'page.txt');
    writeFileSync(file, pageOf(20_261_201, Date.now()));
    const made = spawnSync(
      PROMTOOL,
      ['tsdb', 'create-blocks-from', 'openmetrics', file, join(folder, 'theirs')],
      { encoding: 'utf8' },
    );
    expect([made.status, made.stderr]).toEqual([0, '']);
    const imported = await runCommand(['import', 'openmetrics', file, '--data', join(folder, 'data')], {
      withinMs: 60_000,
    });
    expect([imported.code, imported.stderr]).toEqual([0, '']);
    const theirs = dumpOf(join(folder, 'theirs')).map(numeric).sort();
    const mine = (await ours(join(folder, 'data', 'store'))).map(numeric).sort();
    expect(mine.length).toBeGreaterThan(200);
    expect(mine).toEqual(theirs);
    const verified = await runCommand(['storage', 'verify', join(folder, 'data')]);
    expect([verified.code, verified.stderr]).toEqual([0, '']);
  },
);

it.skipIf(isMissing)('both refuse a sample without a timestamp', { timeout: 60_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'watchkeeper-openmetrics-'));
  opened.push(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'page.txt');
  writeFileSync(file, 'up 1\n# EOF\n');
  const made = spawnSync(
    PROMTOOL,
    ['tsdb', 'create-blocks-from', 'openmetrics', file, join(folder, 'theirs')],
    { encoding: 'utf8' },
  );
  expect(made.status).toBe(1);
  const imported = await runCommand(['import', 'openmetrics', file, '--data', join(folder, 'data')]);
  expect([imported.code, imported.stderr]).toEqual([1, expect.stringContaining('line 1')]);
});
