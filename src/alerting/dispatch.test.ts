// Dispatch over hours of fake time: who is told what, when and why.

import { describe, expect, it } from 'vitest';
import { labelValue } from '../model/index.ts';
import { configOf, routeSpec, World } from './testdata/harness.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

async function world(spec = routeSpec()): Promise<World> {
  const made = new World(configOf(spec));
  await made.start();
  return made;
}

describe('timing', () => {
  it('waits group_wait, gathers news for group_interval, repeats after repeat_interval', async () => {
    const w = await world();
    w.fire({ instance: 'a' });
    await w.clock.advance(20_000);
    w.fire({ instance: 'b' });
    await w.clock.advance(2 * MINUTE_MS);
    w.fire({ instance: 'c' });
    await w.clock.advance(2 * HOUR_MS);
    expect(w.told()).toBe(
      [
        '30s ops a b: first notification',
        '330s ops a b c: new alerts in group',
        '3930s ops a b c: repeat interval elapsed',
      ].join('\n'),
    );
  });

  it('sends the first message at once for an alert that fires for longer than group_wait', async () => {
    const w = await world();
    w.fire({ instance: 'a' }, { firedAtMs: w.startMs - HOUR_MS });
    await w.clock.advance(1000);
    expect(w.told()).toBe('0s ops a: first notification');
  });

  it('tells of resolved alerts once, at the next flush, and forgets the group', async () => {
    const w = await world();
    const a = w.fire({ instance: 'a' });
    const b = w.fire({ instance: 'b' });
    await w.clock.advance(MINUTE_MS);
    w.resolve(a);
    await w.clock.advance(10 * MINUTE_MS);
    w.resolve(b);
    await w.clock.advance(3 * HOUR_MS);
    expect(w.told()).toBe(
      [
        '30s ops a b: first notification',
        '330s ops -a b: alerts resolved',
        '930s ops -b: alerts resolved',
      ].join('\n'),
    );
    expect(w.dispatcher.groupStatuses()).toEqual([]);
    expect(w.dispatcher.alertStatuses()).toEqual([]);
  });

  it('says nothing about an alert that resolved within group_wait', async () => {
    const w = await world();
    w.resolve(w.fire({ instance: 'a' }));
    await w.clock.advance(HOUR_MS);
    expect(w.told()).toBe('');
    expect(await w.verdicts('group')).toContain('not_notified: ops: resolved before anyone was told');
  });

  it('does not tell a receiver of resolved alerts that does not want to know, yet tells of the next episode', async () => {
    const w = await world(routeSpec({ receiver: 'mute' }));
    const a = w.fire({ instance: 'a' });
    w.fire({ instance: 'b' });
    await w.clock.advance(MINUTE_MS);
    w.resolve(a);
    await w.clock.advance(10 * MINUTE_MS);
    w.fire({ instance: 'a' });
    await w.clock.advance(10 * MINUTE_MS);
    expect(w.told()).toBe(
      ['30s mute a b: first notification', '930s mute a b: new alerts in group'].join('\n'),
    );
  });

  it('goes on at its pace when the wall clock is set back by a day', async () => {
    const w = await world();
    w.fire({ instance: 'a' });
    await w.clock.advance(MINUTE_MS);
    w.clock.jump(-24 * HOUR_MS);
    w.fire({ instance: 'b' });
    await w.clock.advance(10 * MINUTE_MS);
    expect(w.arrived.length).toBeGreaterThanOrEqual(2);
    expect(w.arrived.at(-1)?.job.alerts).toHaveLength(2);
  });

  it('tries again at the next flush when a delivery failed', async () => {
    const w = await world();
    w.delivers = n => (n === 0 ? 'drop' : 'sent');
    w.fire({ instance: 'a' });
    await w.clock.advance(10 * MINUTE_MS);
    expect(w.told()).toBe('330s ops a: first notification');
  });
});

describe('routes', () => {
  it('serves every route that continue leads to, each with its own groups', async () => {
    const db = [{ name: 'team', op: '=', value: 'db' } as const];
    const w = await world(
      routeSpec({
        routes: [
          routeSpec({ receiver: 'db', matchers: db, continue: true, groupBy: 'all', groupWaitMs: 10_000 }),
          routeSpec({ matchers: db, groupBy: [] }),
        ],
      }),
    );
    w.fire({ instance: 'a', team: 'db' });
    w.fire({ instance: 'b', team: 'db' });
    await w.clock.advance(MINUTE_MS);
    expect(w.told().split('\n').sort()).toEqual([
      '10s db a: first notification',
      '10s db b: first notification',
      '30s ops a b: first notification',
    ]);
    expect(w.jobs.find(job => job.receiver === 'ops')?.groupKey).toBe('{}/{team="db"}:{}');
  });

  it('tells nobody where the receiver has no way out, and says so', async () => {
    const w = await world(routeSpec({ receiver: 'nobody' }));
    w.fire({ instance: 'a' });
    await w.clock.advance(MINUTE_MS);
    expect(w.told()).toBe('');
    expect(await w.verdicts('group')).toContain('not_notified: receiver nobody has no destination');
  });
});

