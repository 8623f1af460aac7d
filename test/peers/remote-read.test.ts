// Debian's Prometheus has no samples of its own and reads them from the real program over remote read: what it then answers
// to queries is what we answer ourselves.

import { compressSync } from 'snappy';
import { afterEach, describe, expect, it } from 'vitest';
import type { QueryData } from '../../src/api/index.ts';
import type { TestSeries } from '../../src/collect/push/testdata/encode.ts';
import { decodeFrames, encodeReadRequest } from '../../src/exposition/testdata/remote-read.ts';
import { type Program, startProgram, temporaryFolder } from '../e2e/support.ts';
import { isSkipped, PEER_NAME, startPrometheus } from './prometheus.ts';
import { pushed } from './pushed.ts';

const TEST_MS_MAX = 90_000;
const STEP_MS = 15_000;
const STEPS = 500;

const opened: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

const configOf = (url: string): string => `
global: { external_labels: { region: eu } }
scrape_configs: []
remote_read:
  - { url: '${url}/api/v1/read', read_recent: true }
`;

const OWN = `
global: { external_labels: { region: eu } }
host: { enabled: false }
rule_files: []
`;

/** Steady, wild, with gaps and with values that only bits tell apart; one says another region of its own. */
function dataOf(startMs: number): readonly TestSeries[] {
  const sets: readonly (readonly [labels: Readonly<Record<string, string>>, value: (i: number) => number])[] =
    [
      [{ __name__: 'steady', job: 'a' }, () => 5],
      [{ __name__: 'requests_total', job: 'a', instance: '1' }, i => i * 7],
      [{ __name__: 'requests_total', job: 'a', instance: '2', odd: 'line\nbreak "汉字"' }, i => i * 3.25],
      [{ __name__: 'wild', job: 'b' }, i => Math.sin(i) * 10 ** (i % 300)],
      [{ __name__: 'special', job: 'b' }, i => [Number.NaN, Infinity, -Infinity, 0, -0, 5e-324][i % 6] ?? 0],
      [{ __name__: 'steady', job: 'c', region: 'us' }, i => i],
    ];
  return sets.map(([labels, value], k) => ({
    labels: Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)),
    samples: Array.from({ length: STEPS }, (_, i) => ({
      timeMs: startMs + i * STEP_MS + k,
      value: value(i),
    })).filter((_, i) => k % 2 === 0 || i % 50 < 40),
  }));
}

type Points = Readonly<Record<string, readonly (readonly [number, string])[]>>;

/**
 * Each series with its points. Prometheus asks for its own region, unless the query names one, and then it shows it; series
 * of another region it never finds.
 */
function pointsOf(data: QueryData): Points {
  if (data.resultType !== 'matrix') throw new Error(`${data.resultType} instead of a matrix`);
  const rows = data.result.map(({ metric, values = [] }) => {
    const { region = 'eu', ...labels } = metric;
    return { region, name: JSON.stringify(Object.entries(labels).sort()), values };
  });
  return Object.fromEntries(
    rows.filter(({ region }) => region === 'eu').map(({ name, values }) => [name, values] as const),
  );
}

function labelText(labels: TestSeries['labels']): string {
  const all = new Map([['region', 'eu'], ...labels]);
  return [...all]
    .map(([name, value]) => `${name}=${value}`)
    .sort()
    .join();
}

/** What this Prometheus does not ask for, and later ones ask for first: labels, and the times of the samples. */
async function framesOf(program: Program, range: { readonly startMs: number; readonly endMs: number }) {
  const request = encodeReadRequest([{ ...range, matchers: [['__name__', '!=', '']] }], [1, 0]);
  const response = await program.fetch('/api/v1/read', {
    method: 'POST',
    body: new Uint8Array(compressSync(Buffer.from(request))),
  });
  const frames = decodeFrames(new Uint8Array(await response.arrayBuffer()));
  return frames.map(({ labels, samples }) => [labels.join(), samples.map(({ timeMs }) => timeMs)] as const);
}

describe.skipIf(isSkipped)(PEER_NAME, () => {
  it('what it reads from us it answers as we do', { timeout: TEST_MS_MAX }, async () => {
    const folder = temporaryFolder();
    opened.push(folder.remove);
    const program: Program = await startProgram({
      folder,
      args: ['--config', folder.write('watchkeeper.yml', OWN)],
    });
    opened.push(program.kill);
    const peer = await startPrometheus(folder, () => configOf(program.url));
    opened.push(peer.stop);
    const startMs = Math.floor(Date.now() / 60_000) * 60_000 - STEPS * STEP_MS - 60_000;
    await pushed(program, dataOf(startMs));
    const theirs = async <T>(path: string, params: Readonly<Record<string, string>>): Promise<T> => {
      const response = await fetch(`${peer.url}${path}?${new URLSearchParams(params).toString()}`);
      const body = (await response.json()) as {
        readonly data: T;
        readonly error?: string;
        warnings?: unknown;
      };
      expect([body.error, body.warnings]).toEqual([undefined, undefined]);
      return body.data;
    };
    const streamed = await framesOf(program, { startMs, endMs: startMs + STEPS * STEP_MS });
    expect(streamed).toEqual(
      dataOf(startMs)
        .map(({ labels, samples = [] }) => [labelText(labels), samples.map(({ timeMs }) => timeMs)])
        .sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)),
    );
    // Its windows are closed on the left: no sample lies there.
    const time = String((startMs + STEPS * STEP_MS) / 1000 + 0.777);
    for (const [query, series] of [
      ['{__name__=~".+"}[3h]', 5],
      ['steady[3h]', 1],
      ['steady{region!="us"}[3h]', 1],
      ['requests_total{instance=~"1|3"}[20m]', 1],
      ['wild{job="b",instance=""}[1h]', 1],
    ] as const) {
      const mine = pointsOf(await program.api<QueryData>('/api/v1/query', { query, time }));
      const other = pointsOf(await theirs<QueryData>('/api/v1/query', { query, time }));
      expect(Object.keys(mine)).toHaveLength(series);
      expect(other).toEqual(mine);
    }
    const range = { start: String(startMs / 1000 + 600.777), end: time, step: '60' };
    for (const query of ['sum by (job) (rate(requests_total[5m]))', 'max_over_time(wild[7m] offset 3m)']) {
      const mine = pointsOf(await program.api<QueryData>('/api/v1/query_range', { query, ...range }));
      const other = pointsOf(await theirs<QueryData>('/api/v1/query_range', { query, ...range }));
      expect(Object.keys(other)).toEqual(Object.keys(mine));
      for (const [name, points] of Object.entries(mine)) {
        expect(other[name]?.map(([atS]) => atS)).toEqual(points.map(([atS]) => atS));
        for (const [i, [, value]] of points.entries())
          expect(Number(other[name]?.[i]?.[1])).toBeCloseTo(Number(value), 9);
      }
    }
    const labels = await theirs<readonly Readonly<Record<string, string>>[]>('/api/v1/series', {
      'match[]': 'requests_total',
      start: String(startMs / 1000),
      end: time,
    });
    expect(labels.map(({ instance }) => instance).sort()).toEqual(['1', '2']);
  });
});
