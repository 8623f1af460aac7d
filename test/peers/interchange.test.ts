// History goes over from Debian's Prometheus and back: its folder, with a log only and as a snapshot of blocks, is imported, what
// we have is exported, and everybody answers the same queries alike.

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { compressSync } from 'snappy';
import { afterEach, describe, expect, it } from 'vitest';
import { encodeV1, type TestHistogram, type TestSeries } from '../../src/collect/push/testdata/encode.ts';
import { type Folder, type Program, runCommand, startProgram, temporaryFolder } from '../e2e/support.ts';
import { isSkipped, PEER_NAME, type Peer, startPrometheus } from './prometheus.ts';
import { pushed } from './pushed.ts';

const TEST_MS_MAX = 180_000;
const STEP_MS = 30_000;
const HOURS = 5;
const STEPS = (HOURS * 3_600_000) / STEP_MS;
/** Pushed at a time, so that nothing comes out of order. */
const PUSH_STEPS = 60;
const STALE = 0x7ff0000000000002n;

const opened: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

const OWN = 'host: { enabled: false }\nrule_files: []\n';
const THEIRS = 'scrape_configs: []\n';
const FLAGS = [
  '--web.enable-remote-write-receiver',
  '--web.enable-admin-api',
  '--enable-feature=native-histograms',
];

/** Steps of one series; undefined leaves one out. */
type Value = (i: number) => number | bigint | TestHistogram | undefined;

const SERIES: readonly (readonly [labels: Readonly<Record<string, string>>, value: Value])[] = [
  [{ __name__: 'steady', job: 'a' }, () => 5],
  [{ __name__: 'requests_total', job: 'a', instance: '1' }, i => i * 7],
  [{ __name__: 'requests_total', job: 'a', instance: '2', odd: 'line\nbreak "汉字"' }, i => (i % 200) * 3.25],
  [{ __name__: 'wild', job: 'b' }, i => Math.sin(i) * 10 ** (i % 300)],
  [{ __name__: 'special', job: 'b' }, i => [Infinity, -Infinity, 0, -0, 5e-324][i % 5]],
  [{ __name__: 'gappy', job: 'b' }, i => (i % 50 === 40 ? STALE : i % 50 < 40 ? i : undefined)],
  [{ __name__: 'deleted', job: 'b' }, i => i],
  [{ __name__: 'latency', job: 'a' }, i => histogram(i, false)],
  [{ __name__: 'latency_float', job: 'a' }, i => histogram(i, true)],
];

/** A counter that is reset now and then, and gets another bucket later. */
function histogram(i: number, isFloat: boolean): Omit<TestHistogram, 'timeMs'> & { timeMs: number } {
  const n = 1 + (i % 250);
  const late = i > 300;
  return {
    ...{ timeMs: 0, isFloat, schema: 1, zeroCount: n, sum: n * 1.5 + i / 7 },
    count: n * (late ? 8 : 7),
    positive: late
      ? {
          spans: [
            [0, 2],
            [1, 2],
          ],
          counts: [n, 2 * n, n, n],
        }
      : {
          spans: [
            [0, 2],
            [1, 1],
          ],
          counts: [n, 2 * n, n],
        },
    negative: { spans: [[-2, 1]], counts: [2 * n] },
  };
}

function dataOf(startMs: number, steps: readonly number[]): readonly TestSeries[] {
  return SERIES.map(([labels, value], k) => {
    const samples: { value: number | bigint; timeMs: number }[] = [];
    const histograms: TestHistogram[] = [];
    for (const i of steps) {
      const timeMs = startMs + i * STEP_MS + k;
      const one = value(i);
      if (typeof one === 'object') histograms.push({ ...one, timeMs });
      else if (one !== undefined) samples.push({ value: one, timeMs });
    }
    const pairs = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
    return { labels: pairs, samples, histograms };
  });
}

async function fillPrometheus(peer: Peer, startMs: number): Promise<void> {
  for (let at = 0; at < STEPS; at += PUSH_STEPS) {
    const steps = Array.from({ length: Math.min(PUSH_STEPS, STEPS - at) }, (_, i) => at + i);
    const body = compressSync(Buffer.from(encodeV1(dataOf(startMs, steps))));
    const response = await fetch(`${peer.url}/api/v1/write`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy' },
      body: new Uint8Array(body),
    });
    if (response.status !== 204) throw new Error(`${response.status}: ${await response.text()}`);
  }
}

