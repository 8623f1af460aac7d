// What a shadow is compared by: rules, alerts, notifications, the past; which differences last; and the command over fakes.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { GettableAlertJson, LabelRecord, RuleJson } from '../api/index.ts';
import { compareNotifications } from './shadow/compare-notifications.ts';
import { compareAlerts, compareRules } from './shadow/compare-rules.ts';
import { comparePast, spanOf } from './shadow/past.ts';
import { judge, judgeOnce, look, NOTHING_WATCHED } from './shadow/persist.ts';
import { alertGroupsIn, matrixIn, ruleGroupsIn, silencesIn } from './shadow/shapes.ts';
import type { AmGroupJson, Difference, Side, Snapshot } from './shadow/sides.ts';
import { shadowCommand } from './shadow.ts';
import { CliWorld } from './testdata/world.ts';

const T0 = Date.UTC(2026, 2, 2, 9);
const MINUTE_MS = 60_000;

interface AlertOf {
  readonly labels?: LabelRecord;
  readonly state?: 'pending' | 'firing';
  readonly sinceMs?: number;
  readonly unknown?: string;
}

function rule(
  part: Partial<Omit<RuleJson, 'alerts'>> & { readonly alerts?: readonly AlertOf[] } = {},
): RuleJson {
  const { alerts = [], ...rest } = part;
  const name = rest.name ?? 'Hot';
  return {
    type: 'alerting',
    name,
    query: 'heat > 5',
    labels: {},
    health: 'ok',
    evaluationTime: 0,
    lastEvaluation: '',
    duration: 0,
    ...rest,
    alerts: alerts.map(({ labels = {}, state = 'firing', sinceMs = T0, unknown }) => ({
      labels: { alertname: name, job: 'page', instance: 'a', ...labels },
      annotations: unknown === undefined ? {} : { watchkeeper_unknown: unknown },
      state,
      activeAt: new Date(sinceMs).toISOString(),
      value: '9e+00',
    })),
  };
}

function side(rules: readonly RuleJson[], groups?: readonly AmGroupJson[], more: Partial<Side> = {}): Side {
  const group = { name: 'g', file: 'f', interval: 15, limit: 0, evaluationTime: 0, lastEvaluation: '' };
  return { ruleGroups: [{ ...group, rules }], groups, silences: [], ...more };
}

function snapshot(here: Side, there: Side, shadowStartedAtMs = T0 - 3_600_000): Snapshot {
  return { atMs: T0 + 10 * MINUTE_MS, shadowStartedAtMs, here, there };
}

function differences(taken: Snapshot): readonly Difference[] {
  const rules = compareRules(taken);
  return [...rules, ...compareAlerts(taken, rules)];
}

const told = (found: readonly Difference[]): readonly string[] =>
  found.map(({ kind, subject, reason }) => `${kind} ${subject}: ${reason}`);

describe('rules', () => {
  it('that differ in spaces and parentheses only are equal', () => {
    const here = side([rule({ query: 'sum(rate(x[5m]))>5' })]);
    expect(differences(snapshot(here, side([rule({ query: 'sum( rate(x[300s]) ) > 5' })])))).toEqual([]);
  });

  it.each<readonly [string, readonly RuleJson[], readonly RuleJson[], string]>([
    ['a threshold', [rule()], [rule({ query: 'heat > 7' })], 'the expression differs'],
    ['a `for`', [rule({ duration: 60 })], [rule()], '`for` differs'],
    ['labels', [rule({ labels: { team: 'a' } })], [rule()], 'labels differs'],
    ['one that is missing here', [], [rule()], 'the rule is missing here'],
    ['one that is missing there', [rule()], [], 'the rule is missing there'],
    ['one of two', [rule()], [rule(), rule({ query: 'heat > 9' })], 'a rule of this name is missing here'],
  ])('tells %s', (_, mine, theirs, reason) => {
    expect(told(compareRules(snapshot(side(mine), side(theirs))))).toEqual([`rule Hot: ${reason}`]);
  });
});

