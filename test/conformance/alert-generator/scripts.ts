// What happens in each rule group of the suite: which samples come, evaluation by evaluation, and which alerts must be there
// while they do. Written from the specification; one evaluation ("tick") is half a minute.

import type { PushedSample } from './world.ts';

export const TICK_MS = 30_000;

/** A value and for how many ticks; undefined is no sample. */
type Values = readonly (readonly [value: number | undefined, ticks: number])[];

/** An alert while it is pending or firing: ticks at which that begins, and at which it is gone. */
export interface Episode {
  readonly rule: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly pendingAt: number;
  /** Undefined: it never fires. */
  readonly firingAt: number | undefined;
  readonly resolvedAt: number;
  readonly annotations: (tick: number) => Readonly<Record<string, string>>;
  readonly value: (tick: number) => number;
}

export interface Script {
  readonly group: string;
  readonly ticks: number;
  samples(tick: number): readonly PushedSample[];
  readonly episodes: readonly Episode[];
}

function at(values: Values, tick: number): number | undefined {
  let from = 0;
  for (const [value, ticks] of values) {
    if (tick < from + ticks) return value;
    from += ticks;
  }
  return undefined;
}

/** The series of the suite. */
function series(group: string, rule: string, more: Readonly<Record<string, string>> = {}) {
  return { __name__: 'alert_generator_test_suite', alertname: rule, rulegroup: group, ...more };
}

function sampled(
  tick: number,
  all: readonly { readonly labels: Readonly<Record<string, string>>; readonly values: Values }[],
): readonly PushedSample[] {
  return all.flatMap(({ labels, values }) => {
    const value = at(values, tick);
    return value === undefined ? [] : [{ labels, value }];
  });
}

// Two alerts of one rule come and go at different times; a second rule reads the first one's ALERTS.
function orderCheck(): Script {
  const group = 'NewAlerts_OrderCheck';
  const first = `${group}_Rule1`;
  const second = `${group}_Rule2`;
  const one: Values = [
    [1, 4],
    [11, 33],
    [9, 20],
  ];
  const two: Values = [
    [1, 16],
    [11, 17],
    [9, 24],
  ];
  const episode = (variant: string, pendingAt: number, resolvedAt: number): Episode => ({
    rule: first,
    labels: { alertname: first, rulegroup: group, foo: 'bar', variant },
    pendingAt,
    firingAt: pendingAt + 6,
    resolvedAt,
    annotations: () => ({ description: 'This should produce more alerts later' }),
    value: () => 11,
  });
  return {
    group,
    ticks: 57,
    samples: tick =>
      sampled(tick, [
        { labels: series(group, first, { variant: 'one' }), values: one },
        { labels: series(group, first, { variant: 'two' }), values: two },
      ]),
    episodes: [
      episode('one', 4, 37),
      episode('two', 16, 33),
      {
        rule: second,
        // What the sum of two ALERTS keeps: their alertstate, too.
        labels: { alertname: second, alertstate: 'firing', rulegroup: group, foo: 'baz', ba_dum: 'tss' },
        pendingAt: 22,
        firingAt: 22,
        resolvedAt: 33,
        annotations: () => ({ description: `Based on ALERTS. Old alertname was ${first}. foo was bar.` }),
        value: () => 2,
      },
    ],
  };
}

// The whole life, and fifteen minutes more; the value, and with it an annotation, changes on the way.
function wholeLife(): Script {
  const group = 'PendingAndFiringAndResolved';
  const rule = `${group}_SimpleAlert`;
  const values: Values = [
    [3, 4],
    [15, 6],
    [19, 10],
    [21, 14],
    [9, 40],
  ];
  const value = (tick: number): number => at(values, tick) ?? Number.NaN;
  return {
    group,
    ticks: 74,
    samples: tick => sampled(tick, [{ labels: series(group, rule), values }]),
    episodes: [
      {
        rule,
        labels: { alertname: rule, rulegroup: group, foo: 'bar' },
        pendingAt: 4,
        firingAt: 16,
        resolvedAt: 34,
        annotations: tick => ({
          description: 'SimpleAlert is firing',
          summary: `The value is ${value(tick)} ${value(tick)}`,
        }),
        value,
      },
    ],
  };
}

// Pending twice and never for long enough; a rule beside it that never has anything.
function neverFires(): Script {
  const group = 'PendingAndResolved_AlwaysInactive';
  const rule = `${group}_PendingAlert`;
  const values: Values = [
    [5, 4],
    [11, 5],
    [9, 6],
    [12, 6],
    [2, 9],
  ];
  const episode = (pendingAt: number, resolvedAt: number, value: number): Episode => ({
    rule,
    labels: { alertname: rule, rulegroup: group, foo: 'bar' },
    pendingAt,
    firingAt: undefined,
    resolvedAt,
    annotations: () => ({ description: 'SimpleAlert is firing' }),
    value: () => value,
  });
  const quiet: Values = [[11, 30]];
  return {
    group,
    ticks: 30,
    samples: tick =>
      sampled(tick, [
        { labels: series(group, rule), values },
        { labels: series(group, `${group}_InactiveAlert`), values: quiet },
      ]),
    episodes: [episode(4, 9, 11), episode(15, 21, 12)],
  };
}

// No `for`, and one shorter than the interval. The first fires anew long after its end, and ends with its data.
function smallFor(): Script {
  const group = 'ZeroFor_SmallFor';
  const zero = `${group}_ZeroFor`;
  const small = `${group}_SmallFor`;
  const values: Values = [
    [3, 4],
    [15, 6],
    [9, 36],
    [11, 6],
  ];
  const asked = (tick: number): readonly number[] => (tick < 30 ? [1, 2, 3] : [2, 4, 6]);
  const zeroEpisode = (pendingAt: number, resolvedAt: number, value: number): Episode => ({
    rule: zero,
    labels: { alertname: zero, rulegroup: group, foo: 'bar' },
    pendingAt,
    firingAt: pendingAt,
    resolvedAt,
    annotations: tick => {
      const [first, second, third] = asked(tick);
      return {
        description: 'This should immediately fire',
        template_test: '1.049M 1Mi 2m 15s 95.9% 2022-01-25 12:36:43 +0000 UTC',
        template_query_test: `Args are: foo bar 99. first_id:101,101:${first},102:${second},103:${third},`,
      };
    },
    value: () => value,
  });
  return {
    group,
    ticks: 72,
    samples: tick => [
      ...sampled(tick, [
        { labels: series(group, zero), values },
        { labels: series(group, small), values },
      ]),
      ...asked(tick).map((value, i) => ({
        labels: {
          __name__: 'alert_generator_test_suite',
          rulegroup: group,
          for: 'template',
          id: String(101 + i),
        },
        value,
      })),
    ],
    episodes: [
      zeroEpisode(4, 10, 15),
      {
        rule: small,
        labels: { alertname: small, rulegroup: group, ba_dum: 'tss' },
        pendingAt: 4,
        firingAt: 5,
        resolvedAt: 10,
        annotations: () => ({
          description: 'This should fire after an interval',
          template_test: 'This Part IS TESTING the strings. ::1 127.0.0.1. 7815. replaced text. .',
        }),
        value: () => 15,
      },
      // The last sample comes with tick 51 and is out of sight five minutes later.
      zeroEpisode(46, 61, 11),
    ],
  };
}

export const SCRIPTS: readonly Script[] = [orderCheck(), wholeLife(), neverFires(), smallFor()];