// --- asking ---------------------------------------------------------------------------------------

const INSTANT = [
  '{__name__=~".+"}[6h]',
  'gappy[7m]',
  'count_over_time(gappy[6h])',
  'latency',
  'latency_float offset 2h',
  'histogram_count(rate(latency[20m]))',
  'histogram_sum(rate(latency_float[20m]))',
  'deleted[6h]',
];
const RANGE = [
  'sum by (job) (rate(requests_total[5m]))',
  'gappy',
  'special',
  'histogram_count(latency)',
  'histogram_count(increase(latency_float[10m]))',
];

interface Answered {
  readonly status: string;
  readonly error?: string;
  readonly data: { readonly result: readonly Row[] };
}

interface Row {
  readonly metric: Readonly<Record<string, string>>;
  readonly [kind: string]: unknown;
}

/** All answers in one form: series in the order of their labels, numbers to nine digits. */
async function answersOf(url: string, startMs: number): Promise<Readonly<Record<string, unknown>>> {
  const end = (startMs + STEPS * STEP_MS) / 1000 + 0.777;
  const answers: Record<string, unknown> = {};
  for (const [path, queries, params] of [
    ['query', INSTANT, { time: String(end) }],
    ['query_range', RANGE, { start: String(startMs / 1000 + 0.777), end: String(end), step: '90' }],
  ] as const) {
    for (const query of queries) {
      const response = await fetch(`${url}/api/v1/${path}?${new URLSearchParams({ query, ...params })}`);
      const answer = (await response.json()) as Answered;
      if (answer.status !== 'success') throw new Error(`${query}: ${answer.error}`);
      answers[`${path} ${query}`] = Object.fromEntries(
        answer.data.result
          .map(
            ({ metric, ...rest }) => [JSON.stringify(Object.entries(metric).sort()), rounded(rest)] as const,
          )
          .sort(([a], [b]) => (a < b ? -1 : 1)),
      );
    }
  }
  return answers;
}

/** Sums may differ in their last digits. */
function rounded(value: unknown): unknown {
  if (typeof value === 'string') return /^-?\d/.test(value) ? Number(value).toPrecision(9) : value;
  if (Array.isArray(value)) return value.map(rounded);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, rounded(one)]));
}

async function startOwn(folder: Folder, data: string): Promise<Program> {
  const config = folder.write('watchkeeper.yml', OWN);
  const program = await startProgram({ folder, args: ['--config', config, '--data', data] });
  opened.push(program.kill);
  return program;
}

