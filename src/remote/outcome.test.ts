// What answers mean, when to try again, and how many requests may be under way.

import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../test/support/random.ts';
import { err, ok } from '../base/index.ts';
import { backoffMs, outcomeOf } from './outcome.ts';
import type { WriteProtocol } from './settings.ts';
import { wantedShards } from './shards.ts';
import { shownUrl } from './shown-url.ts';

const V1: WriteProtocol = 'prometheus.WriteRequest';
const V2: WriteProtocol = 'io.prometheus.write.v2.Request';
const NOW_MS = Date.UTC(2026, 0, 1);
const AMOUNTS = { samples: 10, histograms: 2, exemplars: 1 };

function judge(
  status: number,
  more: {
    protocol?: WriteProtocol;
    retryOn429?: boolean;
    headers?: Record<string, string>;
    body?: string;
  } = {},
): ReturnType<typeof outcomeOf> {
  const { protocol = V1, retryOn429 = false, headers = {}, body = '' } = more;
  const answer = ok({ status, headers, body: new TextEncoder().encode(body), wireBytes: 0 });
  return outcomeOf(answer, { amounts: AMOUNTS, protocol, retryOn429, nowMs: NOW_MS });
}

const written = (samples: number, histograms: number, exemplars: number): Record<string, string> => ({
  'x-prometheus-remote-write-samples-written': `${samples}`,
  'x-prometheus-remote-write-histograms-written': `${histograms}`,
  'x-prometheus-remote-write-exemplars-written': `${exemplars}`,
});

describe('an answer', () => {
  it.each([200, 202, 204])('%i of 1.0 is taken', status => {
    expect(judge(status)).toMatchObject({ kind: 'sent', failed: { samples: 0 }, cause: '' });
  });
  it.each([500, 502, 503, 504, 599])('%i comes again', status => {
    expect(judge(status)).toMatchObject({ kind: 'retry' });
  });
  it.each([300, 400, 401, 403, 404, 408, 413, 415, 429])('%i of 1.0 is refused for good', status => {
    expect(judge(status)).toMatchObject({ kind: 'refused', failed: AMOUNTS });
  });
  it('429 comes again where that is wanted', () => {
    expect(judge(429, { retryOn429: true })).toMatchObject({ kind: 'retry' });
  });
  it('what breaks on the way comes again', () => {
    const broken = err({ code: 'http-reset', message: 'gone' } as const);
    expect(
      outcomeOf(broken, { amounts: AMOUNTS, protocol: V1, retryOn429: false, nowMs: NOW_MS }),
    ).toMatchObject({
      kind: 'retry',
      cause: 'http-reset: gone',
    });
  });
  it('its words are kept as they are, and not without end', () => {
    expect(judge(400, { body: 'out of order: "a" \\ b\n' })).toMatchObject({
      cause: 'status 400: out of order: "a" \\ b',
    });
    const long = judge(400, { body: 'x'.repeat(1_000_000) });
    expect('cause' in long && long.cause.length).toBe(1000);
  });
  it.each([
    ['7', 7000],
    ['0', 0],
    ['Thu, 01 Jan 2026 00:00:09 GMT', 9000],
    ['99999', 300_000],
    ['soon', undefined],
  ])('Retry-After "%s" asks for %s ms', (value, afterMs) => {
    expect(judge(503, { headers: { 'retry-after': value } })).toMatchObject({ kind: 'retry', afterMs });
  });
});

describe('an answer of 2.0', () => {
  it('is taken as far as it says that it was written', () => {
    expect(judge(200, { protocol: V2, headers: written(10, 2, 1) })).toMatchObject({
      kind: 'sent',
      cause: '',
    });
    expect(judge(200, { protocol: V2, headers: written(7, 2, 0) })).toMatchObject({
      kind: 'sent',
      failed: { samples: 3, histograms: 0, exemplars: 1 },
      cause: expect.stringContaining('did not write 3'),
    });
  });
  it('that says nothing has not understood', () => {
    expect(judge(204, { protocol: V2 })).toMatchObject({
      kind: 'sent',
      failed: AMOUNTS,
      cause: expect.stringContaining('1.0 only'),
    });
  });
  it('refused in part counts what was written, and nothing where it does not say', () => {
    expect(judge(400, { protocol: V2, headers: written(9, 2, 1) })).toMatchObject({
      kind: 'refused',
      failed: { samples: 1, histograms: 0, exemplars: 0 },
    });
    expect(judge(400, { protocol: V2 })).toMatchObject({ kind: 'refused', failed: AMOUNTS });
  });
  it('415 asks for 1.0', () => {
    expect(judge(415, { protocol: V2 })).toMatchObject({ kind: 'unsupported' });
  });
});

describe('the wait between attempts', () => {
  const bounds = { backoffMinMs: 30, backoffMaxMs: 5000 };
  it('doubles up to its maximum, spread over half of it', () => {
    const random = seededRandom(1);
    for (let failures = 1; failures < 40; failures++) {
      const full = Math.min(5000, 30 * 2 ** (failures - 1));
      const waits = Array.from({ length: 100 }, () =>
        backoffMs(failures, bounds, { random, afterMs: undefined }),
      );
      expect(Math.min(...waits)).toBeGreaterThanOrEqual(full / 2);
      expect(Math.max(...waits)).toBeLessThanOrEqual(full);
      expect(new Set(waits).size).toBeGreaterThan(10);
    }
  });
  it('is never shorter than the receiver asks', () => {
    expect(backoffMs(1, bounds, { random: seededRandom(1), afterMs: 60_000 })).toBe(60_000);
  });
});

it('a URL is shown without the password that stands in it', () => {
  expect(shownUrl('https://me:hunter2@host/write?a=b')).toBe('https://me:xxxxx@host/write?a=b');
  expect(shownUrl('http://host/write')).toBe('http://host/write');
});

describe('shards', () => {
  const queue = {
    capacity: 10_000,
    shardsMin: 1,
    shardsMax: 8,
    samplesPerSend: 2000,
    batchDeadlineMs: 5000,
    backoffMinMs: 30,
    backoffMaxMs: 5000,
    retryOn429: false,
    ageMaxMs: 0,
  };
  const pace = { busyMs: 1000, sentSamples: 1000, inSamplesPerSecond: 0, waitingSamples: 0 };
  it('grow while much waits, at most twofold at a time and up to their maximum', () => {
    const much = { ...pace, waitingSamples: 1_000_000 };
    const seen = [1];
    for (let i = 0; i < 5; i++) seen.push(wantedShards(seen.at(-1) ?? 1, much, queue));
    expect(seen).toEqual([1, 2, 4, 8, 8, 8]);
  });
  it('shrink to what comes in needs', () => {
    expect(wantedShards(8, { ...pace, inSamplesPerSecond: 3000 }, queue)).toBe(3);
    expect(wantedShards(8, pace, queue)).toBe(1);
  });
  it('stay where the need is near, or unknown', () => {
    expect(wantedShards(4, { ...pace, inSamplesPerSecond: 4900 }, queue)).toBe(4);
    expect(wantedShards(4, { ...pace, sentSamples: 0 }, queue)).toBe(4);
  });
});
