import { describe, expect, it } from 'vitest';
import { labelsFrom, type Silence } from '../model/index.ts';
import { SilenceBook, unchecked } from './silences.ts';

const HOUR_MS = 3_600_000;

function silenceOf(id: string, startsAtMs: number): Silence {
  return {
    id,
    matchers: [{ name: 'team', op: '=', value: 'db' }],
    startsAtMs,
    endsAtMs: startsAtMs + HOUR_MS,
    updatedAtMs: startsAtMs,
    createdBy: 'ann',
    comment: '',
  };
}

describe('the book of silences', () => {
  const labels = labelsFrom({ alertname: 'Hot', team: 'db' });

  it('an alert that lives for a year does not remember the silences that were forgotten meanwhile', () => {
    const book = new SilenceBook();
    const check = unchecked();
    book.put({ ...silenceOf('always', 0), endsAtMs: 1e6 * HOUR_MS });
    for (let hour = 0; hour < 1000; hour++) {
      const nowMs = hour * HOUR_MS;
      book.put(silenceOf(`of-${hour}`, nowMs));
      expect(book.silencing(labels, check, nowMs)).toEqual(['always', `of-${hour}`]);
      book.forget(nowMs);
    }
    // What was kept at the last look.
    expect(check.ids).toEqual(['always', 'of-997', 'of-998', 'of-999']);
  });

  it('finds what came since an alert was looked at, though older ones went', () => {
    const book = new SilenceBook();
    const [early, late] = [unchecked(), unchecked()];
    book.put(silenceOf('a', 0));
    book.put(silenceOf('b', 10 * HOUR_MS));
    expect(book.silencing(labels, early, 0)).toEqual(['a']);
    book.forget(5 * HOUR_MS);
    book.put(silenceOf('c', 10 * HOUR_MS));
    expect(book.silencing(labels, early, 10 * HOUR_MS)).toEqual(['b', 'c']);
    expect(book.silencing(labels, late, 10 * HOUR_MS)).toEqual(['b', 'c']);
    expect(book.forget(20 * HOUR_MS)).toEqual(['b', 'c']);
    expect(book.silencing(labels, early, 10 * HOUR_MS)).toEqual([]);
  });

  it('takes one that comes back after it was forgotten, once', () => {
    const book = new SilenceBook();
    const check = unchecked();
    book.put(silenceOf('a', 0));
    expect(book.silencing(labels, check, 0)).toEqual(['a']);
    book.forget(2 * HOUR_MS);
    book.put(silenceOf('a', 2 * HOUR_MS));
    expect(book.silencing(labels, check, 2 * HOUR_MS)).toEqual(['a']);
  });
});
