// Inhibition, time intervals and silences in the dispatcher: who is kept back, for how long, and what the journal says.

import { describe, expect, it } from 'vitest';
import { labelsFrom, type Matcher, type Silence, type SilenceDraft } from '../model/index.ts';
import type { InhibitRule } from './inhibition.ts';
import type { RouteSpec } from './route.ts';
import type { DispatchConfig } from './state.ts';
import { configOf, routeSpec, World } from './testdata/harness.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const BY_CLUSTER: InhibitRule = {
  name: 'critical over warning',
  sources: [{ matchers: [eq('severity', 'critical')], equal: ['cluster'] }],
  targets: [eq('severity', 'warning')],
};

function eq(name: string, value: string): Matcher {
  return { name, op: '=', value };
}

async function world(part: Partial<DispatchConfig>, route: Partial<RouteSpec> = {}): Promise<World> {
  const made = new World({ ...configOf(routeSpec({ groupBy: ['instance'], ...route })), ...part });
  await made.start();
  return made;
}

function draft(
  matchers: readonly Matcher[],
  endsAtMs: number,
  part: Partial<SilenceDraft> = {},
): SilenceDraft {
  return { matchers, endsAtMs, createdBy: 'me', comment: 'deploy', ...part };
}

async function silence(w: World, wanted: SilenceDraft): Promise<string> {
  const set = await w.dispatcher.setSilence(wanted);
  if (!set.ok) throw new Error(`${set.error.code}: ${set.error.message}`);
  return set.value;
}

function stateOf(w: World, instance: string) {
  const found = w.dispatcher.alertStatuses().find(one => one.alert.labels.includes(instance));
  return found === undefined
    ? undefined
    : { state: found.state, silenced: found.silencedBy.length, inhibited: found.inhibitedBy.length };
}

describe('inhibition', () => {
  it('keeps targets quiet while the source fires, and tells of them at the next flush after', async () => {
    const w = await world({ inhibitRules: [BY_CLUSTER] });
    const source = w.fire({ instance: 's', severity: 'critical', cluster: 'a' });
    w.fire({ instance: 't', severity: 'warning', cluster: 'a' });
    w.fire({ instance: 'other', severity: 'warning', cluster: 'b' });
    await w.clock.advance(MINUTE_MS);
    expect(stateOf(w, 't')).toEqual({ state: 'suppressed', silenced: 0, inhibited: 1 });
    expect(stateOf(w, 'other')).toEqual({ state: 'active', silenced: 0, inhibited: 0 });
    w.resolve(source);
    await w.clock.advance(10 * MINUTE_MS);
    expect(w.told().split('\n').sort()).toEqual([
      '30s ops other: first notification',
      '30s ops s: first notification',
      '330s ops -s: alerts resolved',
      '330s ops t: first notification',
    ]);
    expect((await w.verdicts('notify')).filter(one => /inhibited/.test(one))).toEqual([
      'inhibited: inhibited by {alertname="Down", cluster="a", instance="s", severity="critical"}, inhibit rule "critical over warning"',
      'passed: no longer inhibited',
    ]);
    expect(await w.verdicts('group')).toContain('not_notified: ops: all its alerts are inhibited');
  });

  it('does not tell of the end of what is inhibited at its end, and takes its next episode for news', async () => {
    const w = await world({ inhibitRules: [BY_CLUSTER] });
    const target = w.fire({ instance: 't', severity: 'warning' });
    await w.clock.advance(MINUTE_MS);
    const source = w.fire({ instance: 's', severity: 'critical' });
    w.resolve(target);
    await w.clock.advance(10 * MINUTE_MS);
    w.resolve(source);
    await w.clock.advance(10 * MINUTE_MS);
    w.fire({ instance: 't', severity: 'warning' });
    await w.clock.advance(MINUTE_MS);
    expect(
      w
        .told()
        .split('\n')
        .filter(line => / -?t:/.test(line)),
    ).toEqual(['30s ops t: first notification', '1290s ops t: first notification']);
  });

  it('an inhibited source inhibits all the same, and none is left when it is forgotten', async () => {
    const second: InhibitRule = {
      sources: [{ matchers: [eq('severity', 'warning')], equal: [] }],
      targets: [eq('severity', 'info')],
    };
    const w = await world({ inhibitRules: [BY_CLUSTER, second] });
    w.fire({ instance: 's', severity: 'critical' });
    w.fire({ instance: 't', severity: 'warning' });
    w.fire({ instance: 'u', severity: 'info' });
    await w.clock.advance(MINUTE_MS);
    expect(w.told()).toBe('30s ops s: first notification');
    expect(stateOf(w, 'u')).toEqual({ state: 'suppressed', silenced: 0, inhibited: 1 });
  });

  it('follows a reload that takes the rule away', async () => {
    const w = await world({ inhibitRules: [BY_CLUSTER] });
    w.fire({ instance: 's', severity: 'critical' });
    w.fire({ instance: 't', severity: 'warning' });
    await w.clock.advance(MINUTE_MS);
    w.dispatcher.reload({ ...w.config, inhibitRules: [] });
    await w.clock.advance(5 * MINUTE_MS);
    expect(w.told()).toContain('330s ops t: first notification');
    w.dispatcher.reload({ ...w.config, inhibitRules: [BY_CLUSTER] });
    expect(stateOf(w, 't')?.state).toBe('suppressed');
  });
});

