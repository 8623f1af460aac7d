// Alerts that others post: defaults, refusals, overlapping words, replicas, ends, restarts and limits.

import { describe, expect, it } from 'vitest';
import { labelsFrom, type PostedAlert, type PostedRecord } from '../model/index.ts';
import { acceptPosted, mergePosted } from './posted.ts';
import { configOf, routeSpec, World } from './testdata/harness.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const NOW = Date.UTC(2026, 0, 1);
const AT = { nowMs: NOW, resolveTimeoutMs: 5 * MINUTE_MS };

function posted(instance: string, part: Partial<PostedAlert> = {}): PostedAlert {
  const labels = labelsFrom({ alertname: 'Down', instance });
  return { labels, annotations: labelsFrom({ summary: 'down' }), generatorUrl: 'http://p/g', ...part };
}

describe('what is filled in', () => {
  const cases: readonly (readonly [string, Partial<PostedAlert>, Partial<PostedRecord>])[] = [
    ['nothing given', {}, { startsAtMs: NOW, endsAtMs: NOW + 300_000, endIsTimeout: true }],
    ['a start', { startsAtMs: NOW - 5 }, { startsAtMs: NOW - 5, endsAtMs: NOW + 300_000 }],
    ['an end', { endsAtMs: NOW + 7 }, { startsAtMs: NOW + 7, endsAtMs: NOW + 7, endIsTimeout: false }],
    ['both', { startsAtMs: NOW - 9, endsAtMs: NOW - 7 }, { startsAtMs: NOW - 9, endsAtMs: NOW - 7 }],
  ];
  it.each(cases)('%s', (_, part, wanted) => {
    expect(acceptPosted([posted('a', part)], AT).records[0]).toMatchObject({ ...wanted, updatedAtMs: NOW });
  });
});

it('refuses invalid alerts one by one, with reasons, and takes the others', () => {
  const accepted = acceptPosted(
    [
      posted('a'),
      posted('b', { startsAtMs: NOW, endsAtMs: NOW - 1 }),
      posted('c', { labels: labelsFrom({}) }),
      posted('d', { labels: labelsFrom({ a: '\ud800' }) }),
      posted('e', { annotations: labelsFrom({ '': 'x' }) }),
      posted('f'),
    ],
    AT,
  );
  expect(accepted.accepted).toBe(2);
  expect(accepted.indices).toEqual([0, 5]);
  expect(accepted.refused).toEqual([
    { index: 1, reason: 'start time must be before end time' },
    { index: 2, reason: 'at least one label pair required' },
    { index: 3, reason: expect.stringContaining('invalid label set: invalid value') },
    { index: 4, reason: 'invalid annotations: invalid name ""' },
  ]);
});

describe('two words on one alert', () => {
  const record = (startsAtMs: number, endsAtMs: number, endIsTimeout = false): PostedRecord => ({
    fingerprint: 'f',
    labels: labelsFrom({ alertname: 'Down' }),
    annotations: labelsFrom({}),
    startsAtMs,
    endsAtMs,
    endIsTimeout,
    updatedAtMs: 0,
    generatorUrl: '',
  });
  // Start and end of the older word, of the newer, and of what holds at 100; t marks an end by timeout.
  const cases: readonly (readonly [string, PostedRecord, PostedRecord, readonly [number, number]])[] = [
    ['the same alert again, longer', record(50, 120), record(50, 150), [50, 150]],
    ['a later start within: the earliest holds', record(50, 120), record(60, 150), [50, 150]],
    ['a shorter end that was posted does not cut a longer one', record(50, 200), record(50, 150), [50, 200]],
    ['a shorter end cuts a timeout', record(50, 200, true), record(50, 150), [50, 150]],
    ['its end is posted', record(50, 200, true), record(50, 90), [50, 90]],
    ['its end is posted, against a posted end to come', record(50, 200), record(50, 90), [50, 90]],
    ['both over: the later end holds', record(50, 95), record(50, 90), [50, 95]],
    ['a new episode', record(50, 60), record(80, 150), [80, 150]],
  ];
  it.each(cases)('%s', (_, known, next, [startsAtMs, endsAtMs]) => {
    expect(mergePosted(known, next, 100)).toMatchObject({ startsAtMs, endsAtMs });
  });
});

async function world(part: Parameters<typeof routeSpec>[0] = {}): Promise<World> {
  const made = new World(configOf(routeSpec(part)));
  await made.start();
  return made;
}

async function post(w: World, ...alerts: readonly PostedAlert[]) {
  return w.dispatcher.receive(alerts, w.clock.nowMs());
}

