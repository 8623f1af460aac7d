import { describe, expect, it } from 'vitest';
import { labelsFrom, targetId } from '../model/index.ts';
import { type Bench, bench, jsonOf } from './testdata/bench.ts';

async function withExemplars(): Promise<Bench> {
  const b = await bench();
  const refs = ['a', 'b'].map(job => b.store.intern(labelsFrom({ __name__: 'requests_total', job })));
  const series = Uint32Array.from(refs, ref => (ref.ok ? ref.value : 0));
  await b.store.append({
    producer: targetId('p'),
    timestampMs: b.clock.nowMs(),
    series,
    values: Float64Array.of(1, 2),
    exemplars: [
      { index: 0, exemplar: { labels: labelsFrom({ trace_id: 'x' }), value: 0.5 } },
      { index: 1, exemplar: { labels: labelsFrom({ trace_id: 'y' }), value: Infinity, timestampMs: 1500 } },
    ],
    metadata: [
      { metric: 'requests_total', type: 'counter', help: 'Requests.', unit: '' },
      { metric: 'heat', type: 'gauge', help: 'How hot.', unit: 'celsius' },
    ],
  });
  return b;
}

const ask = async (b: Bench, path: string, query: string): Promise<unknown> =>
  jsonOf(await b.ask({ path: `/api/v1/${path}`, query }));

describe('query_exemplars', () => {
  it('answers those of every series that the expression selects anywhere', async () => {
    const b = await withExemplars();
    const query = `query=${encodeURIComponent('rate(requests_total{job="a"}[5m]) / on(job) requests_total{job="b"}')}`;
    expect(await ask(b, 'query_exemplars', query)).toEqual({
      status: 'success',
      data: [
        {
          seriesLabels: { __name__: 'requests_total', job: 'a' },
          exemplars: [{ labels: { trace_id: 'x' }, value: '0.5', timestamp: b.clock.nowMs() / 1000 }],
        },
        {
          seriesLabels: { __name__: 'requests_total', job: 'b' },
          exemplars: [{ labels: { trace_id: 'y' }, value: '+Inf', timestamp: 1.5 }],
        },
      ],
    });
  });

  it('keeps to the times asked for, both ends included', async () => {
    const b = await withExemplars();
    const inside = (await ask(b, 'query_exemplars', 'query=requests_total&start=1.5&end=1.5')) as {
      data: readonly { seriesLabels: { job: string } }[];
    };
    expect(inside.data.map(one => one.seriesLabels.job)).toEqual(['b']);
  });

  it.each([
    ['query=up&start=2&end=1', 'end timestamp must not be before start timestamp'],
    ['query=up&start=x', 'invalid parameter "start"'],
    ['query=sum(', 'invalid parameter "query"'],
    ['', 'invalid parameter "query"'],
  ])('refuses %s', async (query, error) => {
    const b = await withExemplars();
    expect(await ask(b, 'query_exemplars', query)).toMatchObject({
      status: 'error',
      errorType: 'bad_data',
      error: expect.stringContaining(error),
    });
  });

  it('answers nothing for an expression without selectors', async () => {
    expect(await ask(await withExemplars(), 'query_exemplars', 'query=1')).toEqual({
      status: 'success',
      data: [],
    });
  });
});

describe('metadata', () => {
  const counter = { type: 'counter', help: 'Requests.', unit: '' };
  const gauge = { type: 'gauge', help: 'How hot.', unit: 'celsius' };
  it.each([
    ['', { requests_total: [counter], heat: [gauge] }],
    ['metric=heat', { heat: [gauge] }],
    ['metric=nothing', {}],
    ['limit=1', { requests_total: [counter] }],
    ['limit=0', {}],
    ['limit=-1&limit_per_metric=1', { requests_total: [counter], heat: [gauge] }],
  ])('answers "%s"', async (query, data) => {
    expect(await ask(await withExemplars(), 'metadata', query)).toEqual({ status: 'success', data });
  });

  it('refuses a limit that is no number', async () => {
    expect(await ask(await withExemplars(), 'metadata', 'limit=many')).toMatchObject({
      status: 'error',
      errorType: 'bad_data',
    });
  });
});
