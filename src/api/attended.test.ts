// Series, labels, search, federation and remote read stand in the queue of queries, and are counted and limited as they are.

import { compressSync } from 'snappy';
import { describe, expect, it } from 'vitest';
import { settle } from '../../test/support/clock.ts';
import { ok, type ServerRequest, type ServerResponse } from '../base/index.ts';
import { encodeReadRequest } from '../exposition/testdata/remote-read.ts';
import type { AdmittedRead } from '../model/index.ts';
import type { QuerySettings } from '../promql/index.ts';
import { type Bench, bench, OPEN, readAll } from './testdata/bench.ts';

const T = Date.UTC(2026, 0, 1);
const READ = new Uint8Array(
  compressSync(
    Buffer.from(
      encodeReadRequest([{ startMs: T - 600_000, endMs: T, matchers: [['__name__', '=', 'm']] }], [0]),
    ),
  ),
);

const ROUTES: readonly (readonly [text: string, request: Partial<ServerRequest>])[] = [
  ['/api/v1/series {__name__="m"}', { path: '/api/v1/series', query: 'match[]=m' }],
  ['/api/v1/labels', { path: '/api/v1/labels' }],
  [
    '/api/v1/label/job/values {job="page"}',
    { path: '/api/v1/label/job/values', query: 'match[]={job="page"}' },
  ],
  ['/api/v1/search/metric_names', { path: '/api/v1/search/metric_names' }],
  ['/federate {__name__="m"}', { path: '/federate', query: 'match[]=m' }],
  [
    '/api/v1/read {__name__="m"}',
    { method: 'POST', path: '/api/v1/read', body: async () => ok(READ), rawBody: async () => ok(READ) },
  ],
];

/** With one place, which somebody has. */
async function taken(
  limits: Partial<QuerySettings> = {},
): Promise<{ readonly b: Bench; readonly other: AdmittedRead }> {
  const b = await bench(OPEN, { runningMax: 1, ...limits });
  const other = await enter(b);
  return { b, other };
}

async function enter({ deps }: Bench): Promise<AdmittedRead> {
  const { signal } = new AbortController();
  const range = { fromMs: Number.NEGATIVE_INFINITY, toMs: Number.POSITIVE_INFINITY };
  const entered = await deps.query.enter({ text: 'other', range, principal: { kind: 'loopback' } }, signal);
  if (!entered.ok) throw new Error(entered.error.message);
  return entered.value;
}

const waiting = ({ deps }: Bench): readonly string[] => deps.queryActivity().waiting.map(({ expr }) => expr);

function heldBytes({ deps }: Bench): number {
  const { running, waiting: others } = deps.queryActivity();
  return running.length + others.length;
}

async function answered(
  b: Bench,
  request: Partial<ServerRequest>,
): Promise<ServerResponse & { text: string }> {
  const pending = b.ask(request);
  await b.clock.advance(50);
  const response = await pending;
  return { ...response, text: await readAll(response) };
}

describe.each(ROUTES)('%s', (text, request) => {
  it('waits for its turn, is seen, and is remembered with what it read', async () => {
    const { b, other } = await taken();
    const pending = b.ask(request);
    await settle();
    expect(waiting(b)).toEqual([text]);
    other.end(undefined)();
    await b.clock.advance(50);
    const response = await pending;
    expect(response.status).toBe(200);
    expect((await readAll(response)).length).toBeGreaterThan(10);
    expect(b.deps.queryActivity()).toMatchObject({
      running: [],
      waiting: [],
      last: [
        {
          expr: text,
          who: 'loopback',
          client: '127.0.0.1',
          verdict: 'ok',
          cost: { seriesRead: expect.any(Number) },
        },
        {},
      ],
    });
  });

  it('is refused for the moment where too many wait', async () => {
    const { b } = await taken({ waitingMax: 0 });
    expect(await answered(b, request)).toMatchObject({
      status: 503,
      headers: { 'retry-after': '2' },
      text: expect.stringContaining('query.waiting_max'),
    });
  });

  it('leaves the queue with its client', async () => {
    const { b } = await taken();
    const leaving = new AbortController();
    const pending = b.ask({ ...request, signal: leaving.signal });
    await settle();
    leaving.abort();
    expect((await pending).status).toBe(499);
    expect(waiting(b)).toEqual([]);
  });

  it('is refused where its time is up before its turn', async () => {
    const { b } = await taken({ timeoutMs: 3000 });
    const pending = b.ask(request);
    await b.clock.advance(3000);
    expect((await pending).status).toBe(503);
  });
});

describe.each(ROUTES.slice(0, 5))('%s', (_, request) => {
  it('may not hold more than a query may', async () => {
    const b = await bench(OPEN, { bytesMax: 100 });
    const response = await answered(b, request);
    expect([response.status, response.text]).toMatchObject([
      422,
      expect.stringContaining('query.memory_max'),
    ]);
    expect(heldBytes(b)).toBe(0);
  });

  it('waits where all together hold too much, and begins again', async () => {
    const b = await bench(OPEN, { totalBytesMax: 1000 });
    const other = await enter(b);
    expect(other.reserve(900)).toBe(true);
    const pending = b.ask(request);
    await b.clock.advance(50);
    expect(waiting(b)).toHaveLength(1);
    other.end(undefined)();
    await b.clock.advance(50);
    const response = await pending;
    expect(response.status).toBe(200);
    expect(await readAll(response)).toContain(request.path === '/api/v1/label/job/values' ? 'page' : 'm');
    // All of it is handed back: there is room for the whole of it.
    const next = await enter(b);
    expect(next.reserve(1000)).toBe(true);
  });
});
