import { describe, expect, it } from 'vitest';
import type { QueryRecord } from '../../model/index.ts';
import { NO_RECORDS, type Records, remember } from './records.ts';

function record(id: number, durationMs: number, atMs = 0): QueryRecord {
  const cost = { seriesRead: 0, samplesRead: 0, durationMs, queueMs: 0, bytesPeak: 0 };
  const times = { startMs: 0, endMs: 0, stepMs: 0 };
  return { id, expr: 'up', times, who: 'ann', client: '', atMs, cost, verdict: 'ok', message: '' };
}

function remembered(records: readonly QueryRecord[], isOwn = false): Records {
  return records.reduce((all, one) => remember(all, { record: one, isOwn, nowMs: one.atMs }), NO_RECORDS);
}

const ids = (records: readonly QueryRecord[]): readonly number[] => records.map(({ id }) => id);

describe('what is remembered', () => {
  it('the last hundred, and the fifty slowest in their order', () => {
    const all = Array.from({ length: 300 }, (_, i) => record(i, (i * 7) % 300));
    const { last, slowest } = remembered(all);
    expect(ids(last)).toEqual(Array.from({ length: 100 }, (_, i) => 299 - i));
    expect(slowest.map(({ cost }) => cost.durationMs)).toEqual(Array.from({ length: 50 }, (_, i) => 299 - i));
  });

  it('of rules only what is among the slowest', () => {
    const { last, slowest } = remembered([record(1, 5), record(2, 9)], true);
    expect([ids(last), ids(slowest)]).toEqual([[], [2, 1]]);
  });

  it('nothing slow for longer than a day', () => {
    const day = 86_400_000;
    const old = Array.from({ length: 50 }, (_, i) => record(i, 1000));
    const { slowest } = remembered([...old, record(99, 1, day + 1)]);
    expect(ids(slowest)).toEqual([99]);
  });
});