describe('alerts', () => {
  const one = (alert: AlertOf, more: Partial<Omit<RuleJson, 'alerts'>> = {}): Side =>
    side([rule({ ...more, alerts: [alert] })]);
  const none = (more: Partial<Omit<RuleJson, 'alerts'>> = {}): Side => side([rule(more)]);

  it.each<readonly [string, Side, Side, readonly string[]]>([
    ['the same', one({}), one({}), []],
    ['an interval apart', one({ sinceMs: T0 + 15_000 }), one({}), []],
    [
      'since another time',
      one({ sinceMs: T0 + 5 * MINUTE_MS }),
      one({}),
      ['alert-since Hot{instance="a", job="page"}: its data came or went at another time'],
    ],
    [
      'another state',
      one({ state: 'pending' }),
      one({}),
      ['alert-state Hot{instance="a", job="page"}: the condition held longer on one side'],
    ],
    [
      'only there, as the rule fails here',
      none({ health: 'err', lastError: 'too many samples' }),
      one({}),
      ['alert Hot{instance="a", job="page"}: the rule fails here: too many samples'],
    ],
    [
      'only here, since missing data does not resolve it',
      one({ unknown: 'its target is silent: x' }),
      none(),
      [
        'alert Hot{instance="a", job="page"}: its data is missing, and here that does not resolve it: its target is silent: x',
      ],
    ],
    [
      'only here',
      one({}),
      none(),
      [
        'alert Hot{instance="a", job="page"}: the rules are equal: the samples differ, or its target is not scraped there',
      ],
    ],
    [
      'other labels',
      one({ labels: { zone: 'x' } }),
      one({ labels: { zone: 'y' } }),
      ['alert-labels Hot{instance="a", job="page", zone="x"}: labels differ: zone'],
    ],
  ])('%s', (_, here, there, expected) => {
    expect(told(differences(snapshot(here, there)))).toEqual(expected);
  });

  it('that are older than the shadow are expected to differ', () => {
    const taken = snapshot(one({ state: 'pending', sinceMs: T0 + 8 * MINUTE_MS }), one({}), T0 + MINUTE_MS);
    expect(differences(taken)).toMatchObject([{ kind: 'alert-state', isExpected: true }]);
  });

  it('of two targets are two alerts, however much is alike', () => {
    const found = differences(snapshot(one({}), one({ labels: { instance: 'b' } })));
    expect(
      found.map(({ kind, here, there }) => [kind, here !== 'no such alert', there !== 'no such alert']),
    ).toEqual([
      ['alert', true, false],
      ['alert', false, true],
    ]);
  });
});

describe('notifications', () => {
  const alert = (
    part: Partial<GettableAlertJson['status']> = {},
    labels: LabelRecord = {},
  ): GettableAlertJson => ({
    labels: { alertname: 'Hot', job: 'page', instance: 'a', ...labels },
    annotations: {},
    startsAt: new Date(T0).toISOString(),
    endsAt: '',
    updatedAt: '',
    fingerprint: 'f',
    receivers: [],
    status: { state: 'active', silencedBy: [], inhibitedBy: [], mutedBy: [], ...part },
  });
  const group = (
    receiver: string,
    alerts: readonly GettableAlertJson[] = [alert()],
    labels: LabelRecord = { alertname: 'Hot' },
  ): AmGroupJson => ({ labels, receiver: { name: receiver }, alerts });
  const rules = [rule({ alerts: [{}] })];
  const compare = (here: readonly AmGroupJson[], there: readonly AmGroupJson[], silences = NO_SILENCES) =>
    compareNotifications(snapshot(side(rules, here), side(rules, there, { silences })));

  it.each<readonly [string, readonly AmGroupJson[], readonly AmGroupJson[], readonly string[]]>([
    ['the same', [group('ops')], [group('ops')], []],
    ['another receiver', [group('ops')], [group('db')], ['receiver ops db']],
    ['one receiver more', [group('ops'), group('db')], [group('db')], ['receiver db, ops db']],
    [
      'other groups',
      [group('ops', [alert()], { alertname: 'Hot', job: 'page' })],
      [group('ops')],
      ['grouping ops: Hot{job="page"} ops: Hot'],
    ],
    [
      'a silence there',
      [group('ops')],
      [group('ops', [alert({ silencedBy: ['s1'] })])],
      ['silenced not s1 (ann: why)'],
    ],
    ['a silence here', [group('ops', [alert({ silencedBy: ['s9'] })])], [group('ops')], ['silenced s9 not']],
    [
      'an inhibition',
      [group('ops', [alert({ inhibitedBy: ['i'] })])],
      [group('ops')],
      ['inhibited by i not'],
    ],
    ['a time interval', [group('ops', [alert({ mutedBy: ['night'] })])], [group('ops')], ['muted night not']],
    ['nobody there', [group('ops')], [], ['notification ops nobody']],
    ['nobody here', [], [group('ops')], ['notification nobody ops']],
  ])('%s', (_, here, there, expected) => {
    const silences = [{ ...SILENCE, id: 's1' }];
    const found = compare(here, there, silences).differences;
    expect(found.map(one => `${one.kind} ${one.here} ${one.there}`)).toEqual(expected);
  });

  it('labels that all have there and none here are taken for external labels', () => {
    const there = [group('ops', [alert({}, { region: 'eu' })], { alertname: 'Hot', region: 'eu' })];
    expect(compare([group('ops')], there)).toEqual({ differences: [], external: { region: 'eu' } });
  });

  it('an alert of another sender is named as such', () => {
    const other = group('ops', [alert({}, { alertname: 'Other' })]);
    expect(compare([group('ops')], [group('ops'), other]).differences).toMatchObject([
      { kind: 'notification', reason: expect.stringContaining('another program') },
    ]);
  });
});

