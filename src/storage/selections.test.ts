// What is remembered of selectors is what asking anew would give, whatever comes and goes meanwhile.

import { expect, it } from 'vitest';
import { seededRandom } from '../../test/support/random.ts';
import { compareLabels, formatLabels, labelsFrom, type Matcher } from '../model/index.ts';
import { matchSeries } from './matching.ts';
import { Selections } from './selections.ts';
import { SeriesTable } from './series-table.ts';

const SELECTORS: readonly (readonly Matcher[])[] = [
  [{ name: '__name__', op: '=', value: 'a' }],
  [{ name: '__name__', op: '=~', value: 'a|b' }],
  [
    { name: '__name__', op: '=', value: 'b' },
    { name: 'i', op: '!=', value: '3' },
  ],
  [{ name: 'i', op: '=~', value: '1.*' }],
  [],
];

it.each([1, 2, 3])('agrees with matching anew (seed %i)', seed => {
  const random = seededRandom(seed);
  const table = new SeriesTable();
  const selections = new Selections(table);
  const limits = { seriesMax: 1e6, metricSeriesMax: 1e6, nowMs: 0 };
  for (let step = 0; step < 300; step++) {
    const labels = labelsFrom({
      __name__: ['a', 'b', 'c'][random.uint32() % 3] ?? '',
      i: String(random.uint32() % 40),
    });
    const known = table.find(labels);
    if (known === undefined) table.create(labels, limits);
    else if (random.uint32() % 4 === 0) table.remove([known]);
    for (const matchers of SELECTORS) {
      const fresh = matchSeries(table, matchers);
      const remembered = selections.match(matchers);
      if (!fresh.ok || !remembered.ok) throw new Error('a selector is refused');
      const wanted = [...fresh.value].sort((a, b) => compareLabels(a.labels, b.labels));
      expect(remembered.value.map(one => formatLabels(one.labels))).toEqual(
        wanted.map(one => formatLabels(one.labels)),
      );
      expect(remembered.value.every((one, i) => one === wanted[i])).toBe(true);
    }
  }
});

it('remembers, and says why a pattern is refused', () => {
  const table = new SeriesTable();
  const selections = new Selections(table);
  table.create(labelsFrom({ __name__: 'a' }), { seriesMax: 9, metricSeriesMax: 9, nowMs: 0 });
  const matchers: readonly Matcher[] = [{ name: '__name__', op: '=', value: 'a' }];
  const first = selections.match(matchers);
  const second = selections.match(matchers);
  expect(first.ok && second.ok && first.value === second.value).toBe(true);
  // Of another metric: it takes no part.
  table.create(labelsFrom({ __name__: 'b' }), { seriesMax: 9, metricSeriesMax: 9, nowMs: 0 });
  const third = selections.match(matchers);
  expect(third.ok && first.ok && third.value === first.value).toBe(true);
  expect(selections.match([{ name: 'i', op: '=~', value: '(' }]).ok).toBe(false);
});
