// Which rules of a group are evaluated side by side, and that it changes nothing but the time that it takes.

import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../test/support/clock.ts';
import { seededRandom } from '../../test/support/random.ts';
import { type Labels, labelsFrom, METRIC_NAME, type Query, targetId } from '../model/index.ts';
import { createQueryEngine } from '../promql/index.ts';
import { GroupEvaluator } from './group.ts';
import { SharedLanes } from './lanes.ts';
import { readRules } from './reader.ts';
import type { RuleGroup } from './rule.ts';
import { MemoryStore } from './testing/memory-store.ts';
import { wavesOf } from './waves.ts';

interface Written {
  readonly record?: string;
  readonly alert?: string;
  readonly expr: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

function groupOf(rules: readonly Written[]): RuleGroup {
  const { prepare } = createQueryEngine({ reader: new MemoryStore(), clock: new FakeClock() });
  const read = readRules(JSON.stringify({ groups: [{ name: 'g', rules }] }), { file: 'r.yml', prepare });
  const [group] = read.file?.groups ?? [];
  if (group === undefined) throw new Error(JSON.stringify(read.diagnostics));
  return group;
}

/** Each wave as the names of its rules. */
function waves(rules: readonly Written[]): readonly string[] {
  return wavesOf(groupOf(rules).rules).map(wave =>
    wave.map(position => rules[position]?.record ?? rules[position]?.alert).join(' '),
  );
}

const CASES: readonly {
  readonly says: string;
  readonly rules: readonly Written[];
  readonly waves: readonly string[];
}[] = [
  { says: 'no rules', rules: [], waves: [] },
  {
    says: 'independent rules are one wave',
    rules: [
      { record: 'a', expr: 'x' },
      { record: 'b', expr: 'sum(rate(y[5m]))' },
      { alert: 'C', expr: 'z > 1' },
    ],
    waves: ['a b C'],
  },
  {
    says: 'who reads waits for what it reads, and others do not wait with it',
    rules: [
      { record: 'a', expr: 'x' },
      { record: 'b', expr: 'a * 2' },
      { record: 'c', expr: 'y' },
      { alert: 'D', expr: 'rate(b[5m]) + c > 1' },
    ],
    waves: ['a c', 'b', 'D'],
  },
  {
    says: 'a name that is part of another one is no dependency',
    rules: [
      { record: 'job:x', expr: 'x' },
      { record: 'other', expr: 'job:x:rate5m' },
    ],
    waves: ['job:x other'],
  },
  {
    says: 'who reads the series of a rule behind it reads it before it is written',
    rules: [
      { record: 'a', expr: 'x' },
      { record: 'early', expr: 'a + late' },
      { record: 'late', expr: 'y' },
    ],
    waves: ['a', 'early late'],
  },
  {
    says: 'its own series hold no rule up',
    rules: [
      { record: 'a', expr: 'a offset 1m + x' },
      { record: 'b', expr: 'y' },
    ],
    waves: ['a b'],
  },
  {
    says: 'a pattern reads whatever it matches',
    rules: [
      { record: 'job:a', expr: 'x' },
      { record: 'node:a', expr: 'x' },
      { record: 'sum', expr: 'sum({__name__=~"job:.*"})' },
      { record: 'not', expr: 'sum({__name__=~"x.*"})' },
    ],
    waves: ['job:a node:a not', 'sum'],
  },
  {
    says: 'a selector without a name reads everything',
    rules: [
      { record: 'a', expr: 'x' },
      { record: 'all', expr: 'count({job="j"})' },
      { record: 'b', expr: 'y' },
    ],
    waves: ['a', 'all b'],
  },
  {
    says: 'ALERTS are what alerting rules write',
    rules: [
      { alert: 'A', expr: 'x > 1' },
      { record: 'b', expr: 'y' },
      { record: 'firing', expr: 'count(ALERTS{alertstate="firing"})' },
    ],
    waves: ['A b', 'firing'],
  },
  {
    says: 'a template that asks may read everything',
    rules: [
      { record: 'a', expr: 'x' },
      { alert: 'Asks', expr: 'y > 1', annotations: { now: '{{ query "a" | first | value }}' } },
      { alert: 'Tells', expr: 'y > 1', annotations: { text: 'the query is slow' } },
    ],
    waves: ['a', 'Asks Tells'],
  },
  {
    says: 'two rules that write the same name keep their order',
    rules: [
      { record: 'a', expr: 'x' },
      { record: 'b', expr: 'a' },
      { record: 'b', expr: 'y' },
    ],
    waves: ['a', 'b b'],
  },
];

describe('waves of a group', () => {
  it.each(CASES)('$says', one => {
    expect(waves(one.rules)).toEqual(one.waves);
  });
});

/** What groups give, one after the other, when each answer waits for so many rounds of promises as `delay` says. */
async function evaluated(
  groups: readonly RuleGroup[],
  { lanesMax, delay }: { readonly lanesMax: number; readonly delay: () => number },
) {
  const clock = new FakeClock();
  const store = new MemoryStore();
  const append = async (name: string, value: number): Promise<void> => {
    const ref = store.intern(labelsFrom({ [METRIC_NAME]: name, job: 'j' }));
    if (!ref.ok) throw new Error(ref.error);
    await store.append({
      producer: targetId('job/j'),
      timestampMs: 60_000,
      series: Uint32Array.of(ref.value),
      values: Float64Array.of(value),
    });
  };
  await append('x', 3);
  await append('y', 4);
  const engine = createQueryEngine({ reader: store, clock });
  let running = 0;
  let most = 0;
  const query: Query = {
    prepare: engine.prepare,
    execute: async (...args) => {
      most = Math.max(most, ++running);
      for (let left = delay(); left > 0; left--) await Promise.resolve();
      const answer = await engine.execute(...args);
      running--;
      return answer;
    },
  };
  const lanes = new SharedLanes();
  lanes.setMax(lanesMax);
  const evaluators = groups.map(
    group =>
      new GroupEvaluator(
        group,
        {
          intervalMs: 60_000,
          queryOffsetMs: 0,
          queryTimeoutMs: 10_000,
          externalLabels: labelsFrom({}),
          externalUrl: '',
          startedAtMs: 0,
          unknowable: 'resolved',
          forPolicy: { outageToleranceMs: 0, gracePeriodMs: 0 },
        },
        { query, writer: store, targets: undefined, monotonicMs: () => 0, onTemplateError: () => {}, lanes },
      ),
  );
  const outcomes: unknown[] = [];
  for (const atMs of [60_000, 120_000]) {
    for (const evaluator of evaluators) {
      const { alerts, failures, changes } = await evaluator.evaluate(atMs);
      outcomes.push(...alerts.map(alert => [alert.labels, alert.value, alert.state]));
      outcomes.push(...failures.map(({ rule, message }) => [rule.id.name, message]));
      outcomes.push(...changes.map(({ rule }) => rule.id.name));
    }
  }
  const read = await store.select([], {
    fromMs: 0,
    toMs: Number.MAX_SAFE_INTEGER,
    stepMs: 0,
    rangeMs: 0,
    func: '',
    limit: 0,
  });
  if (!read.ok) throw new Error(read.error.message);
  const series = read.value
    .map(one => [one.labels, [...one.values]] as readonly [Labels, readonly number[]])
    .sort(([a], [b]) => (a.join() < b.join() ? -1 : 1));
  return { most, gives: { outcomes, series }, freeLanes: freeOf(lanes) };
}

function sortedTexts(values: readonly unknown[]): readonly string[] {
  return values.map(value => JSON.stringify(value)).sort();
}

function freeOf(lanes: SharedLanes): number {
  let free = 0;
  while (lanes.tryTake()) free++;
  return free;
}

describe('rules side by side', () => {
  it('are as many at once as there are lanes, beside the one of the group', async () => {
    const rules = Array.from({ length: 9 }, (_, i) => ({ record: `r${i}`, expr: 'x' }));
    const group = groupOf(rules);
    const most = async (lanesMax: number): Promise<number> =>
      (await evaluated([group], { lanesMax, delay: () => 20 })).most;
    expect([await most(0), await most(3), await most(100)]).toEqual([1, 4, 9]);
  });

  it('give lanes back, also when a rule fails', async () => {
    const group = groupOf([
      { record: 'bad', expr: 'label_replace({__name__=~"x|y"}, "__name__", "same", "job", ".*")' },
      { record: 'a', expr: 'x' },
      { record: 'b', expr: 'y' },
    ]);
    const { gives, freeLanes } = await evaluated([group], { lanesMax: 2, delay: () => 5 });
    expect(freeLanes).toBe(2);
    expect(JSON.stringify(gives.outcomes)).toContain('same labelset');
  });

  it('give the same as one after the other, whenever their answers come', async () => {
    for (let seed = 1; seed <= 60; seed++) {
      const random = seededRandom(seed);
      const pick = (max: number): number => Math.floor(random.float() * max);
      const names = ['x', 'y', 'r0', 'r1', 'r2', 'r3', 'r4', 'r5'];
      const count = 2 + pick(6);
      const rules = Array.from({ length: count }, (_, i): Written => {
        const name = (): string => names[pick(names.length)] ?? 'x';
        const forms = ['A + B', 'sum(A)', 'count({__name__=~"r[0-2]"}) or A', 'sum_over_time(A[2m])', 'A'];
        const expr = forms[pick(forms.length)] ?? 'A';
        const asks = expr.replaceAll('A', name).replaceAll('B', name);
        return pick(3) === 0
          ? { alert: `Alert${i}`, expr: `${asks} > 0` }
          : { record: `r${pick(6)}`, expr: asks };
      });
      const group = groupOf(rules);
      const alone = group.rules.map(rule => ({ ...group, rules: [rule] }));
      const one = await evaluated(alone, { lanesMax: 0, delay: () => 0 });
      const many = await evaluated([group], { lanesMax: 8, delay: () => pick(40) });
      const says = `seed ${seed}: ${JSON.stringify(rules)}`;
      expect(many.gives.series, says).toEqual(one.gives.series);
      expect(sortedTexts(many.gives.outcomes), says).toEqual(sortedTexts(one.gives.outcomes));
    }
  });
});
