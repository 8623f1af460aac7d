import { expect, it } from 'vitest';
import { FakeClock } from '../../test/support/clock.ts';
import { labelsFrom } from '../model/index.ts';
import { countSeries } from './cardinality.ts';
import { Head } from './head.ts';

const LIMITS = { seriesMax: 1e6, metricSeriesMax: 1e6, nowMs: 0 };

it('counts series, values and bytes, the largest first', async () => {
  const head = new Head(0);
  for (let i = 0; i < 30; i++)
    head.table.create(
      labelsFrom({ __name__: i < 20 ? 'many' : 'few', host: `h${i % 3}`, i: `${i}` }),
      LIMITS,
    );
  const counts = await countSeries(head, 2, new FakeClock(0));
  expect(counts).toEqual({
    series: 30,
    labelPairs: 2 + 3 + 30,
    chunks: 0,
    minMs: Number.POSITIVE_INFINITY,
    maxMs: Number.NEGATIVE_INFINITY,
    seriesByMetric: [
      { name: 'many', value: 20 },
      { name: 'few', value: 10 },
    ],
    valuesByLabel: [
      { name: 'i', value: 30 },
      { name: 'host', value: 3 },
    ],
    bytesByLabel: [
      { name: 'i', value: 10 + 2 * 20 },
      { name: '__name__', value: 7 },
    ],
    seriesByPair: [
      { name: '__name__=many', value: 20 },
      { name: '__name__=few', value: 10 },
    ],
  });
});