describe('silences', () => {
  it('keep back what they match between their start and their end', async () => {
    const w = await world({});
    const start = w.clock.nowMs();
    const when = { startsAtMs: start + 10_000 };
    const id = await silence(w, draft([eq('instance', 'a')], start + 10 * MINUTE_MS, when));
    w.fire({ instance: 'a' });
    w.fire({ instance: 'b' });
    expect(stateOf(w, 'a')?.state).toBe('active');
    await w.clock.advance(11_000);
    expect(stateOf(w, 'a')).toEqual({ state: 'suppressed', silenced: 1, inhibited: 0 });
    await w.clock.advance(20 * MINUTE_MS);
    expect(w.told()).toBe(['30s ops b: first notification', '630s ops a: first notification'].join('\n'));
    expect((await w.verdicts('notify')).filter(one => /silence/.test(one))).toEqual([
      `silenced: silenced by ${id} (me: deploy)`,
      'passed: no longer silenced',
    ]);
  });

  it('made before or after the alert, with any operator, are found', async () => {
    const w = await world({});
    const endsAtMs = w.clock.nowMs() + HOUR_MS;
    const names = ['a', 'b', 'c', 'd'];
    await silence(w, draft([eq('instance', 'a')], endsAtMs));
    await silence(w, draft([{ name: 'instance', op: '=~', value: 'b|x' }], endsAtMs));
    for (const instance of names) w.fire({ instance });
    await silence(w, draft([{ name: 'instance', op: '!~', value: 'a|b|d' }], endsAtMs));
    await w.clock.advance(MINUTE_MS);
    expect(names.map(one => stateOf(w, one)?.state)).toEqual([
      'suppressed',
      'suppressed',
      'suppressed',
      'active',
    ]);
    expect(w.told()).toBe('30s ops d: first notification');
  });

  it('ended by hand stop at once, and are forgotten five days later', async () => {
    const w = await world({});
    const id = await silence(w, draft([eq('instance', 'a')], w.clock.nowMs() + HOUR_MS));
    w.fire({ instance: 'a' });
    await w.clock.advance(MINUTE_MS);
    expect(stateOf(w, 'a')?.state).toBe('suppressed');
    expect((await w.dispatcher.expireSilence(id)).ok).toBe(true);
    expect(stateOf(w, 'a')?.state).toBe('active');
    const again = await w.dispatcher.expireSilence(id);
    expect(again.ok).toBe(true);
    await w.clock.advance(5 * MINUTE_MS);
    expect(w.told()).toBe('330s ops a: first notification');
    expect(w.dispatcher.silences().map(one => one.id)).toEqual([id]);
    await w.clock.advance(122 * HOUR_MS);
    expect(w.dispatcher.silences()).toEqual([]);
    await w.dispatcher.written();
    const kept = await w.state.silences();
    expect(kept.ok && kept.value).toEqual([]);
  });

  it('survive a restart as they were answered', async () => {
    const w = await world({});
    const endsAtMs = w.clock.nowMs() + 3 * HOUR_MS;
    const annotations = labelsFrom({ ticket: '7' });
    const id = await silence(w, draft([eq('instance', 'a')], endsAtMs, { annotations }));
    const before: readonly Silence[] = w.dispatcher.silences();
    await w.restart();
    expect(w.dispatcher.silences()).toEqual(before);
    w.fire({ instance: 'a' });
    await w.clock.advance(MINUTE_MS);
    expect(w.told()).toBe('');
    expect(
      (
        await w.dispatcher.setSilence(
          draft([eq('instance', 'a')], endsAtMs + 1, { id, startsAtMs: before[0]?.startsAtMs ?? 0 }),
        )
      ).ok,
    ).toBe(true);
    expect(w.dispatcher.silences()[0]?.endsAtMs).toBe(endsAtMs + 1);
  });

  it('two wishes about one silence at once are carried out one after the other', async () => {
    const w = await world({});
    const endsAtMs = w.clock.nowMs() + HOUR_MS;
    const id = await silence(w, draft([eq('instance', 'a')], endsAtMs));
    const other = [eq('instance', 'b')];
    const both = await Promise.all([
      w.dispatcher.setSilence(draft(other, endsAtMs, { id })),
      w.dispatcher.setSilence(draft(other, endsAtMs, { id })),
    ]);
    expect(both.map(one => one.ok)).toEqual([true, true]);
    // The second found the first one's end: both made new silences, and the old one ended once.
    expect(w.dispatcher.silences()).toHaveLength(3);
  });

  it('say what is wrong with a wish', async () => {
    const w = await world({});
    const nowMs = w.clock.nowMs();
    const codes = await Promise.all(
      [
        draft([], nowMs + 1),
        draft([eq('a', 'b')], nowMs - 1),
        draft([eq('a', 'b')], nowMs + 1, { id: 'unknown' }),
        draft([eq('a', 'b')], nowMs + 1, { comment: 'x'.repeat(5000) }),
      ].map(async wish => {
        const set = await w.dispatcher.setSilence(wish);
        return set.ok ? 'ok' : set.error.code;
      }),
    );
    expect(codes).toEqual(['silence-invalid', 'silence-invalid', 'silence-not-found', 'silence-limit']);
    const gone = await w.dispatcher.expireSilence('unknown');
    expect(!gone.ok && gone.error.code).toBe('silence-not-found');
  });
});

