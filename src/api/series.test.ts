import { describe, expect, it } from 'vitest';
import { labelsFrom, setStaleAt, targetId, wordsOf } from '../model/index.ts';
import { bench, jsonOf, textOf } from './testdata/bench.ts';

const T = Date.UTC(2026, 0, 1) / 1000;

async function withMore() {
  const world = await bench();
  const refs = [
    { __name__: 'up', job: 'page', instance: 'a' },
    { __name__: 'up', job: 'page', instance: 'b' },
    { __name__: 'ended', job: 'other' },
  ].map(labels => {
    const ref = world.store.intern(labelsFrom(labels));
    if (!ref.ok) throw new Error(ref.error);
    return ref.value;
  });
  const values = Float64Array.of(1, 0, 7);
  setStaleAt(wordsOf(values), 2);
  const series = Uint32Array.from(refs);
  await world.store.append({ producer: targetId('p'), timestampMs: T * 1000 - 10_000, series, values });
  return world;
}

describe('what series there are', () => {
  it('by selectors, each once', async () => {
    const { ask } = await withMore();
    const query = 'match[]=up&match[]={job="page",instance="a"}';
    expect(jsonOf(await ask({ path: '/api/v1/series', query }))).toEqual({
      status: 'success',
      data: [
        { __name__: 'up', job: 'page', instance: 'a' },
        { __name__: 'up', job: 'page', instance: 'b' },
      ],
    });
  });

  it('at most so many, and it says so', async () => {
    const { ask } = await withMore();
    expect(jsonOf(await ask({ path: '/api/v1/series', query: 'match[]=up&limit=1' }))).toEqual({
      status: 'success',
      data: [{ __name__: 'up', job: 'page', instance: 'a' }],
      warnings: ['results truncated due to limit'],
    });
  });

  it('names of labels and their values, of all or of some, within a time', async () => {
    const { ask } = await withMore();
    const data = async (path: string, query = ''): Promise<unknown> =>
      (jsonOf(await ask({ path, query })) as { data: unknown }).data;
    expect(await data('/api/v1/labels')).toEqual(['__name__', 'instance', 'job']);
    expect(await data('/api/v1/labels', 'match[]=m')).toEqual(['__name__', 'job']);
    expect(await data('/api/v1/label/job/values')).toEqual(['other', 'page']);
    expect(await data('/api/v1/label/job/values', 'match[]=up&match[]=m')).toEqual(['page']);
    expect(await data('/api/v1/label/__name__/values', `end=${T - 20}`)).toEqual(['m']);
    expect(await data('/api/v1/label/job/values', 'limit=1')).toEqual(['other']);
    // As in Prometheus nothing is between an end and a later start.
    expect(await data('/api/v1/labels', `start=${T}&end=${T - 60}`)).toEqual([]);
    expect(await data('/api/v1/series', `match[]=m&start=${T}&end=${T - 60}`)).toEqual([]);
    const allTimes = 'start=-292273086-05-16T16:47:06Z&end=292277025-08-18T07:12:54.999999999Z';
    expect(await data('/api/v1/series', `match[]=m&${allTimes}`)).toHaveLength(1);
  });

  it.each([
    ['/api/v1/series', '', 'no match[] parameter provided'],
    ['/api/v1/series', 'match[]=up{', 'invalid parameter "match[]"'],
    ['/api/v1/series', 'match[]=rate(up[5m])', 'is not a series selector'],
    ['/api/v1/labels', 'start=soon', 'invalid parameter "start"'],
    ['/api/v1/label/job/values', 'limit=-1', 'invalid parameter "limit"'],
  ])('%s?%s is a mistake', async (path, query, error) => {
    const { ask } = await withMore();
    const answered = await ask({ path, query });
    expect(answered.status).toBe(400);
    expect(jsonOf(answered)).toMatchObject({ errorType: 'bad_data', error: expect.stringContaining(error) });
  });
});

