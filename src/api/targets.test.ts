import { describe, expect, it } from 'vitest';
import { bench, jsonOf } from './testdata/bench.ts';

async function answerTo(path: string, query = ''): Promise<{ status: number; body: unknown }> {
  const { ask } = await bench();
  const answered = await ask({ path: `/api/v1/${path}`, query });
  return { status: answered.status, body: jsonOf(answered) };
}

describe('targets', () => {
  it.each([
    ['', 3, 1],
    ['state=any', 3, 1],
    ['state=ACTIVE', 3, 0],
    ['state=dropped', 0, 1],
    ['state=lost', 0, 0],
    ['scrapePool=page', 1, 0],
    ['scrapePool=j', 0, 1],
  ])('%s: %i active, %i dropped', async (query, active, dropped) => {
    const { body } = await answerTo('targets', query);
    const { data } = body as {
      readonly data: { readonly activeTargets: unknown[]; readonly droppedTargets: unknown[] };
    };
    expect([data.activeTargets.length, data.droppedTargets.length]).toEqual([active, dropped]);
  });

  it('name all scrape pools, those without a target too', async () => {
    expect(await answerTo('scrape_pools')).toMatchObject({
      body: { data: { scrapePools: ['nobody', 'other', 'page', 'prometheus'] } },
    });
  });
});

describe('metadata of targets', () => {
  const target = { job: 'prometheus', instance: 'localhost:9090' };
  const requests = { target, type: 'counter', help: 'Requests.', unit: '' };
  const up = { target, type: 'gauge', help: 'Health.', unit: '' };

  it.each([
    [
      '',
      [
        { ...requests, metric: 'http_requests_total' },
        { ...up, metric: 'up' },
      ],
    ],
    ['limit=1', [{ ...requests, metric: 'http_requests_total' }]],
    ['metric=up', [up]],
    ['match_target={job=~"prom.*"}&metric=up', [up]],
    ['metric=up&limit=0', []],
    ['match_target={job="page"}', []],
    ['metric=down', []],
  ])('%s', async (query, data) => {
    expect(await answerTo('targets/metadata', query)).toMatchObject({ status: 200, body: { data } });
  });

  it.each([
    ['match_target=sum(', 'match_target'],
    ['limit=x', 'limit must be a number'],
  ])('%s is a mistake', async (query, error) => {
    expect(await answerTo('targets/metadata', query)).toMatchObject({
      status: 400,
      body: { errorType: 'bad_data', error: expect.stringContaining(error) },
    });
  });
});

describe('the steps of relabelling', () => {
  const steps = (labels: Record<string, string>) =>
    answerTo(
      'targets/relabel_steps',
      new URLSearchParams({ scrapePool: 'prometheus', labels: JSON.stringify(labels) }).toString(),
    );

  it('say after each rule what the labels are', async () => {
    expect(await steps({ __address__: 'a:1', secret: 'x' })).toEqual({
      status: 200,
      body: {
        status: 'success',
        data: {
          steps: [
            {
              rule: {
                source_labels: ['__address__'],
                regex: '(.*)',
                target_label: 'instance',
                replacement: '$1',
                action: 'replace',
              },
              output: { __address__: 'a:1', instance: 'a:1', secret: 'x' },
              keep: true,
            },
            {
              rule: { source_labels: ['instance'], regex: 'dropped.*', replacement: '$1', action: 'drop' },
              output: { __address__: 'a:1', instance: 'a:1', secret: 'x' },
              keep: true,
            },
            {
              rule: { regex: 'secret', replacement: '$1', action: 'labeldrop' },
              output: { __address__: 'a:1', instance: 'a:1' },
              keep: true,
            },
          ],
        },
      },
    });
  });

  it('end where a rule drops them', async () => {
    expect(await steps({ __address__: 'dropped:1' })).toMatchObject({
      body: { data: { steps: [{ keep: true }, { keep: false, output: {} }] } },
    });
  });

  it.each([
    ['scrapePool=none&labels={}', 'there is no scrape pool "none"'],
    ['labels={}', 'scrapePool'],
    ['scrapePool=prometheus', 'invalid parameter "labels"'],
    ['scrapePool=prometheus&labels=[]', 'invalid parameter "labels"'],
    ['scrapePool=prometheus&labels={"a":1}', 'invalid parameter "labels"'],
    ['scrapePool=prometheus&labels={"a"', 'invalid parameter "labels"'],
  ])('%s is a mistake', async (query, error) => {
    expect(await answerTo('targets/relabel_steps', query)).toMatchObject({
      status: 400,
      body: { errorType: 'bad_data', error: expect.stringContaining(error) },
    });
  });
});