const SILENCE = {
  id: 's1',
  matchers: [],
  startsAt: '',
  endsAt: '',
  updatedAt: '',
  createdBy: 'ann',
  comment: 'why',
  annotations: {},
  status: { state: 'active' },
} as const;
const NO_SILENCES: Side['silences'] = [];

describe('which differences last', () => {
  const difference: Difference = {
    kind: 'alert',
    subject: 'Hot',
    here: '',
    there: '',
    reason: '',
    isExpected: false,
    sinceMs: T0,
  };

  it('those that were seen without a break for longer than the tolerance', () => {
    let watched = NOTHING_WATCHED;
    const looks: readonly (readonly Difference[])[] = [
      [difference],
      [],
      [difference, { ...difference, subject: 'Cold' }],
      [difference, { ...difference, subject: 'Old', isExpected: true }],
      [difference],
      [],
    ];
    for (const [i, found] of looks.entries()) watched = look(watched, found, i * 10_000);
    const verdicts = judge(watched, 15_000);
    expect(verdicts.real.map(one => one.difference.subject)).toEqual(['Hot']);
    expect(verdicts.passing.map(one => one.difference.subject)).toEqual(['Cold']);
    expect(verdicts.expected.map(one => one.difference.subject)).toEqual(['Old']);
    expect(judge(watched, 20_000).real).toEqual([]);
  });

  it('of one look those that began longer ago than the tolerance', () => {
    const young = { ...difference, subject: 'Young', sinceMs: T0 + 50_000 };
    const verdicts = judgeOnce([difference, young], T0 + MINUTE_MS, 15_000);
    expect(verdicts.real.map(one => one.difference.subject)).toEqual(['Hot']);
    expect(verdicts.passing.map(one => one.difference.subject)).toEqual(['Young']);
  });
});

describe('the past', () => {
  const span = spanOf(T0, T0 + 10 * MINUTE_MS, 15_000);
  const fired = (minutes: number) => ({
    resultType: 'matrix' as const,
    result: [
      {
        metric: { __name__: 'ALERTS', alertstate: 'firing', alertname: 'Hot' },
        values: Array.from({ length: minutes * 4 }, (_, i) => [T0 / 1000 + 15 * i, '1'] as const),
      },
    ],
  });
  const at = { span, toleranceMs: 30_000, shadowStartedAtMs: T0 - MINUTE_MS };

  it('is compared by how long each alert fired', () => {
    expect(comparePast(fired(5), fired(5), at)).toEqual([]);
    expect(comparePast(fired(5), fired(7), at)).toMatchObject([
      { subject: 'Hot', here: expect.stringContaining('300 s'), there: expect.stringContaining('420 s') },
    ]);
    const nothing = { resultType: 'matrix', result: [] } as const;
    expect(comparePast(nothing, fired(5), at)).toMatchObject([{ here: 'did not fire', isExpected: false }]);
    const later = { ...at, shadowStartedAtMs: T0 + 9 * MINUTE_MS };
    expect(comparePast(nothing, fired(5), later)).toMatchObject([{ isExpected: true }]);
  });

  it('has a step an evaluation, and not more steps than a server answers', () => {
    expect(span.stepMs).toBe(15_000);
    expect(spanOf(0, 365 * 86_400_000, 15_000).stepMs).toBe(3_154_000);
  });
});

