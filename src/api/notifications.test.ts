import { expect, it } from 'vitest';
import { bench, jsonOf } from './testdata/bench.ts';

const FAILED = 'Configuration reload has failed.';

it('tell what whoever runs the program should know, and nothing while all is well', async () => {
  const world = await bench();
  const active = async (): Promise<unknown> =>
    (jsonOf(await world.ask({ path: '/api/v1/notifications' })) as { readonly data: unknown }).data;
  expect(await active()).toEqual([]);
  world.reloadProblems = ['bad'];
  world.pausedSinceMs = 2000;
  world.ready = false;
  expect(await active()).toEqual([
    { text: expect.stringContaining('not ready'), date: '2026-01-01T00:00:00.000Z', active: true },
    { text: FAILED, date: '1970-01-01T00:00:01.000Z', active: true },
    { text: expect.stringContaining('cannot be written'), date: '1970-01-01T00:00:02.000Z', active: true },
  ]);
});

it('live: those that are active, then each that comes and each that is over', async () => {
  const world = await bench();
  world.reloadProblems = ['bad'];
  const gone = new AbortController();
  const answer = await world.ask({ path: '/api/v1/notifications/live', signal: gone.signal });
  expect(answer.headers['content-type']).toBe('text/event-stream');
  if (typeof answer.body === 'string' || answer.body instanceof Uint8Array)
    throw new Error('a stream expected');
  const events = answer.body[Symbol.asyncIterator]();
  const eventOf = async (next: ReturnType<typeof events.next>): Promise<unknown> => {
    const text = String((await next).value);
    expect(text).toMatch(/^data: .*\n\n$/);
    return JSON.parse(text.slice('data: '.length));
  };
  expect(await eventOf(events.next())).toMatchObject({ text: FAILED, active: true });
  world.reloadProblems = [];
  world.pausedSinceMs = 5000;
  const over = events.next();
  await world.clock.advance(1000);
  expect(await eventOf(over)).toMatchObject({ text: FAILED, active: false });
  expect(await eventOf(events.next())).toMatchObject({ date: '1970-01-01T00:00:05.000Z', active: true });
  const last = events.next();
  gone.abort();
  await world.clock.advance(1000);
  expect((await last).done).toBe(true);
});
