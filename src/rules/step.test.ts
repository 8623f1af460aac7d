// The life of an alert, one evaluation a minute: what the answer holds, what the alert is.

import { describe, expect, it } from 'vitest';
import { fingerprint, labelsFrom, type TargetDirectory, targetId } from '../model/index.ts';
import type { AbsenceFacts } from './absence.ts';
import type { AlertMap, Candidate } from './alert-state.ts';
import { type StepInput, stepAlerts } from './step.ts';

const MINUTE = 60_000;
const NO_GRACE = { outageToleranceMs: 60 * MINUTE, gracePeriodMs: 0 };
const labels = labelsFrom({ alertname: 'A', instance: 'x' });
const PRINT = fingerprint(labels);

function candidate(value = 1): Candidate {
  return { labels, fingerprint: PRINT, annotations: labelsFrom({}), value, producer: targetId('job/x') };
}

type TargetState = ReturnType<TargetDirectory['stateOf']>;

/** What one evaluation finds: the series (`yes`), its left side only (`below`), or nothing and the target's state. */
type Found = 'yes' | 'below' | TargetState;

function facts(found: Found): AbsenceFacts {
  const state: TargetState = found === 'gone' || found === 'silent' ? found : 'delivering';
  return {
    unfiltered: new Set(found === 'yes' || found === 'below' ? [PRINT] : []),
    targets: { statuses: () => [], stateOf: () => state },
    startedAtMs: 0,
    unknowable: 'resolved',
  };
}

interface Case {
  readonly says: string;
  readonly rule: Partial<StepInput['rule']>;
  readonly found: readonly Found[];
  /** State after each evaluation, "-" for none. */
  readonly states: readonly string[];
  readonly reason?: string;
}

const CASES: readonly Case[] = [
  { says: 'fires at once without `for`', rule: {}, found: ['yes', 'yes'], states: ['firing', 'firing'] },
  {
    says: 'is pending until `for` has passed',
    rule: { forMs: 2 * MINUTE },
    found: ['yes', 'yes', 'yes', 'yes'],
    states: ['pending', 'pending', 'firing', 'firing'],
  },
  {
    says: 'forgets a pending alert whose condition ceases',
    rule: { forMs: 2 * MINUTE },
    found: ['yes', 'below', 'yes', 'yes'],
    states: ['pending', '-', 'pending', 'pending'],
  },
  {
    says: 'resolves, and begins anew when the condition returns',
    rule: { forMs: MINUTE },
    found: ['yes', 'yes', 'below', 'yes', 'yes'],
    states: ['pending', 'firing', 'resolved', 'pending', 'firing'],
  },
  {
    says: 'goes on firing for keep_firing_for, and counts it anew after each return',
    rule: { keepFiringForMs: 2 * MINUTE },
    found: ['yes', 'below', 'yes', 'below', 'below', 'below'],
    states: ['firing', 'firing', 'firing', 'firing', 'firing', 'resolved'],
  },
  {
    says: 'resolves on missing data with the semantics of Prometheus',
    rule: { noData: 'prometheus' },
    found: ['yes', 'silent'],
    states: ['firing', 'resolved'],
    reason: 'no longer in the answer',
  },
  {
    says: 'is unknown while its target is silent, and fires again without a new `for`',
    rule: { noData: 'unknown', forMs: MINUTE },
    found: ['yes', 'yes', 'silent', 'silent', 'yes'],
    states: ['pending', 'firing', 'unknown', 'unknown', 'firing'],
    reason: 'the condition holds',
  },
  {
    says: 'keeps what it was while its target is silent, and is over when it is known to be',
    rule: { noData: 'keep' },
    found: ['yes', 'silent', 'silent', 'delivering', 'below'],
    states: ['firing', 'firing', 'firing', 'firing', 'resolved'],
    reason: 'the condition no longer holds',
  },
  {
    says: 'keeps a pending alert pending, as long as data is missing',
    rule: { noData: 'keep', forMs: MINUTE },
    found: ['yes', 'silent', 'silent', 'silent'],
    states: ['pending', 'pending', 'pending', 'pending'],
    reason: 'its target is silent: job/x',
  },
  {
    says: 'takes missing data for ok where it is told to',
    rule: { noData: 'ok' },
    found: ['yes', 'silent'],
    states: ['firing', 'resolved'],
    reason: 'its target is silent: job/x',
  },
  {
    says: 'takes missing data for the condition where it is told to',
    rule: { noData: 'firing', forMs: 2 * MINUTE },
    found: ['yes', 'silent', 'silent', 'silent'],
    states: ['pending', 'pending', 'firing', 'firing'],
    reason: 'its target is silent: job/x, which counts as the condition',
  },
  {
    says: 'does not take a target that left discovery for missing data',
    rule: { noData: 'firing' },
    found: ['yes', 'silent', 'gone'],
    states: ['firing', 'firing', 'resolved'],
    reason: 'its target left discovery: job/x',
  },
  {
    says: 'names the silent target',
    rule: { noData: 'unknown' },
    found: ['yes', 'silent'],
    states: ['firing', 'unknown'],
    reason: 'its target is silent: job/x',
  },
  {
    says: 'keeps `for` of a pending alert while its target is silent, without firing',
    rule: { noData: 'unknown', forMs: 3 * MINUTE },
    found: ['yes', 'silent', 'silent', 'silent', 'yes'],
    states: ['pending', 'pending', 'pending', 'pending', 'firing'],
  },
  {
    says: 'resolves when the target left discovery, saying so',
    rule: { noData: 'unknown' },
    found: ['yes', 'silent', 'gone'],
    states: ['firing', 'unknown', 'resolved'],
    reason: 'its target left discovery: job/x',
  },
  {
    says: 'resolves when the condition no longer holds',
    rule: { noData: 'unknown' },
    found: ['yes', 'below'],
    states: ['firing', 'resolved'],
    reason: 'the condition no longer holds',
  },
  {
    says: 'resolves when the series ended while the target delivers',
    rule: { noData: 'unknown' },
    found: ['yes', 'delivering'],
    states: ['firing', 'resolved'],
    reason: 'its series ended: the target delivers without it',
  },
  {
    says: 'waits for windows to fill when a silent target delivers again',
    rule: { noData: 'unknown' },
    found: ['yes', 'silent', ...new Array<Found>(10).fill('delivering'), 'delivering'],
    states: ['firing', 'unknown', ...new Array<string>(10).fill('unknown'), 'resolved'],
  },
  {
    says: 'is forgotten a quarter of an hour after it resolved',
    rule: {},
    found: ['yes', ...new Array<Found>(17).fill('below')],
    states: ['firing', ...new Array<string>(16).fill('resolved'), '-'],
  },
];