describe('alerts', () => {
  it('keeps alerts of a rule that is evaluated no more, and journals it', async () => {
    const w = await world();
    w.fire({ instance: 'a' });
    w.rulesDown = true;
    await w.clock.advance(2 * HOUR_MS);
    expect(w.told()).toBe(
      ['30s ops a: first notification', '3630s ops a: repeat interval elapsed'].join('\n'),
    );
    expect(w.dispatcher.alertStatuses().map(one => one.stale)).toEqual([true]);
    expect(await w.verdicts('rule')).toEqual([
      'stale: its rule was not evaluated in time; the alert stands as it was',
    ]);
  });

  it('counts unknown alerts as firing, with the reason as an annotation', async () => {
    const w = await world();
    const a = w.fire({ instance: 'a' }, { state: 'unknown', reason: 'target silent' });
    await w.clock.advance(MINUTE_MS);
    const told = w.arrived[0]?.job.alerts[0];
    expect(told?.fingerprint).toBe(a.fingerprint);
    expect(labelValue(told?.annotations ?? a.annotations, 'watchkeeper_unknown')).toBe('target silent');
  });

  it('passes every firing evaluation on to recovery, and the end once', async () => {
    const w = await world();
    const a = w.fire({ instance: 'a' });
    await w.clock.advance(45_000);
    w.resolve(a);
    await w.clock.advance(MINUTE_MS);
    expect(w.recoveries.map(job => job.alert.state)).toEqual([
      'firing',
      'firing',
      'firing',
      'firing',
      'resolved',
    ]);
  });
});

describe('after_recovery_failed', () => {
  const spec = routeSpec({ notify: 'after_recovery_failed' });

  it('never tells of an alert that recovery cured', async () => {
    const w = await world(spec);
    const a = w.fire({ instance: 'a' });
    await w.clock.advance(MINUTE_MS);
    w.recovery(a, 'running');
    await w.clock.advance(MINUTE_MS);
    w.recovery(a, 'recovered', { proposedAtMs: w.startMs + MINUTE_MS });
    w.resolve(a);
    await w.clock.advance(HOUR_MS);
    expect(w.told()).toBe('');
    const verdicts = await w.verdicts('notify');
    expect(verdicts).toContain('held: held: recovery run is running');
    expect(verdicts).toContain('never notified: held: recovered');
  });

  it.each(['failed', 'escalated', 'blocked'] as const)(
    'tells at once when recovery has %s, and what was tried',
    async state => {
      const w = await world(spec);
      const a = w.fire({ instance: 'a' });
      await w.clock.advance(100_000);
      w.recovery(a, state);
      await w.clock.advance(1000);
      expect(w.told()).toBe('100s ops a: recovery failed');
      expect(w.arrived[0]?.job.recoveryReport).toContain('- restart: failed (exit code 1)');
      await w.clock.advance(HOUR_MS / 2);
      w.resolve(a);
      await w.clock.advance(HOUR_MS / 2);
      expect(w.told().split('\n')[1]).toContain('-a: alerts resolved');
    },
  );

  it('tells after group_wait when no playbook answers', async () => {
    const w = await world(spec);
    const a = w.fire({ instance: 'a' });
    w.dispatcher.recoveryVerdict(a.fingerprint, 'no_playbook');
    await w.clock.advance(MINUTE_MS);
    expect(w.told()).toBe('30s ops a: first notification');
  });

  it('tells at once when the word that no playbook answers comes after group_wait', async () => {
    const w = await world(spec);
    const a = w.fire({ instance: 'a' });
    await w.clock.advance(MINUTE_MS);
    w.dispatcher.recoveryVerdict(a.fingerprint, 'no_playbook');
    await w.clock.advance(1000);
    expect(w.told()).toBe('60s ops a: first notification');
  });

  it('holds no longer than the limit', async () => {
    const w = await world(spec);
    const a = w.fire({ instance: 'a' });
    await w.clock.advance(MINUTE_MS);
    w.recovery(a, 'verifying');
    await w.clock.advance(HOUR_MS / 2);
    expect(w.told()).toBe('600s ops a: recovery failed');
  });

  it('takes a run of an earlier episode for nothing', async () => {
    const w = await world(spec);
    const a = w.fire({ instance: 'a' });
    w.recovery(a, 'recovered');
    w.resolve(a);
    await w.clock.advance(10 * MINUTE_MS);
    w.fire({ instance: 'a' });
    await w.clock.advance(9 * MINUTE_MS);
    expect(w.told()).toBe('');
    await w.clock.advance(2 * MINUTE_MS);
    expect(w.told()).toBe('1200s ops a: recovery failed');
  });
});

