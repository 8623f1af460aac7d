import { describe, expect, it } from 'vitest';
import type { TimelineEventJson } from '../../src/api/contract.ts';
import { addressOf, merge, NOTHING_YET } from './client.ts';

const event = (seq: number, repeats = 0): TimelineEventJson => ({
  seq,
  repeats,
  atMs: 0,
  lastAtMs: 0,
  stage: 'rule',
  verdict: 'firing',
  reason: '',
  subject: { kind: 'system' },
  alerts: [],
  evidence: {},
  effects: 'live',
});

it.each([
  ['http://here:9390/', 'http://here:9390/api/v1/query'],
  ['https://there.example/watch/', 'https://there.example/watch/api/v1/query'],
  ['https://there.example/watch/graph?g0.expr=up', 'https://there.example/watch/api/v1/query'],
])('on the page %s a route is asked at %s', (page, address) => {
  expect(addressOf('/api/v1/query', page)).toBe(address);
});

describe('the live state', () => {
  it('starts anew with a snapshot and keeps lists that a change does not mention', () => {
    const first = merge(NOTHING_YET, { timeline: [event(2), event(1)], runs: [], nowMs: 1 }, 'snapshot');
    const next = merge(first, { timeline: [event(3)], nowMs: 2 }, 'change');
    expect(next.timeline.map(e => e.seq)).toEqual([3, 2, 1]);
    expect(next).toMatchObject({ connected: true, nowMs: 2 });
    expect(merge(next, { timeline: [event(9)], nowMs: 3 }, 'snapshot').timeline.map(e => e.seq)).toEqual([9]);
  });

  it('replaces an event that came again', () => {
    const first = merge(NOTHING_YET, { timeline: [event(1)], nowMs: 1 }, 'snapshot');
    expect(merge(first, { timeline: [event(1, 4)], nowMs: 2 }, 'change').timeline).toEqual([event(1, 4)]);
  });
});