describe('in the dispatcher', () => {
  it('stands until resolve_timeout after its last post, then is told as resolved', async () => {
    const w = await world();
    await post(w, posted('a'));
    await w.clock.advance(4 * MINUTE_MS);
    await post(w, posted('a'));
    await w.clock.advance(20 * MINUTE_MS);
    expect(w.told()).toBe(['30s ops a: first notification', '630s ops -a: alerts resolved'].join('\n'));
    const ended = w.arrived.at(-1)?.job.alerts[0];
    expect(ended?.resolvedAtMs).toBe(w.startMs + 9 * MINUTE_MS);
    expect(ended?.reason).toBe('not posted again in time');
    expect(w.dispatcher.groupStatuses()).toEqual([]);
  });

  it('two replicas that post the same alert are one, and one that says its end does not end it for long', async () => {
    const w = await world();
    for (let i = 0; i < 20; i++) {
      const endsAtMs = w.clock.nowMs() + 4 * MINUTE_MS;
      await post(w, posted('a', { startsAtMs: w.startMs, endsAtMs }));
      await w.clock.advance(15_000);
      await post(w, posted('a', { startsAtMs: w.startMs + 3000, endsAtMs: endsAtMs + 15_000 }));
      await w.clock.advance(45_000);
    }
    expect(w.told()).toBe('30s ops a: first notification');
    expect(w.arrived[0]?.job.alerts).toHaveLength(1);
    expect(w.dispatcher.alertStatuses()[0]?.alert.firedAtMs).toBe(w.startMs);
  });

  it('an alert of a rule and the same one posted are one: it ends when both have ended', async () => {
    const w = await world();
    const own = w.fire({ instance: 'a' });
    await post(w, posted('a'));
    await w.clock.advance(MINUTE_MS);
    w.resolve(own);
    expect(w.dispatcher.alertStatuses()[0]?.alert.state).toBe('firing');
    await w.clock.advance(20 * MINUTE_MS);
    expect(w.told()).toBe(['30s ops a: first notification', '330s ops -a: alerts resolved'].join('\n'));
  });

  it('survives a restart without being posted again, and is told once', async () => {
    const w = await world();
    await post(w, posted('a', { endsAtMs: w.clock.nowMs() + HOUR_MS, startsAtMs: w.clock.nowMs() }));
    await w.restart();
    await w.clock.advance(MINUTE_MS);
    await w.restart();
    await w.clock.advance(90 * MINUTE_MS);
    expect(
      w
        .told()
        .split('\n')
        .filter(line => !/repeat/.test(line)),
    ).toEqual(['30s ops a: first notification', expect.stringMatching(/^36\d\ds ops -a: alerts resolved$/)]);
  });

  it('an end that passed while the process was down does not resolve it before there was time to post again', async () => {
    const w = await world();
    await post(w, posted('a'));
    await w.clock.advance(MINUTE_MS);
    const image = w.state.killProcess();
    await w.clock.advance(30 * MINUTE_MS);
    await w.restart(image);
    await w.clock.advance(MINUTE_MS);
    await post(w, posted('a'));
    await w.clock.advance(4 * MINUTE_MS);
    expect(w.told()).toBe('30s ops a: first notification');
    await w.clock.advance(30 * MINUTE_MS);
    expect(w.told()).toMatch(/ops -a: alerts resolved$/);
    // What ended before is not brought back by a restart.
    await w.restart();
    await w.clock.advance(10 * MINUTE_MS);
    expect(w.dispatcher.alertStatuses().filter(one => one.alert.state === 'firing')).toEqual([]);
    expect(w.told().split('\n')).toHaveLength(2);
  });

  it('an end that was moved without being written is not forgotten by a crash', async () => {
    const w = await world();
    await post(w, posted('a'));
    await w.clock.advance(MINUTE_MS);
    // It now ends a minute later, and the database knows of the first end alone.
    await post(w, posted('a'));
    const image = w.state.killProcess();
    await w.clock.advance(4 * MINUTE_MS - 1000);
    await w.restart(image);
    await w.clock.advance(5000);
    expect(w.dispatcher.alertStatuses().map(one => one.alert.state)).toEqual(['firing']);
    await post(w, posted('a'));
    await w.clock.advance(4 * MINUTE_MS);
    expect(w.told()).toBe('30s ops a: first notification');
  });

  it('is written once for many posts that only move its end', async () => {
    const w = await world();
    let writes = 0;
    const commit = w.state.commit.bind(w.state);
    w.state.commit = (batch, durability) => {
      writes += batch.filter(one => one.kind === 'posted_alert').length;
      return commit(batch, durability);
    };
    for (let i = 0; i < 60; i++) {
      await post(w, posted('a'));
      await w.clock.advance(15_000);
    }
    expect(writes).toBeGreaterThan(1);
    expect(writes).toBeLessThanOrEqual(8);
  });

  it('new alerts beyond the limit of their name are refused, known ones go on', async () => {
    const w = new World({
      ...configOf(routeSpec()),
      limits: { silencesMax: 0, silenceBytesMax: 0, alertsPerNameMax: 2 },
    });
    await w.start();
    const bad = posted('x', { labels: labelsFrom({}) });
    expect(await post(w, bad, posted('a'), posted('b'), posted('c'))).toEqual({
      accepted: 2,
      refused: [
        { index: 0, reason: 'at least one label pair required' },
        { index: 3, reason: 'too many alerts named "Down" (limit: 2)' },
      ],
    });
    expect((await post(w, posted('a'), posted('b'))).refused).toEqual([]);
    expect((await post(w, posted('d', { labels: labelsFrom({ alertname: 'Up' }) }))).accepted).toBe(1);
  });

  it('of many groups that are due at once each is told at its time', async () => {
    const w = new World(configOf(routeSpec({ groupBy: 'all' })));
    await w.start();
    await post(w, ...Array.from({ length: 500 }, (_, i) => posted(`i${i}`)));
    await w.clock.advance(30_000);
    const told = w.told().split('\n');
    expect(new Set(told).size).toBe(500);
    expect(told.filter(line => !line.startsWith('30s ops i'))).toEqual([]);
  });
});