describe('reload', () => {
  it('does not page again for a changed route, and repeats no later than promised', async () => {
    const w = await world();
    w.fire({ instance: 'a' });
    await w.clock.advance(10 * MINUTE_MS);
    w.config = configOf(routeSpec({ groupBy: ['instance'] }));
    w.dispatcher.reload(w.config);
    await w.clock.advance(HOUR_MS);
    expect(w.told()).toBe(
      ['30s ops a: first notification', '3900s ops a: repeat interval elapsed'].join('\n'),
    );
  });

  it('does not page again when the process starts with a changed route', async () => {
    const w = await world();
    w.fire({ instance: 'a' });
    await w.clock.advance(10 * MINUTE_MS);
    w.config = configOf(routeSpec({ groupBy: [] }));
    await w.restart();
    await w.clock.advance(20 * MINUTE_MS);
    expect(w.told()).toBe('30s ops a: first notification');
  });

  it('tells another receiver that a new route leads to', async () => {
    const w = await world();
    w.fire({ instance: 'a' });
    await w.clock.advance(MINUTE_MS);
    w.dispatcher.reload(configOf(routeSpec({ receiver: 'db' })));
    await w.clock.advance(MINUTE_MS);
    expect(w.told()).toBe(['30s ops a: first notification', '60s db a: first notification'].join('\n'));
  });

  it('waits for a message of the former route that is under way', async () => {
    const w = await world();
    w.delivers = () => 'hang';
    w.fire({ instance: 'a' });
    await w.clock.advance(40_000);
    w.dispatcher.reload(configOf(routeSpec({ groupBy: ['instance'] })));
    await w.clock.advance(10_000);
    expect(w.jobs).toHaveLength(1);
    const [job] = w.jobs;
    if (job === undefined) throw new Error('no job');
    const atMs = w.clock.nowMs();
    w.dispatcher.report({
      job,
      outcome: { kind: 'sent', answer: '' },
      attempts: 1,
      deliveredBy: 'ops',
      atMs,
    });
    await w.clock.advance(30 * MINUTE_MS);
    expect(w.jobs).toHaveLength(1);
  });

  it('pages for a new episode although an old route told of an earlier one', async () => {
    const w = await world();
    const a = w.fire({ instance: 'a' });
    await w.clock.advance(10 * MINUTE_MS);
    w.dispatcher.reload(configOf(routeSpec({ groupBy: ['instance'] })));
    await w.clock.advance(MINUTE_MS);
    w.resolve(a);
    await w.clock.advance(10 * MINUTE_MS);
    w.dispatcher.reload(configOf(routeSpec()));
    w.fire({ instance: 'a' });
    await w.clock.advance(5 * MINUTE_MS);
    expect(
      w
        .told()
        .split('\n')
        .map(line => line.replace(/^\d+s /, '')),
    ).toEqual(['ops a: first notification', 'ops -a: alerts resolved', 'ops a: first notification']);
  });

  it('pages for a new episode of an alert whose rule had gone without a word', async () => {
    const w = await world();
    const a = w.fire({ instance: 'a' });
    await w.clock.advance(10 * MINUTE_MS);
    w.firing.delete(a.fingerprint);
    w.config = configOf(routeSpec({ groupBy: ['instance'] }));
    await w.restart();
    await w.clock.advance(10 * MINUTE_MS);
    w.fire({ instance: 'a' });
    await w.clock.advance(5 * MINUTE_MS);
    expect(w.told()).toBe(['30s ops a: first notification', '1230s ops a: first notification'].join('\n'));
  });

  it('keeps the timing of a group that is still there', async () => {
    const w = await world();
    w.fire({ instance: 'a' });
    await w.clock.advance(MINUTE_MS);
    w.fire({ instance: 'b' });
    w.dispatcher.reload(configOf(routeSpec({ repeatIntervalMs: 2 * HOUR_MS })));
    await w.clock.advance(10 * MINUTE_MS);
    expect(w.told().split('\n')[1]).toBe('330s ops a b: new alerts in group');
  });
});

describe('journal', () => {
  it('tells the way of an alert, and counts repeats instead of writing them', async () => {
    const w = await world();
    w.fire({ instance: 'a' });
    await w.clock.advance(50 * MINUTE_MS);
    expect(await w.verdicts('route')).toEqual(['matched: {} → ops']);
    expect(await w.verdicts('group')).toEqual([
      'waiting: new group: alerts are gathered for group_wait',
      'notify: ops: first notification',
      'not_notified: ops: nothing new',
    ]);
  });
});
