import { describe, expect, it } from 'vitest';
import type { RulesData } from './contract.ts';
import type { RuleGroupView, RuleView } from './deps.ts';
import { ALERT, type Bench, bench, jsonOf } from './testdata/bench.ts';

const RULE: RuleView = {
  kind: 'alerting',
  name: 'Trouble',
  expr: 'up == 0',
  labels: { severity: 'page' },
  annotations: {},
  forMs: 60_000,
  keepFiringForMs: 0,
  health: 'ok',
  lastError: '',
  lastEvaluationMs: 1000,
  lastDurationMs: 1,
  alerts: [ALERT],
};
const QUIET: RuleView = { ...RULE, name: 'Quiet', labels: { severity: 'ticket' }, alerts: [] };
const RECORD: RuleView = { ...RULE, kind: 'recording', name: 'job:up:sum', labels: {}, alerts: [] };

function group(name: string, file: string, rules: readonly RuleView[]): RuleGroupView {
  return { name, file, intervalMs: 15_000, limit: 0, lastEvaluationMs: 1000, lastDurationMs: 2, rules };
}

async function withRules(): Promise<Bench> {
  const world = await bench();
  world.ruleGroups = [
    group('one', 'a.yml', [RULE, RECORD]),
    group('two', 'a.yml', [QUIET]),
    group('one', 'b.yml', [RULE]),
  ];
  return world;
}

async function dataOf(query: string): Promise<RulesData> {
  const { ask } = await withRules();
  return (jsonOf(await ask({ path: '/api/v1/rules', query })) as { readonly data: RulesData }).data;
}

const named = ({ groups }: RulesData): readonly string[] =>
  groups.map(({ file, name, rules }) => `${file} ${name}: ${rules.map(rule => rule.name).join()}`);

describe('rules', () => {
  it.each([
    ['', ['a.yml one: Trouble,job:up:sum', 'a.yml two: Quiet', 'b.yml one: Trouble']],
    ['type=alert', ['a.yml one: Trouble', 'a.yml two: Quiet', 'b.yml one: Trouble']],
    ['type=RECORD', ['a.yml one: job:up:sum']],
    ['rule_name[]=Quiet&rule_name[]=job:up:sum', ['a.yml one: job:up:sum', 'a.yml two: Quiet']],
    ['rule_group[]=one&file[]=b.yml', ['b.yml one: Trouble']],
    ['file[]=c.yml', []],
    ['match[]={severity="ticket"}', ['a.yml two: Quiet']],
    ['match[]={severity="ticket"}&match[]={severity=~"pa.%2B"}&rule_group[]=two', ['a.yml two: Quiet']],
  ])('%s selects %j', async (query, found) => {
    expect(named(await dataOf(query))).toEqual(found);
  });

  it('leave their alerts out where they are not wanted', async () => {
    const alerts = async (query: string): Promise<unknown> =>
      (await dataOf(query)).groups[0]?.rules[0]?.alerts;
    expect(await alerts('')).toHaveLength(1);
    expect(await alerts('exclude_alerts=false')).toHaveLength(1);
    expect(await alerts('exclude_alerts=true')).toEqual([]);
  });

  it('say since when an alert is only kept firing', async () => {
    const world = await bench();
    const kept = { ...ALERT, keptFiringSinceMs: 1000 };
    world.ruleGroups = [group('one', 'a.yml', [{ ...RULE, keepFiringForMs: 5000, alerts: [kept] }])];
    const { data } = jsonOf(await world.ask({ path: '/api/v1/rules' })) as { readonly data: RulesData };
    expect(data.groups[0]?.rules[0]).toMatchObject({
      keepFiringFor: 5,
      alerts: [{ keepFiringSince: '1970-01-01T00:00:01.000Z' }],
    });
  });

  it('come page by page, each naming the next one, and the last none', async () => {
    const first = await dataOf('group_limit=1&type=alert');
    expect(named(first)).toEqual(['a.yml one: Trouble']);
    const second = await dataOf(`group_limit=1&type=alert&group_next_token=${first.groupNextToken}`);
    expect(named(second)).toEqual(['a.yml two: Quiet']);
    const third = await dataOf(`group_limit=1&type=alert&group_next_token=${second.groupNextToken}`);
    expect(named(third)).toEqual(['b.yml one: Trouble']);
    expect(third.groupNextToken).toBeUndefined();
    // Groups of which nothing is wanted do not count.
    expect((await dataOf('group_limit=1&rule_name[]=Quiet')).groupNextToken).toBeUndefined();
  });

  it.each([
    ['exclude_alerts=maybe', 'invalid parameter "exclude_alerts"'],
    ['match[]=sum(up)', 'invalid parameter "match[]"'],
    ['match[]={}', 'invalid parameter "match[]"'],
    ['group_limit=0', 'invalid parameter "group_limit"'],
    ['group_limit=few', 'invalid parameter "group_limit"'],
    ['group_next_token=abc', 'group_limit is needed'],
    ['group_limit=1&group_next_token=abc', 'names no group'],
  ])('%s is a mistake', async (query, error) => {
    const { ask } = await withRules();
    const answered = await ask({ path: '/api/v1/rules', query });
    expect(answered.status).toBe(400);
    expect(jsonOf(answered)).toMatchObject({ errorType: 'bad_data', error: expect.stringContaining(error) });
  });
});
