import { expect, it } from 'vitest';
import { bench, jsonOf, textOf } from './testdata/bench.ts';

it('says what the series are made of, as Prometheus does', async () => {
  const b = await bench();
  const path = '/api/v1/status/tsdb';
  expect(jsonOf(await b.ask({ path, query: 'limit=7' }))).toEqual({
    status: 'success',
    data: {
      headStats: { numSeries: 3, numLabelPairs: 5, chunkCount: 4, minTime: 0, maxTime: 2000 },
      seriesCountByMetricName: [{ name: 'up', value: 7 }],
      labelValueCountByLabelName: [{ name: 'job', value: 2 }],
      memoryInBytesByLabelName: [{ name: 'job', value: 9 }],
      seriesCountByLabelValuePair: [{ name: 'job=j', value: 3 }],
    },
  });
  expect(textOf(await b.ask({ path }))).toContain('"value":10');
  for (const query of ['limit=0', 'limit=-1', 'limit=x', 'limit=10001', 'limit=1.5'])
    expect((await b.ask({ path, query })).status).toBe(400);
});
