// The causes that follow from what is known: those that a script through the whole system (cli/explain.test.ts) does not reach.

import { describe, expect, it } from 'vitest';
import type { DeliveryOutcome, DeliveryRecord, JournalEvent, StoredJournalEvent } from '../../model/index.ts';
import { deliveryVerdict } from '../../model/index.ts';
import { causesOf } from './causes.ts';
import type { AlertHistory } from './history.ts';
import { CAUSE_WORDS, causeText } from './words.ts';

const T0 = Date.UTC(2026, 0, 1);
const PRINT = '0123456789abcdef';
const GROUP = '{}:{}';

function event(part: Partial<StoredJournalEvent>): StoredJournalEvent {
  const base: JournalEvent = {
    atMs: T0,
    stage: 'rule',
    subject: { kind: 'alert', fingerprint: PRINT },
    alerts: [PRINT],
    verdict: 'firing',
    reason: 'the condition holds',
    evidence: {},
    effects: 'live',
    configVersion: 'v1',
  };
  return { ...base, seq: 1, repeats: 0, lastAtMs: part.atMs ?? T0, ...part };
}

function delivery(outcome: DeliveryOutcome | undefined, part: Partial<DeliveryRecord> = {}): DeliveryRecord {
  const intent = {
    jobId: 'j',
    groupKey: GROUP,
    receiver: 'ops/email[0]',
    atMs: T0 + 1000,
    firing: [PRINT],
    resolved: [],
    reason: 'first notification',
  };
  const ended = outcome === undefined ? {} : { outcome, endedAtMs: T0 + 2000 };
  return { intent, verdict: deliveryVerdict(outcome), ...ended, ...part };
}

const FIRING = event({});
const ROUTE = event({
  stage: 'route',
  verdict: 'matched',
  evidence: { groups: [GROUP], receivers: ['ops'] },
});

function group(part: Partial<StoredJournalEvent>): AlertHistory['groups'] {
  return new Map([[GROUP, event({ stage: 'group', subject: { kind: 'group', groupKey: GROUP }, ...part })]]);
}

function history(part: Partial<AlertHistory>): AlertHistory {
  return {
    fingerprint: PRINT,
    atMs: T0 + 10_000,
    state: FIRING,
    firedAtMs: T0,
    stale: undefined,
    route: ROUTE,
    groups: new Map(),
    notes: [],
    receivers: [],
    recovery: undefined,
    target: undefined,
    config: undefined,
    deliveries: [],
    ...part,
  };
}

const SENT: DeliveryOutcome = { kind: 'sent', answer: 'ok' };
const HELD = event({
  stage: 'notify',
  verdict: 'held',
  reason: 'held: recovery run is running',
  atMs: T0 + 500,
});

describe('causes', () => {
  it.each<readonly [string, Partial<AlertHistory>, readonly string[]]>([
    ['held for recovery', { notes: [HELD] }, ['ops held']],
    ['held before, and told since', { notes: [HELD], deliveries: [delivery(SENT)] }, ['ops told']],
    [
      'kept back in an earlier episode only',
      {
        notes: [event({ stage: 'notify', verdict: 'silenced', atMs: T0 - 5000 })],
        groups: group({ verdict: 'waiting', evidence: { groupWaitMs: 30_000 } }),
      },
      ['ops waiting_group'],
    ],
    [
      'kept back, and let through',
      {
        notes: [
          event({ stage: 'notify', verdict: 'passed', seq: 9, atMs: T0 + 900 }),
          event({ stage: 'notify', verdict: 'silenced', atMs: T0 + 100 }),
        ],
        groups: group({ verdict: 'notify', atMs: T0 + 900 }),
      },
      ['ops under_way'],
    ],
    [
      'kept back in another group',
      {
        notes: [event({ stage: 'notify', verdict: 'muted', evidence: { groupKey: 'other' } })],
        deliveries: [delivery(SENT)],
      },
      ['ops told'],
    ],
    [
      'a fallback took it',
      { deliveries: [delivery(SENT, { deliveredBy: 'sms/webhook[0]' })] },
      ['ops told_by_fallback'],
    ],
    [
      'cut off',
      { deliveries: [delivery({ kind: 'drop', reason: 'interrupted', detail: '' })] },
      ['ops interrupted'],
    ],
    [
      'superseded by the message that counts',
      {
        deliveries: [
          delivery({ kind: 'drop', reason: 'superseded', detail: '' }),
          delivery({ kind: 'drop', reason: 'refused', detail: '550' }),
        ],
      },
      ['ops receiver_failed'],
    ],
    ['under way', { deliveries: [delivery(undefined)] }, ['ops under_way']],
    [
      'waiting for the rules',
      { groups: group({ verdict: 'not_notified', reason: 'ops: waiting for the rules', atMs: T0 + 100 }) },
      ['ops waiting'],
    ],
    ['a rule that fell silent', { stale: event({ verdict: 'stale' }) }, ['ops waiting', 'rule_stale']],
    [
      'firing on while its data is missing',
      {
        state: event({ reason: 'its target is silent: job/x', evidence: { cause: 'target_silent' } }),
        deliveries: [delivery(SENT)],
      },
      ['ops told', 'no_data'],
    ],
    [
      'kept firing',
      { state: event({ reason: 'the condition no longer holds; kept firing by keep_firing_for' }) },
      ['ops waiting', 'kept_firing'],
    ],
    ['pending that was given up', { state: event({ verdict: 'inactive' }) }, ['pending_given_up']],
    [
      'pending whose target is gone',
      { state: event({ verdict: 'inactive', evidence: { cause: 'target_gone' } }) },
      ['target_gone'],
    ],
    ['nothing', { state: undefined }, []],
  ])('%s', (_, part, expected) => {
    const causes = causesOf(history(part), undefined);
    expect(causes.map(({ receiver, code }) => (receiver === null ? code : `${receiver} ${code}`))).toEqual(
      expected,
    );
    // Each has all that its words ask for.
    for (const cause of causes) expect(cause.text).not.toMatch(/\{\w+\}/);
  });

  it('that a former process journaled and that hold no longer are passed over', () => {
    const notes = [event({ stage: 'notify', verdict: 'silenced', atMs: T0 + 100 })];
    const live = { silencedBy: [], inhibitedBy: [], mutedBy: [] };
    const groups = group({ verdict: 'not_notified', reason: 'ops: nothing new', atMs: T0 + 200 });
    expect(causesOf(history({ notes, groups }), live).map(cause => cause.code)).toEqual(['waiting']);
    expect(causesOf(history({ notes, groups }), undefined).map(cause => cause.code)).toEqual(['silenced']);
  });
});

describe('the words', () => {
  it('write times by their names, and leave what is not known', () => {
    const text = causeText(
      CAUSE_WORDS.told_by_fallback,
      { receiver: 'ops', toldAtMs: 5 },
      atMs => `<${atMs}>`,
    );
    expect(text).toBe('ops could not be told, and {by} took the message at <5>');
  });
});