describe('answers of other programs', () => {
  const readers = [ruleGroupsIn, alertGroupsIn, silencesIn, matrixIn] as const;

  it('of any shape are read or refused, and what was read can be compared', () => {
    const labels = fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.integer(), fc.constant(null)));
    const alert = fc.record(
      {
        labels,
        annotations: labels,
        state: fc.jsonValue(),
        activeAt: fc.jsonValue(),
        status: fc.jsonValue(),
      },
      { requiredKeys: [] },
    );
    const rules = fc.record(
      { name: fc.string(), type: fc.constant('alerting'), query: fc.string(), alerts: fc.array(alert) },
      { requiredKeys: [] },
    );
    const groups = fc.record({
      data: fc.record({ groups: fc.array(fc.record({ rules: fc.array(rules) })) }),
    });
    const dispatched = fc.array(fc.record({ labels, alerts: fc.array(alert), receiver: fc.jsonValue() }));
    fc.assert(
      fc.property(groups, dispatched, fc.jsonValue(), (ruleBody, groupBody, anything) => {
        for (const read of readers) expect(typeof read(anything).ok).toBe('boolean');
        const ruleGroups = ruleGroupsIn(ruleBody);
        const found = alertGroupsIn(groupBody);
        if (!ruleGroups.ok || !found.ok) throw new Error('lists are lists');
        const there: Side = { ruleGroups: ruleGroups.value, groups: found.value, silences: [] };
        const taken = snapshot(side([rule({ alerts: [{}] })], []), there);
        expect(Array.isArray(differences(taken))).toBe(true);
        expect(Array.isArray(compareNotifications(taken).differences)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it('without what they must have are refused, saying what', () => {
    expect(readers.map(read => read({ status: 'success' }).ok)).toEqual([false, false, false, false]);
    expect(ruleGroupsIn({ data: [] })).toEqual({ ok: false, error: 'no "data.groups"' });
  });
});

describe('shadow diff', () => {
  const PROMETHEUS = 'http://127.0.0.1:9090';

  async function world(expr: string): Promise<CliWorld> {
    const w = new CliWorld();
    await w.start({ effects: 'shadow' });
    await w.clock.advance(20_000);
    const groups = (await readRules(w)).map(one => (one.name === 'Hot' ? { ...one, query: expr } : one));
    const data = { groups: [{ name: 'test', file: 'f', interval: 5, rules: groups }] };
    w.http.on(`${PROMETHEUS}/api/v1/rules`, { body: JSON.stringify({ status: 'success', data }) });
    return w;
  }

  async function readRules(w: CliWorld): Promise<readonly RuleJson[]> {
    const answer = await w.http.request({
      method: 'GET',
      url: 'http://127.0.0.1:9390/api/v1/rules',
      headers: {},
      timeoutMs: 1000,
      bodyBytesMax: 1e6,
    });
    if (!answer.ok) throw new Error(answer.error.message);
    const body = JSON.parse(new TextDecoder().decode(answer.value.body)) as {
      readonly data: { readonly groups: readonly { readonly rules: readonly RuleJson[] }[] };
    };
    return body.data.groups.flatMap(group => group.rules);
  }

  it('ends with 0 where nothing differs, and with 1 and the reason where something does', async () => {
    const same = await (await world('heat > 5')).run(shadowCommand, ['diff', '--prometheus', PROMETHEUS]);
    expect(same).toEqual({
      code: 0,
      warned: '',
      out: `compared with ${PROMETHEUS}: 0 differences\nnote: without --alertmanager notifications were not compared\n`,
    });
    const other = await (await world('heat > 7')).run(shadowCommand, ['diff', '--prometheus', PROMETHEUS]);
    expect(other.code).toBe(1);
    expect(other.out).toContain('  rule  Hot\n    here     heat > 5, for 60s');
    expect(other.out).toContain('because  the expression differs');
  });

  it('watches for as long as it is told', async () => {
    const w = await world('heat > 7');
    const running = w.run(shadowCommand, ['diff', '--prometheus', PROMETHEUS, '--watch', '2m', '--json']);
    await w.clock.advance(3 * MINUTE_MS);
    const ran = await running;
    expect(ran.code).toBe(1);
    expect(JSON.parse(ran.out)).toMatchObject({ looks: expect.any(Number), differences: [{ kind: 'rule' }] });
    expect(JSON.parse(ran.out).looks).toBeGreaterThan(20);
  });

  it.each([
    [[], 2, '"diff" expected'],
    [['diff'], 2, '--prometheus URL is needed'],
    [['diff', '--prometheus', PROMETHEUS, '--watch', 'long'], 2, '--watch is a duration'],
    [['diff', '--prometheus', PROMETHEUS, '--watch', '1m', '--from', '1'], 2, 'does not go with --from'],
    [['diff', '--prometheus', PROMETHEUS, '--from', 'soon'], 2, '--from "soon" is no time'],
    [['diff', '--prometheus', PROMETHEUS, '--from', '9', '--to', '8'], 2, '--to lies before --from'],
    [['diff', '--prometheus', PROMETHEUS, '--watch', '5s'], 1, 'watch for longer'],
    [['diff', '--prometheus', 'nowhere'], 1, 'it is no address'],
    [['diff', '--prometheus', 'http://127.0.0.1:1'], 1, 'http-refused'],
  ])('refuses %j', async (args, code, says) => {
    const w = await world('heat > 5');
    const ran = await w.run(shadowCommand, args);
    expect([ran.code, ran.out]).toEqual([code, '']);
    expect(ran.warned).toContain(says);
  });
});