function check({ rule, found, states, reason }: Case): void {
  let alerts: AlertMap = new Map();
  const seen: string[] = [];
  let last = '';
  found.forEach((what, i) => {
    const outcome = stepAlerts(alerts, {
      rule: { forMs: 0, keepFiringForMs: 0, noData: 'prometheus', ...rule },
      nowMs: (i + 1) * MINUTE,
      candidates: what === 'yes' ? [candidate()] : [],
      facts: facts(what),
      limit: 0,
      forPolicy: NO_GRACE,
    });
    if (!outcome.ok) throw new Error(outcome.error.message);
    const before = alerts.get(PRINT)?.state;
    alerts = outcome.value.alerts;
    const now = alerts.get(PRINT);
    seen.push(now?.state ?? '-');
    last = now?.reason ?? last;
    // Every transition is worth exactly one line in the journal.
    if (before !== now?.state && !(before === 'resolved' && now === undefined)) {
      expect(outcome.value.changes).toHaveLength(1);
    }
  });
  expect(seen).toEqual(states);
  if (reason !== undefined) expect(last).toBe(reason);
}

describe('an alert', () => {
  for (const one of CASES) it(one.says, () => check(one));
});

const input = (candidates: readonly Candidate[], limit: number): StepInput => ({
  rule: { forMs: 0, keepFiringForMs: 0, noData: 'prometheus' },
  nowMs: MINUTE,
  candidates,
  facts: facts('below'),
  limit,
  forPolicy: NO_GRACE,
});

it('two series with the same labels are an error and change nothing', () => {
  const outcome = stepAlerts(new Map(), input([candidate(), candidate(2)], 0));
  expect(outcome.ok).toBe(false);
  if (!outcome.ok)
    expect(outcome.error).toMatchObject({ code: 'rules-duplicate-series', outcome: undefined });
});

it('over the limit the rule fails and what fired is resolved, saying why', () => {
  const first = stepAlerts(new Map(), input([candidate()], 1));
  if (!first.ok) throw new Error(first.error.message);
  const other = labelsFrom({ alertname: 'A', instance: 'y' });
  const more = { ...candidate(), labels: other, fingerprint: fingerprint(other) };
  const second = stepAlerts(first.value.alerts, { ...input([candidate(), more], 1), nowMs: 2 * MINUTE });
  expect(second.ok).toBe(false);
  if (second.ok) return;
  expect(second.error.message).toBe('exceeded limit of 1 with 2 alerts');
  const left = [...(second.error.outcome?.alerts.values() ?? [])];
  expect(left.map(alert => [alert.state, alert.reason])).toEqual([
    ['resolved', 'rule failed: exceeded limit of 1 with 2 alerts'],
  ]);
});

it('a restored alert is not judged before there can be data again', () => {
  const fired = stepAlerts(new Map(), input([candidate()], 0));
  if (!fired.ok) throw new Error(fired.error.message);
  const restarted = { ...facts('delivering'), startedAtMs: 5 * MINUTE };
  const at = (nowMs: number): string | undefined => {
    const rule = { forMs: 0, keepFiringForMs: 0, noData: 'unknown' } as const;
    const out = stepAlerts(fired.value.alerts, { ...input([], 0), rule, nowMs, facts: restarted });
    return out.ok ? out.value.alerts.get(PRINT)?.state : undefined;
  };
  expect(at(6 * MINUTE)).toBe('unknown');
  expect(at(16 * MINUTE)).toBe('resolved');
});

it('a restored alert is not resolved by samples that may be older than what the former process saw', () => {
  const fired = stepAlerts(new Map(), input([candidate()], 0));
  if (!fired.ok) throw new Error(fired.error.message);
  const at = (nowMs: number, state: TargetState): string | undefined => {
    const rule = { forMs: 0, keepFiringForMs: 0, noData: 'unknown' } as const;
    const targets: TargetDirectory = { statuses: () => [], stateOf: () => state };
    const found = { ...facts('below'), targets, startedAtMs: 5 * MINUTE };
    const out = stepAlerts(fired.value.alerts, { ...input([], 0), rule, nowMs, facts: found });
    return out.ok ? out.value.alerts.get(PRINT)?.state : undefined;
  };
  expect(at(6 * MINUTE, 'silent')).toBe('unknown');
  expect(at(6 * MINUTE, 'delivering')).toBe('resolved');
  expect(at(16 * MINUTE, 'silent')).toBe('resolved');
});