describe('/federate', () => {
  it('gives the newest samples with their times, sorted, with the external labels; what has ended is left out', async () => {
    const { ask } = await withMore();
    const page = await ask({ path: '/federate', query: 'match[]={job=~".%2B"}' });
    expect(page.headers['content-type']).toContain('version=0.0.4');
    expect(textOf(page)).toBe(
      [
        '# TYPE m untyped',
        `m{instance="",job="page",region="eu"} 2 ${T * 1000}`,
        '# TYPE up untyped',
        `up{instance="a",job="page",region="eu"} 1 ${T * 1000 - 10_000}`,
        `up{instance="b",job="page",region="eu"} 0 ${T * 1000 - 10_000}`,
        '',
      ].join('\n'),
    );
    expect((await ask({ path: '/federate' })).status).toBe(400);
  });
});

it('queries say what they cost, and end at a limit', async () => {
  const { ask } = await withMore();
  const query = 'query=up&stats=all&limit=1';
  expect(jsonOf(await ask({ path: '/api/v1/query', query }))).toEqual({
    status: 'success',
    data: {
      resultType: 'vector',
      result: [{ metric: { __name__: 'up', job: 'page', instance: 'a' }, value: [T, '1'] }],
      stats: {
        timings: { evalTotalTime: 0, innerEvalTime: 0, execQueueTime: 0, execTotalTime: 0 },
        samples: { totalQueryableSamples: 2, samplesRead: 2, totalQueryableSamplesPerStep: [[T, 2]] },
      },
    },
    warnings: ['results truncated due to limit'],
  });
  const range = `query=up&limit=1&start=${T - 10}&end=${T}&step=10`;
  expect(jsonOf(await ask({ path: '/api/v1/query_range', query: range }))).toMatchObject({
    data: { result: [{ metric: { instance: 'a' } }] },
    warnings: ['results truncated due to limit'],
  });
  expect((await ask({ path: '/api/v1/query', query: 'query=up&limit=x' })).status).toBe(400);
});

it('queries explain themselves where that is asked for', async () => {
  const { ask } = await withMore();
  const query = `query=${encodeURIComponent('sum(up) + sum(up)')}`;
  const explained = { path: '/api/v1/query', query: `${query}&explain=true` };
  expect(jsonOf(await ask(explained))).toMatchObject({
    data: {
      resultType: 'vector',
      explain: {
        seriesRead: 2,
        samplesRead: 2,
        operators: {
          op: 'binary',
          name: '+',
          text: 'sum(up) + sum(up)',
          inputs: [
            { name: 'sum', inputs: [{ op: 'select', text: 'up', samplesRead: 2, isShared: false }] },
            { name: 'sum', inputs: [{ op: 'select', text: 'up', samplesRead: 0, isShared: true }] },
          ],
        },
      },
    },
  });
  expect(jsonOf(await ask({ path: '/api/v1/query', query }))).not.toHaveProperty('data.explain');
  const refused = await ask({ path: '/api/v1/query', query: `${query}&explain=perhaps` });
  expect([refused.status, jsonOf(refused)]).toMatchObject([400, { errorType: 'bad_data' }]);
});

it('what clients may count on', async () => {
  const { ask } = await bench();
  expect(jsonOf(await ask({ path: '/api/v1/features' }))).toMatchObject({
    data: {
      promql_functions: { rate: true, histogram_quantile: true },
      templating_functions: { query: true, humanize: true },
      api: { admin: false },
    },
  });
});

it('expressions as the language prints them', async () => {
  const { ask } = await bench();
  const query = 'query=sum(rate(m[5m]))by(job)';
  expect(jsonOf(await ask({ path: '/api/v1/format_query', query }))).toMatchObject({
    data: 'sum by (job) (rate(m[5m]))',
  });
  expect((await ask({ path: '/api/v1/format_query', query: 'query=sum(' })).status).toBe(400);
});

it('scrape pools, and Alertmanagers elsewhere', async () => {
  const { ask } = await bench();
  expect(jsonOf(await ask({ path: '/api/v1/scrape_pools' }))).toMatchObject({
    data: { scrapePools: ['nobody', 'other', 'page', 'prometheus'] },
  });
  expect(jsonOf(await ask({ path: '/api/v1/alertmanagers' }))).toMatchObject({
    data: {
      activeAlertmanagers: [{ url: 'http://am:9093/api/v2/alerts' }],
      droppedAlertmanagers: [{ url: 'http://other:9093/api/v2/alerts' }],
    },
  });
});
