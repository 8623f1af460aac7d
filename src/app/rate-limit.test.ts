import fc from 'fast-check';
import { expect, it } from 'vitest';
import { FakeClock } from '../../test/support/clock.ts';
import { ok, type ServerRequest } from '../base/index.ts';
import type { RateLimit } from '../config/index.ts';
import { fullBucket, rateLimited, takeToken } from './rate-limit.ts';

it('lets through a burst, then one each interval, whenever they come', () => {
  const limit = { intervalMs: 100, burst: 3 };
  fc.assert(
    fc.property(fc.array(fc.nat(400), { maxLength: 60 }), waits => {
      let bucket = fullBucket(limit, 0);
      const through: number[] = [];
      let nowMs = 0;
      for (const wait of waits) {
        nowMs += wait;
        const taken = takeToken(bucket, limit, nowMs);
        if (taken === undefined) continue;
        bucket = taken;
        through.push(nowMs);
      }
      // In no stretch more than the burst and what fell in meanwhile.
      through.forEach((fromMs, i) => {
        through.slice(i).forEach((toMs, count) => {
          expect(count + 1).toBeLessThanOrEqual(limit.burst + (toMs - fromMs) / limit.intervalMs + 1e-6);
        });
      });
    }),
    { seed: 5 },
  );
});

const REQUEST: ServerRequest = {
  method: 'GET',
  path: '/',
  query: '',
  headers: {},
  remoteAddress: '127.0.0.1',
  signal: new AbortController().signal,
  body: async () => ok(new Uint8Array()),
  rawBody: async () => ok(new Uint8Array()),
};

it('answers 429 beyond it, and goes by another limit as soon as there is one', async () => {
  const clock = new FakeClock();
  let limit: RateLimit | undefined = { intervalMs: 2500, burst: 2 };
  const handler = rateLimited(
    async () => ({ status: 200, headers: {}, body: '' }),
    clock,
    () => limit,
  );
  const statuses = async (count: number): Promise<readonly number[]> => {
    const answers = await Promise.all(Array.from({ length: count }, () => handler(REQUEST)));
    return answers.map(({ status }) => status);
  };
  expect(await statuses(3)).toEqual([200, 200, 429]);
  expect((await handler(REQUEST)).headers).toMatchObject({ 'retry-after': '3' });
  await clock.advance(2500);
  expect(await statuses(2)).toEqual([200, 429]);
  limit = { intervalMs: 1000, burst: 1 };
  expect(await statuses(2)).toEqual([200, 429]);
  limit = { intervalMs: 1000, burst: 0 };
  await clock.advance(60_000);
  expect(await statuses(1)).toEqual([429]);
  limit = undefined;
  expect(await statuses(3)).toEqual([200, 200, 200]);
});