describe('time intervals', () => {
  const night = { name: 'night', intervals: [{ times: [{ startMinute: 0, endMinute: 60 }] }] };

  it('hold the messages of a route back, and let them go at the next flush after', async () => {
    // The clock of the tests starts at midnight, UTC.
    const w = await world(
      { timeIntervals: [night] },
      { routes: [routeSpec({ receiver: 'db', matchers: [eq('team', 'db')], muteTimeIntervals: ['night'] })] },
    );
    expect(w.startMs % (24 * HOUR_MS)).toBe(0);
    w.fire({ instance: 'a', team: 'db' });
    w.fire({ instance: 'b' });
    await w.clock.advance(MINUTE_MS);
    const group = w.dispatcher.groupStatuses().find(one => one.receiver === 'db');
    expect(group?.mutedBy).toEqual(['night']);
    await w.clock.advance(2 * HOUR_MS);
    expect(
      w
        .told()
        .split('\n')
        .filter(line => !/repeat/.test(line)),
    ).toEqual(['30s ops b: first notification', '3630s db a: first notification']);
    expect(await w.verdicts('notify')).toEqual([
      'muted: muted for db: inside the time interval "night"',
      'passed: no longer muted',
    ]);
  });

  it('outside of its active times a route is quiet', async () => {
    const w = await world(
      { timeIntervals: [night, { name: 'never', intervals: [] }] },
      {
        routes: [
          routeSpec({ receiver: 'db', matchers: [eq('team', 'db')], activeTimeIntervals: ['never'] }),
          routeSpec({
            receiver: 'db',
            matchers: [eq('team', 'ui')],
            activeTimeIntervals: ['never', 'night'],
          }),
        ],
      },
    );
    w.fire({ instance: 'a', team: 'db' });
    w.fire({ instance: 'b', team: 'ui' });
    await w.clock.advance(MINUTE_MS);
    expect(w.told()).toBe('30s db b: first notification');
    expect(await w.verdicts('notify')).toEqual(['muted: muted for db: outside of the time interval "never"']);
  });
});

it('a thousand inhibited alerts over a day write nothing new into the journal', async () => {
  const w = await world({ inhibitRules: [BY_CLUSTER] }, { groupBy: ['severity'] });
  w.rulesDown = true;
  w.fire({ instance: 's', severity: 'critical', cluster: 'a' });
  const targets = Array.from({ length: 1000 }, (_, i) =>
    w.fire({ instance: `t${i}`, severity: 'warning', cluster: 'a' }),
  );
  const about = new Set(targets.map(one => one.fingerprint));
  const count = async (): Promise<number> => {
    await w.dispatcher.written();
    const events = await w.state.journal({ limit: 100_000, newestFirst: false });
    if (!events.ok) throw new Error(events.error.message);
    return events.value.filter(one => one.stage !== 'rule' && one.alerts.some(id => about.has(id))).length;
  };
  await w.clock.advance(10 * MINUTE_MS);
  const before = await count();
  expect(before).toBeGreaterThan(1000);
  await w.clock.advance(24 * HOUR_MS);
  expect(await count()).toBe(before);
});
