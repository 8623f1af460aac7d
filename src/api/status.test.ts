import { expect, it } from 'vitest';
import { bench, jsonOf } from './testdata/bench.ts';

it.each([
  ['status/config', { yaml: 'global:\n  scrape_interval: 1m\n' }],
  ['status/flags', { 'query.timeout': '2m' }],
  ['status/walreplay', { min: 3, max: 5, current: 5 }],
  ['status/tsdb/blocks', { blocks: [{ ulid: 'block-00000001', stats: { numSamples: 10, numSeries: 2 } }] }],
])('%s says what the house says', async (path, data) => {
  const { ask } = await bench();
  expect(jsonOf(await ask({ path: `/api/v1/${path}` }))).toMatchObject({ status: 'success', data });
});

it('its own metrics are written as protocol buffers are in JSON', async () => {
  const world = await bench();
  const { metrics } = world;
  metrics.counter('watchkeeper_sent_total', 'Sent.').add(3, { receiver: 'team' });
  metrics.gauge('watchkeeper_age', 'Age.').set(Number.POSITIVE_INFINITY);
  metrics.gauge('watchkeeper_unset', 'Nothing yet.');
  metrics.histogram('watchkeeper_wait_seconds', 'Wait.', [0.1, 1]).observe(0.5, { of: 'a' });
  const dataOf = async (query: string): Promise<unknown> =>
    (jsonOf(await world.ask({ path: '/api/v1/status/self_metrics', query })) as { readonly data: unknown })
      .data;
  const all = (await dataOf('')) as readonly { readonly name: string }[];
  // The API counts its own work there as well.
  const own = all.filter(({ name }) => !name.startsWith('watchkeeper_remote_read'));
  expect(own).toEqual([
    {
      name: 'watchkeeper_sent_total',
      help: 'Sent.',
      type: 'COUNTER',
      metric: [{ label: [{ name: 'receiver', value: 'team' }], counter: { value: 3 } }],
    },
    { name: 'watchkeeper_age', help: 'Age.', type: 'GAUGE', metric: [{ gauge: { value: 'Infinity' } }] },
    {
      name: 'watchkeeper_wait_seconds',
      help: 'Wait.',
      type: 'HISTOGRAM',
      metric: [
        {
          label: [{ name: 'of', value: 'a' }],
          histogram: {
            sampleCount: '1',
            sampleSum: 0.5,
            bucket: [
              { cumulativeCount: '0', upperBound: 0.1 },
              { cumulativeCount: '1', upperBound: 1 },
            ],
          },
        },
      ],
    },
  ]);
  expect(await dataOf('metric_name_pattern=watchkeeper_a.*')).toMatchObject([{ name: 'watchkeeper_age' }]);
  // The whole name must match.
  expect(await dataOf('metric_name_pattern=watchkeeper_a')).toEqual([]);
  const bad = await world.ask({ path: '/api/v1/status/self_metrics', query: 'metric_name_pattern=(' });
  expect([bad.status, jsonOf(bad)]).toMatchObject([400, { errorType: 'bad_data' }]);
});