function promtool(...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync('promtool', args, {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  expect([status, stderr]).toEqual([0, '']);
  return stdout;
}

describe.skipIf(isSkipped)(PEER_NAME, () => {
  it('its history is ours, and ours is its', { timeout: TEST_MS_MAX }, async () => {
    const folder = temporaryFolder();
    opened.push(folder.remove);
    const startMs = Math.floor(Date.now() / 60_000) * 60_000 - STEPS * STEP_MS - 120_000;
    const peer = await startPrometheus(folder, () => THEIRS, FLAGS);
    opened.push(peer.stop);
    await fillPrometheus(peer, startMs);
    const gone = new URLSearchParams({
      'match[]': 'deleted',
      start: String(startMs / 1000 + 3600),
      end: String(startMs / 1000 + 9000),
    });
    const deleted = await fetch(`${peer.url}/api/v1/admin/tsdb/delete_series?${gone}`, { method: 'POST' });
    expect(deleted.status).toBe(204);
    const wanted = await answersOf(peer.url, startMs);
    expect(Object.keys(wanted['query {__name__=~".+"}[6h]'] as object)).toHaveLength(SERIES.length);

    const theirs = join(folder.path, 'prometheus');
    const data = (name: string): string => join(folder.path, name);
    const refused = await runCommand(['import', 'prometheus', theirs, '--data', data('refused')]);
    expect([refused.code, refused.stderr]).toEqual([
      1,
      expect.stringContaining('a running Prometheus has it (process'),
    ]);

    const snapshot = await fetch(`${peer.url}/api/v1/admin/tsdb/snapshot`, { method: 'POST' });
    const { data: made } = (await snapshot.json()) as { readonly data: { readonly name: string } };
    await peer.stop();
    for (const [name, from] of [
      ['log', theirs],
      ['snapshot', join(theirs, 'snapshots', made.name)],
    ] as const) {
      const ended = await runCommand(['import', 'prometheus', from, '--data', data(name), '--json']);
      expect([ended.code, ended.stderr]).toEqual([0, '']);
      const report = JSON.parse(ended.stdout) as { readonly samples: number; readonly headSamples: number };
      expect(report.headSamples > 0).toBe(name === 'log');
      const again = await runCommand(['import', 'prometheus', from, '--data', data(name), '--json']);
      expect([again.code, (JSON.parse(again.stdout) as { samples: number }).samples]).toEqual([0, 0]);
      const program = await startOwn(folder, data(name));
      expect(await answersOf(program.url, startMs)).toEqual(wanted);
      if (name === 'snapshot') {
        const busy = await runCommand([
          'storage',
          'export',
          '--prometheus',
          data('busy'),
          '--data',
          data(name),
        ]);
        expect([busy.code, busy.stderr]).toEqual([1, expect.stringContaining('export a snapshot of it')]);
      }
      await program.stop();
    }

    const back = temporaryFolder();
    opened.push(back.remove);
    const target = join(back.path, 'prometheus');
    const match = ['--match', '{job=~"a|b"}'];
    const exporting = ['storage', 'export', '--prometheus', target, '--data', data('log'), ...match];
    const exported = await runCommand(exporting);
    expect([exported.code, exported.stderr]).toEqual([0, '']);
    const told = Number(/Exported ([\d ]+) samples/.exec(exported.stdout)?.[1]?.replaceAll(' ', ''));
    const listed = promtool('tsdb', 'list', target);
    const samples = listed
      .split('\n')
      .map(line => Number(line.trim().split(/\s+/)[4]))
      .filter(Number.isFinite);
    expect(samples.reduce((sum, one) => sum + one, 0)).toBe(told);
    expect(promtool('tsdb', 'analyze', target)).toMatch(/^Series: [1-9]$/m);
    const dumped = promtool('tsdb', 'dump', '--match', 'steady', target).trim().split('\n');
    expect(dumped).toHaveLength(STEPS);
    const second = await startPrometheus(back, () => THEIRS, FLAGS);
    opened.push(second.stop);
    expect(await answersOf(second.url, startMs)).toEqual(wanted);
    await second.stop();
    const full = await runCommand(exporting);
    expect([full.code, full.stderr]).toEqual([1, expect.stringContaining('it has blocks already')]);
  });

  it('what it cannot read is left out and counted, unless it is wanted', {
    timeout: TEST_MS_MAX,
  }, async () => {
    const folder = temporaryFolder();
    opened.push(folder.remove);
    const data = join(folder.path, 'own');
    const program = await startOwn(folder, data);
    const startMs = Date.now() - 600_000;
    const custom = Array.from(
      { length: 7 },
      (_, i): TestHistogram => ({
        ...{ timeMs: startMs + i * 1000, count: 3, sum: 4, schema: -53, customBounds: [0.5, 1] },
        positive: { spans: [[0, 3]], counts: [1, 1, 1] },
      }),
    );
    const labels = (name: string) => [['__name__', name]] as const;
    await pushed(program, [
      { labels: labels('custom'), histograms: custom },
      { labels: labels('plain'), samples: [{ value: 1, timeMs: startMs }] },
    ]);
    await program.stop();
    const run = (target: string, ...more: readonly string[]) =>
      runCommand(['storage', 'export', '--prometheus', join(folder.path, target), '--data', data, ...more]);
    const ended = await run('without', '--match', '{__name__=~"custom|plain"}');
    expect([ended.code, ended.stdout]).toEqual([1, expect.stringContaining('Left out: 7 histograms')]);
    expect(promtool('tsdb', 'dump', join(folder.path, 'without')).trim()).toContain('plain');
    const whole = await run('with', '--custom-buckets', '--match', 'custom');
    expect([whole.code, whole.stdout]).toEqual([0, expect.stringContaining('7 samples')]);
    expect(existsSync(join(folder.path, 'with'))).toBe(true);
    expect(readdirSync(join(folder.path, 'with'))).toHaveLength(2);
  });
});
