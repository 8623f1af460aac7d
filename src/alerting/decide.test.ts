// The decision table of deduplication.

import { expect, it } from 'vitest';
import { type DecideInput, decideNotification } from './decide.ts';

const HOUR_MS = 3_600_000;

interface Case {
  readonly name: string;
  readonly told?: { readonly firing: string; readonly resolved?: string; readonly agoMs: number };
  readonly firing?: string;
  readonly resolved?: string;
  readonly doubtFiring?: string;
  readonly doubtResolved?: string;
  readonly sendResolved?: boolean;
  readonly says: string;
}

const cases: readonly Case[] = [
  { name: 'nothing told, one fires', firing: 'a', says: 'yes: first notification' },
  { name: 'nothing told, one resolved', resolved: 'a', says: 'no: resolved before anyone was told' },
  { name: 'same again', told: { firing: 'a', agoMs: 1 }, firing: 'a', says: 'no: nothing new' },
  { name: 'a subset', told: { firing: 'ab', agoMs: 1 }, firing: 'a', says: 'no: nothing new' },
  { name: 'one more', told: { firing: 'a', agoMs: 1 }, firing: 'ab', says: 'yes: new alerts in group' },
  { name: 'all ended', told: { firing: 'a', agoMs: 1 }, resolved: 'a', says: 'yes: alerts resolved' },
  {
    name: 'one ended',
    told: { firing: 'ab', agoMs: 1 },
    firing: 'a',
    resolved: 'b',
    says: 'yes: alerts resolved',
  },
  {
    name: 'one ended that nobody knew',
    told: { firing: 'a', agoMs: 1 },
    firing: 'a',
    resolved: 'b',
    says: 'no: nothing new',
  },
  {
    name: 'end told already',
    told: { firing: '', resolved: 'a', agoMs: 1 },
    resolved: 'a',
    says: 'no: nothing new',
  },
  {
    name: 'fires again after its end',
    told: { firing: '', resolved: 'a', agoMs: 1 },
    firing: 'a',
    says: 'yes: new alerts in group',
  },
  {
    name: 'ended, not wanted',
    told: { firing: 'a', agoMs: 1 },
    resolved: 'a',
    sendResolved: false,
    says: 'no: resolved is not sent here',
  },
  {
    name: 'just before the repeat',
    told: { firing: 'a', agoMs: HOUR_MS - 1 },
    firing: 'a',
    says: 'no: nothing new',
  },
  {
    name: 'at the repeat',
    told: { firing: 'a', agoMs: HOUR_MS },
    firing: 'a',
    says: 'yes: repeat interval elapsed',
  },
  {
    name: 'told in a far future',
    told: { firing: 'a', agoMs: -2 * HOUR_MS },
    firing: 'a',
    says: 'yes: repeat interval elapsed',
  },
  { name: 'told in a near future', told: { firing: 'a', agoMs: -1 }, firing: 'a', says: 'no: nothing new' },
  {
    name: 'its first message in doubt, ended',
    doubtFiring: 'a',
    resolved: 'a',
    says: 'yes: alerts resolved',
  },
  {
    name: 'its end in doubt, fires',
    told: { firing: 'a', agoMs: 1 },
    doubtResolved: 'a',
    firing: 'a',
    says: 'yes: new alerts in group',
  },
  { name: 'an entry emptied', told: { firing: '', agoMs: 1 }, firing: 'a', says: 'yes: first notification' },
];

it.each(cases)('$name → $says', one => {
  const input: DecideInput = {
    entry:
      one.told === undefined
        ? undefined
        : {
            groupKey: '{}:{}',
            receiver: 'ops',
            sentAtMs: 10 * HOUR_MS - one.told.agoMs,
            firing: [...one.told.firing],
            resolved: [...(one.told.resolved ?? '')],
            expiresAtMs: 0,
          },
    doubtful: { firing: [...(one.doubtFiring ?? '')], resolved: [...(one.doubtResolved ?? '')] },
    firing: [...(one.firing ?? '')],
    resolved: [...(one.resolved ?? '')],
    sendResolved: one.sendResolved ?? true,
    repeatIntervalMs: HOUR_MS,
    nowMs: 10 * HOUR_MS,
  };
  const decision = decideNotification(input);
  expect(`${decision.notify ? 'yes' : 'no'}: ${decision.reason}`).toBe(one.says);
});
