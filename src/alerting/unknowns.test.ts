// A target falls silent: what fired on it is unknown, and each receiver that was told hears of that once.

import { describe, expect, it } from 'vitest';
import { type Alert, targetId } from '../model/index.ts';
import { configOf, routeSpec, World } from './testdata/harness.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const TARGET = targetId('job/x');

function unknown(w: World, alert: Alert): Alert {
  const silent = {
    ...alert,
    state: 'unknown',
    absence: 'target_silent',
    reason: 'its target is silent: job/x',
    producer: TARGET,
  } as const;
  w.firing.set(alert.fingerprint, silent);
  w.send([silent]);
  return silent;
}

/** The data is back, and the condition holds still. */
function back(w: World, alert: Alert): void {
  w.firing.set(alert.fingerprint, alert);
  w.send([alert]);
}

const byInstance = routeSpec({ groupBy: ['instance'] });

async function world(spec = byInstance): Promise<World> {
  const made = new World(configOf(spec));
  await made.start();
  return made;
}

describe('alerts that are unknown since their target is silent', () => {
  it('are told in one message, whatever groups they are in, and their groups do not repeat it', async () => {
    const w = await world();
    const fired = ['a', 'b', 'c'].map(instance => w.fire({ instance }));
    await w.clock.advance(2 * MINUTE_MS);
    for (const alert of fired) unknown(w, alert);
    await w.clock.advance(70 * MINUTE_MS);
    expect(w.told()).toBe(
      [
        '30s ops a: first notification',
        '30s ops b: first notification',
        '30s ops c: first notification',
        '150s ops a b c: data missing',
        '3750s ops a b c: data missing',
      ].join('\n'),
    );
    const [message] = w.arrived.slice(-1);
    expect(message?.job.alerts.map(alert => alert.annotations)).toEqual(
      fired.map(() => expect.arrayContaining(['watchkeeper_unknown', 'its target is silent: job/x'])),
    );
  });

  it('are said again when the target is silent another time, and not when its data is back', async () => {
    const w = await world();
    const alert = w.fire({ instance: 'a' });
    await w.clock.advance(2 * MINUTE_MS);
    unknown(w, alert);
    await w.clock.advance(5 * MINUTE_MS);
    back(w, alert);
    await w.clock.advance(10 * MINUTE_MS);
    unknown(w, alert);
    await w.clock.advance(5 * MINUTE_MS);
    w.resolve(alert);
    await w.clock.advance(10 * MINUTE_MS);
    expect(w.told()).toBe(
      [
        '30s ops a: first notification',
        '150s ops a: data missing',
        '1050s ops a: data missing',
        '1530s ops -a: alerts resolved',
      ].join('\n'),
    );
  });

  it('that nobody was told of are told by their own group only', async () => {
    const w = await world();
    unknown(w, w.fire({ instance: 'a' }));
    await w.clock.advance(20_000);
    expect(w.told()).toBe('');
    await w.clock.advance(2 * MINUTE_MS);
    expect(w.arrived[0]?.job.reason).toBe('first notification');
  });

  it('for another cause than a silent target make no message', async () => {
    const w = await world();
    const alert = w.fire({ instance: 'a' });
    await w.clock.advance(2 * MINUTE_MS);
    const restarted = { ...alert, state: 'unknown', absence: 'restarted', reason: 'restarted' } as const;
    w.firing.set(alert.fingerprint, restarted);
    await w.clock.advance(20 * MINUTE_MS);
    expect(w.told()).toBe('30s ops a: first notification');
  });

  it('are not said twice over a restart or a reload, and forgotten when they ended meanwhile', async () => {
    const w = await world();
    const alert = w.fire({ instance: 'a' });
    const other = w.fire({ instance: 'b' });
    await w.clock.advance(2 * MINUTE_MS);
    unknown(w, alert);
    unknown(w, other);
    await w.clock.advance(5 * MINUTE_MS);
    await w.restart();
    await w.clock.advance(10 * MINUTE_MS);
    w.dispatcher.reload(configOf(routeSpec({ groupBy: ['instance'], groupWaitMs: 10_000 })));
    await w.clock.advance(10 * MINUTE_MS);
    const before = [
      '30s ops a: first notification',
      '30s ops b: first notification',
      '150s ops a b: data missing',
    ];
    expect(w.told()).toBe(before.join('\n'));
    // The process is away while one of them is back: its next silence is news.
    w.firing.set(alert.fingerprint, alert);
    await w.restart();
    await w.clock.advance(10 * MINUTE_MS);
    unknown(w, alert);
    await w.clock.advance(10 * MINUTE_MS);
    expect(
      w
        .told()
        .split('\n')
        .slice(before.length)
        .map(line => line.replace(/^\d+s /, '')),
    ).toEqual(['ops a b: data missing']);
  });

  it('that are silenced are left out', async () => {
    const w = await world();
    const alert = w.fire({ instance: 'a' });
    const other = w.fire({ instance: 'b' });
    await w.clock.advance(2 * MINUTE_MS);
    await w.dispatcher.setSilence({
      matchers: [{ name: 'instance', op: '=', value: 'a' }],
      endsAtMs: w.clock.nowMs() + HOUR_MS,
      createdBy: 'ann',
      comment: 'known',
    });
    unknown(w, alert);
    unknown(w, other);
    await w.clock.advance(5 * MINUTE_MS);
    expect(w.told().split('\n').at(-1)).toBe('150s ops b: data missing');
  });

  it('stand in the groups of their routes only, for whoever asks', async () => {
    const w = await world();
    const alert = w.fire({ instance: 'a' });
    await w.clock.advance(2 * MINUTE_MS);
    unknown(w, alert);
    await w.clock.advance(5 * MINUTE_MS);
    expect(w.dispatcher.groupStatuses().map(group => group.key)).toEqual(['{}:{instance="a"}']);
    expect(w.dispatcher.alertStatuses()[0]).toMatchObject({
      receivers: ['ops'],
      groupKeys: ['{}:{instance="a"}'],
    });
  });
});
