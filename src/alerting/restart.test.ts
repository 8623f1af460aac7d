// The promises over a death of the process: no alert lost, no needless repeat, tried at every commit boundary.

import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../test/support/random.ts';
import type { NotificationJob } from '../model/index.ts';
import { alertOf, configOf, routeSpec, World } from './testdata/harness.ts';

const MINUTE_MS = 60_000;
const SLICE_MS = 5000;

interface Crash {
  readonly at: number;
  readonly when: 'before' | 'after';
}

/** Three alerts come, one goes: told at 30 s, 330 s (news) and 630 s (resolved). */
async function run(crash: Crash | undefined): Promise<World> {
  const w = new World(configOf(routeSpec()));
  if (crash?.when === 'before') w.state.crashBefore(crash.at);
  if (crash?.when === 'after') w.state.crashAfter(crash.at);
  let crashed = false;
  void w.state.whenCrashed.then(() => {
    crashed = true;
  });
  await w.start();
  const a = alertOf({ instance: 'a' }, { firedAtMs: w.startMs, activeAtMs: w.startMs });
  w.fire({ instance: 'a' });
  w.fire({ instance: 'b' });
  for (let atMs = 0; atMs < 25 * MINUTE_MS; atMs += SLICE_MS) {
    if (atMs === 2 * MINUTE_MS) w.fire({ instance: 'c' });
    if (atMs === 7 * MINUTE_MS) w.resolve(a);
    await w.clock.advance(SLICE_MS);
    if (crashed) {
      crashed = false;
      await w.restart();
    }
  }
  return w;
}

function contentOf(job: NotificationJob): string {
  return JSON.stringify(job.alerts.map(one => [one.fingerprint, one.state === 'resolved']));
}

function checkPromises(w: World, crash: string): void {
  const delivered = new Set(
    w.arrived.flatMap(({ job }) =>
      job.alerts.filter(one => one.state === 'firing').map(one => one.fingerprint),
    ),
  );
  expect(delivered.size, `${crash}: each firing alert is delivered`).toBe(3);
  const ended = w.arrived.some(({ job }) => job.alerts.some(one => one.state === 'resolved'));
  expect(ended, `${crash}: the end is told`).toBe(true);
  const seen = new Set<string>();
  let repeats = 0;
  for (const { job } of w.arrived) {
    const content = contentOf(job);
    if (seen.has(content)) {
      repeats += 1;
      expect(job.possibleRepeat, `${crash}: a repeat is marked`).toBe(true);
    }
    seen.add(content);
  }
  expect(repeats, `${crash}: at most one repeat`).toBeLessThanOrEqual(1);
}

describe('a death at every commit', () => {
  it('loses nothing and repeats only what had no outcome', async () => {
    const calm = await run(undefined);
    expect(calm.told()).toBe(
      [
        '30s ops a b: first notification',
        '330s ops a b c: new alerts in group',
        '630s ops -a b c: alerts resolved',
      ].join('\n'),
    );
    const boundaries = calm.state.commits;
    expect(boundaries).toBeGreaterThan(8);
    let marked = 0;
    for (let at = 1; at <= boundaries; at++) {
      for (const when of ['before', 'after'] as const) {
        const w = await run({ at, when });
        checkPromises(w, `${when} commit ${at}`);
        marked += w.arrived.filter(({ job }) => job.possibleRepeat).length;
        const open = await w.state.openIntents();
        expect(open.ok && open.value, `${when} commit ${at}: every intent got its outcome`).toEqual([]);
      }
    }
    // The loop did reach the place between sending and its outcome.
    expect(marked).toBeGreaterThanOrEqual(3);
  });
});

describe('messages of which nobody knows whether they arrived', () => {
  it('are each in the journal, also those that a later one covers', async () => {
    const w = new World(configOf(routeSpec()));
    w.delivers = n => (n < 3 ? 'doubt' : 'sent');
    await w.start();
    w.fire({ instance: 'a' });
    await w.clock.advance(60 * MINUTE_MS);
    expect(w.jobs.length).toBeGreaterThanOrEqual(4);
    await w.dispatcher.written();
    const events = await w.state.journal({ stage: 'notify', limit: 1000, newestFirst: false });
    if (!events.ok) throw new Error(events.error.message);
    const interrupted = events.value.filter(event => event.verdict === 'interrupted');
    const told = interrupted.reduce((sum, event) => sum + 1 + event.repeats, 0);
    expect(told).toBe(3);
    const open = await w.state.openIntents();
    expect(open.ok && open.value).toEqual([]);
  });
});

