// Native histograms through the real program: pushed, asked, and asked again after it was killed.

import { compressSync } from 'snappy';
import { afterEach, expect, it } from 'vitest';
import type { QueryData } from '../../src/api/index.ts';
import { encodeV1, type TestSeries } from '../../src/collect/push/testdata/encode.ts';

import { type Program, runCommand, startProgram, temporaryFolder } from './support.ts';

const TEST_MS_MAX = 60_000;
const STEP_MS = 15_000;

const opened: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

/** Each step four more observations: one in (0.5, 1], two in (1, 2], one in (2, 4]. */
function requests(instance: string, startMs: number): TestSeries {
  const histograms = Array.from({ length: 20 }, (_, i) => ({
    timeMs: startMs + i * STEP_MS,
    count: 4 * (i + 1),
    sum: 6 * (i + 1),
    schema: 0,
    positive: { spans: [[0, 3]] as const, counts: [i + 1, 2 * (i + 1), i + 1] },
  }));
  return {
    labels: [
      ['__name__', 'request_seconds'],
      ['instance', instance],
    ],
    histograms,
  };
}

it('are stored, added up and estimated, before and after a kill', { timeout: TEST_MS_MAX }, async () => {
  const folder = temporaryFolder();
  opened.push(folder.remove);
  const config = folder.write('watchkeeper.yml', 'host: { enabled: false }\nrule_files: []\n');
  const start = (): Promise<Program> => startProgram({ folder, args: ['--config', config] });
  let program = await start();
  opened.push(() => program.kill());
  const startMs = Math.floor(Date.now() / STEP_MS) * STEP_MS - 20 * STEP_MS;
  const body = new Uint8Array(
    compressSync(Buffer.from(encodeV1([requests('a', startMs), requests('b', startMs)]))),
  );
  const pushed = await fetch(`${program.url}/api/v1/write`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy' },
    body,
  });
  expect(pushed.status, await pushed.text()).toBeLessThan(300);

  const time = String((startMs + 19 * STEP_MS) / 1000);
  const ask = (query: string): Promise<QueryData> => program.api<QueryData>('/api/v1/query', { query, time });
  const check = async (): Promise<void> => {
    expect(await ask('sum(request_seconds)')).toMatchObject({
      result: [
        {
          histogram: [
            Number(time),
            {
              count: '160',
              sum: '240',
              buckets: [
                [0, '0.5', '1', '40'],
                [0, '1', '2', '80'],
                [0, '2', '4', '40'],
              ],
            },
          ],
        },
      ],
    });
    const quantile = await ask('histogram_quantile(0.5, sum(rate(request_seconds[1m])))');
    expect(quantile.resultType === 'vector' && Number(quantile.result[0]?.value?.[1])).toBeCloseTo(
      Math.SQRT2,
    );
    expect(await ask('histogram_count(request_seconds{instance="a"} </ 1)')).toMatchObject({
      result: [{ value: [Number(time), '20'] }],
    });
  };
  await check();
  const printed = await runCommand(['query', '--url', program.url, '--at', time, 'sum(request_seconds)'], {});
  expect(printed.stdout).toBe(`{} => {count:160, sum:240, (0.5,1]:40, (1,2]:80, (2,4]:40} @[${time}]\n`);
  await program.kill();
  program = await start();
  await check();
});
