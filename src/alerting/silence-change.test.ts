// When a silence keeps its id, when a new one is made in its place, and what is refused.

import { describe, expect, it } from 'vitest';
import type { Matcher, Silence, SilenceDraft } from '../model/index.ts';
import { changeSilence, endSilence, type SilenceLimits } from './silence-change.ts';

const NOW = Date.UTC(2026, 0, 1, 12);
const SECOND = 1000;
const LIMITS: SilenceLimits = { silencesMax: 0, silenceBytesMax: 0 };
const MATCHERS: readonly Matcher[] = [
  { name: 'job', op: '=', value: 'a' },
  { name: 'zone', op: '!~', value: 'x.*' },
];
const PENDING: Silence = {
  id: 'old',
  matchers: MATCHERS,
  startsAtMs: NOW + 60 * SECOND,
  endsAtMs: NOW + 600 * SECOND,
  updatedAtMs: NOW - SECOND,
  createdBy: 'me',
  comment: 'deploy',
};
const ACTIVE: Silence = { ...PENDING, startsAtMs: NOW - 60 * SECOND - 1 };
const EXPIRED: Silence = { ...PENDING, startsAtMs: NOW - 60 * SECOND, endsAtMs: NOW - SECOND };

function ask(
  known: Silence | undefined,
  part: Partial<SilenceDraft>,
  more: { count?: number; limits?: Partial<SilenceLimits> } = {},
) {
  const { id: _, updatedAtMs: __, ...base } = known ?? PENDING;
  const draft = { ...base, ...(known === undefined ? {} : { id: known.id }), ...part };
  const limits = { ...LIMITS, ...more.limits };
  return changeSilence({ draft, known, count: more.count ?? 0, limits, newId: 'new', nowMs: NOW });
}

describe('a change keeps the id when nothing of what was silenced is rewritten', () => {
  const cases: readonly (readonly [
    string,
    Silence,
    Partial<SilenceDraft>,
    'updated' | 'replaced',
    number,
  ])[] = [
    ['active: another end', ACTIVE, { endsAtMs: NOW + SECOND }, 'updated', 1],
    ['active: another comment', ACTIVE, { comment: 'x' }, 'updated', 1],
    [
      'active: its start without the fraction of a second',
      ACTIVE,
      { startsAtMs: NOW - 61 * SECOND },
      'updated',
      1,
    ],
    ['active: another start', ACTIVE, { startsAtMs: NOW - 30 * SECOND }, 'replaced', 2],
    ['active: other matchers', ACTIVE, { matchers: [{ name: 'job', op: '=', value: 'b' }] }, 'replaced', 2],
    ['active: matchers in another order', ACTIVE, { matchers: [...MATCHERS].reverse() }, 'replaced', 2],
    ['pending: another start to come', PENDING, { startsAtMs: NOW + SECOND }, 'updated', 1],
    ['pending: a start that has passed', PENDING, { startsAtMs: NOW - SECOND }, 'replaced', 2],
    ['expired: any', EXPIRED, { endsAtMs: NOW + SECOND }, 'replaced', 1],
  ];
  it.each(cases)('%s', (_, known, part, verdict, writes) => {
    const change = ask(known, part);
    if (!change.ok) throw new Error(change.error.message);
    expect(change.value.verdict).toBe(verdict);
    expect(change.value.id).toBe(verdict === 'updated' ? 'old' : 'new');
    expect(change.value.writes).toHaveLength(writes);
    const last = change.value.writes.at(-1);
    expect(last).toMatchObject({ id: change.value.id, updatedAtMs: NOW });
    // A new one never reaches into the past, and the old one ends where it stands.
    if (verdict === 'replaced') expect(last?.startsAtMs).toBeGreaterThanOrEqual(NOW);
    if (writes === 2) expect(change.value.writes[0]).toMatchObject({ id: 'old', endsAtMs: NOW });
  });

  it('a draft without a start begins now', () => {
    const { startsAtMs: _, ...rest } = PENDING;
    const made = changeSilence({
      draft: { ...rest, id: '' },
      known: undefined,
      count: 0,
      limits: LIMITS,
      newId: 'new',
      nowMs: NOW,
    });
    expect(made.ok && made.value.writes[0]).toMatchObject({ id: 'new', startsAtMs: NOW });
  });
});

describe('what is refused', () => {
  const bad: readonly (readonly [string, Partial<SilenceDraft>, string])[] = [
    ['no matcher', { matchers: [] }, 'at least one matcher required'],
    ['a matcher without a name', { matchers: [{ name: '', op: '=', value: 'a' }] }, 'invalid label name'],
    [
      'a regular expression that is none',
      { matchers: [{ name: 'a', op: '=~', value: '(' }] },
      'invalid label matcher',
    ],
    [
      'one that fits everything',
      { matchers: [{ name: 'a', op: '=~', value: '.*' }] },
      'must not match the empty string',
    ],
    ['an end before its start', { endsAtMs: NOW }, 'must not be before start time'],
  ];
  it.each(bad)('%s', (_, part, message) => {
    const change = ask(undefined, part);
    expect(!change.ok && change.error).toMatchObject({
      code: 'silence-invalid',
      message: expect.stringContaining(message),
    });
  });

  it('a negative matcher alone is taken, as in Alertmanager', () => {
    expect(ask(undefined, { matchers: [{ name: 'a', op: '!=', value: 'b' }] }).ok).toBe(true);
  });

  it('an id that nobody has', () => {
    const change = ask(undefined, { id: 'gone' });
    expect(!change.ok && change.error.code).toBe('silence-not-found');
  });

  it('one too many, yet the change of one that is there goes on; one too large', () => {
    const full = { count: 3, limits: { silencesMax: 3 } };
    const one = ask(undefined, {}, full);
    expect(!one.ok && one.error.code).toBe('silence-limit');
    expect(ask(undefined, {}, { ...full, count: 2 }).ok).toBe(true);
    expect(ask(ACTIVE, { comment: 'x' }, full).ok).toBe(true);
    const large = ask(ACTIVE, { comment: 'é'.repeat(200) }, { limits: { silenceBytesMax: 400 } });
    expect(!large.ok && large.error.message).toContain('exceeded maximum size');
  });
});

it('ending by hand: an active one ends now, a pending one never was, an expired one stays as it is', () => {
  expect(endSilence(ACTIVE, NOW)).toMatchObject({ startsAtMs: ACTIVE.startsAtMs, endsAtMs: NOW });
  expect(endSilence(PENDING, NOW)).toMatchObject({ startsAtMs: NOW, endsAtMs: NOW, updatedAtMs: NOW });
  expect(endSilence(EXPIRED, NOW)).toBeUndefined();
});