describe('a restart', () => {
  it('does not tell again what was told, and repeats when due', async () => {
    const w = new World(configOf(routeSpec()));
    await w.start();
    w.fire({ instance: 'a' });
    await w.clock.advance(MINUTE_MS);
    for (let i = 0; i < 5; i++) {
      await w.restart();
      await w.clock.advance(5 * MINUTE_MS);
    }
    expect(w.told()).toBe('30s ops a: first notification');
    await w.clock.advance(60 * MINUTE_MS);
    expect(w.told().split('\n')).toHaveLength(2);
  });

  it('tells of an alert that resolved while the process was down', async () => {
    const w = new World(configOf(routeSpec()));
    await w.start();
    const a = w.fire({ instance: 'a' });
    w.fire({ instance: 'b' });
    await w.clock.advance(MINUTE_MS);
    const image = w.state.killProcess();
    w.resolve(a);
    await w.restart(image);
    await w.clock.advance(10 * MINUTE_MS);
    expect(w.told().split('\n').slice(1)).toEqual(['60s ops -a b: alerts resolved']);
  });

  it('does not take alerts for resolved whose rules have not been evaluated yet', async () => {
    const w = new World(configOf(routeSpec()));
    await w.start();
    const a = w.fire({ instance: 'a' });
    const b = w.fire({ instance: 'b' });
    await w.clock.advance(MINUTE_MS);
    w.rulesDown = true;
    w.settles = false;
    await w.restart();
    w.send([{ ...a, state: 'resolved', resolvedAtMs: w.clock.nowMs() }]);
    await w.clock.advance(10_000);
    expect(w.jobs).toHaveLength(1);
    w.send([b]);
    w.dispatcher.rulesSettled();
    await w.clock.advance(1000);
    expect(w.told().split('\n').slice(1)).toEqual(['70s ops -a b: alerts resolved']);
  });

  it('goes on without rules that stay silent for too long after the start', async () => {
    const w = new World(configOf(routeSpec()));
    await w.start();
    const a = w.fire({ instance: 'a' });
    w.fire({ instance: 'b' });
    await w.clock.advance(MINUTE_MS);
    w.rulesDown = true;
    w.settles = false;
    await w.restart();
    w.send([{ ...a, state: 'resolved', resolvedAtMs: w.clock.nowMs() }]);
    await w.clock.advance(4 * MINUTE_MS);
    expect(w.jobs).toHaveLength(1);
    await w.clock.advance(2 * MINUTE_MS);
    expect(w.told().split('\n')[1]).toContain('-a: alerts resolved');
  });

  it('closes an intent of an alert that came back resolved and that nobody needs to hear of', async () => {
    const w = new World(configOf(routeSpec({ receiver: 'mute' })));
    await w.start();
    const a = w.fire({ instance: 'a' });
    w.delivers = () => 'hang';
    await w.clock.advance(MINUTE_MS);
    const image = w.state.killProcess();
    w.resolve(a);
    await w.restart(image);
    await w.clock.advance(10 * MINUTE_MS);
    const open = await w.state.openIntents();
    expect(open.ok && open.value).toEqual([]);
    expect(w.jobs).toHaveLength(1);
  });
});

describe('random histories', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])('keep the promises (seed %i)', async seed => {
    const random = seededRandom(seed);
    const specs = [
      routeSpec(),
      routeSpec({ groupBy: ['instance'] }),
      routeSpec({ groupBy: [], groupIntervalMs: 60_000 }),
      routeSpec({ groupBy: 'all', groupWaitMs: 0 }),
    ];
    const w = new World(configOf(routeSpec()));
    // One in five deliveries fails; a death may also cut one off.
    w.delivers = () => (random.float() < 0.2 ? 'drop' : 'sent');
    await w.start();
    for (let step = 0; step < 120; step++) {
      const instance = String.fromCharCode(97 + Math.floor(random.float() * 5));
      const known = [...w.firing.values()].find(one => one.labels.includes(instance));
      const dice = random.float();
      if (dice < 0.25 && known === undefined) w.fire({ instance });
      else if (dice < 0.4 && known !== undefined) w.resolve(known);
      else if (dice < 0.5) await w.restart();
      else if (dice < 0.55) {
        w.config = configOf(specs[Math.floor(random.float() * specs.length)] ?? routeSpec());
        w.dispatcher.reload(w.config);
      }
      await w.clock.advance(Math.floor(random.float() * 2 * MINUTE_MS));
    }
    w.delivers = () => 'sent';
    await w.clock.advance(15 * MINUTE_MS);
    // At rest the receiver's view of the world is the true one: replay what arrived.
    const view = new Map<string, string>();
    for (const { job } of w.arrived) for (const one of job.alerts) view.set(one.fingerprint, one.state);
    const believed = [...view].filter(([, state]) => state === 'firing').map(([fingerprint]) => fingerprint);
    expect(believed.sort(), `seed ${seed}`).toEqual([...w.firing.keys()].sort());
  });
});
