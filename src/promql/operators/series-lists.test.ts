// Lists of series are recognized by their label sets, and forgotten when there are too many or nobody reads them.

import { expect, it } from 'vitest';
import { FakeClock } from '../../../test/support/clock.ts';
import { type Labels, labelsFrom, type SeriesColumns, type SeriesRef, targetId } from '../../model/index.ts';
import { ListMemo, SeriesLists } from './series-lists.ts';

const EMPTY = new Float64Array(0);

function columns(labels: readonly Labels[], producer = targetId('p')): SeriesColumns[] {
  return labels.map((one, i) => ({
    labels: one,
    ref: i as SeriesRef,
    producer,
    timesMs: EMPTY,
    values: EMPTY,
    from: 0,
    to: 0,
  }));
}

const named = (count: number, name = 'm'): Labels[] =>
  Array.from({ length: count }, (_, i) => labelsFrom({ __name__: name, i: String(i).padStart(6, '0') }));

it('gives the same list for the same label sets and producers only', () => {
  const lists = new SeriesLists(new FakeClock());
  const labels = named(20);
  const list = lists.of(columns(labels));
  expect(lists.of(columns(labels))).toBe(list);
  expect(lists.of(columns(labels.slice(0, 19)))).not.toBe(list);
  expect(lists.of(columns(labels, targetId('q')))).not.toBe(list);
  expect(lists.of(columns(named(20)))).not.toBe(list);
  expect(lists.of(columns(labels))).toBe(list);
  expect(lists.of([])).toEqual([]);
  // Few are not worth it.
  expect(lists.of(columns(labels.slice(0, 2)))).not.toBe(lists.of(columns(labels.slice(0, 2))));
});

it('derives a list without names once, and knows whether it is in order', () => {
  const lists = new SeriesLists(new FakeClock());
  const list = lists.of(columns(named(20)));
  const without = lists.withoutNames(list);
  expect(lists.withoutNames(list)).toBe(without);
  expect(without.every(({ labels }) => labels[0] === 'i')).toBe(true);
  expect(lists.isRising(list)).toBe(true);
  expect(lists.isRising(without)).toBe(true);
  expect(lists.isRising([...list].reverse())).toBe(false);
  expect(lists.isKnown(without)).toBe(true);
  expect(lists.isKnown([...list])).toBe(false);
});

it('remembers what was derived of lists that come again, by the other list and by its key', () => {
  const lists = new SeriesLists(new FakeClock());
  const memo = new ListMemo<string>(lists);
  const [a, b] = [lists.of(columns(named(30, 'a'))), lists.of(columns(named(30, 'b')))];
  memo.put('k', 'of a', { list: a });
  memo.put('k', 'of a and b', { list: b, other: a });
  expect(memo.get('k', a)).toBe('of a');
  expect(memo.get('other', a)).toBeUndefined();
  expect(memo.get('k', a, b)).toBeUndefined();
  expect(memo.get('k', b, a)).toBe('of a and b');
  expect(memo.get('k', b)).toBeUndefined();
  const unknown = [...a];
  memo.put('k', 'of nobody', { list: unknown });
  expect(memo.get('k', unknown)).toBeUndefined();
  for (let i = 0; i < 20; i++) memo.put(String(i), 'one more', { list: a, made: unknown });
  expect(memo.get('k', a)).toBeUndefined();
  expect(lists.isKnown(unknown)).toBe(true);
});

it('forgets lists of longest ago when there are too many series, and those that nobody reads', async () => {
  const clock = new FakeClock();
  const lists = new SeriesLists(clock);
  const [first, second, third] = [named(20_000, 'a'), named(20_000, 'b'), named(20_000, 'c')];
  const list = lists.of(columns(first));
  const other = lists.of(columns(second));
  expect(lists.of(columns(first))).toBe(list);
  lists.of(columns(third));
  expect(lists.of(columns(first))).toBe(list);
  expect(lists.of(columns(second))).not.toBe(other);
  await clock.advance(10 * 60_000);
  lists.of(columns(named(16)));
  expect(lists.of(columns(first))).not.toBe(list);
});
