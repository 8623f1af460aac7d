import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Clock } from '../base/index.ts';
import { labelsFrom, targetId } from '../model/index.ts';
import { jaroWinklerScore, subsequenceScore } from './fuzzy.ts';
import { type Bench, bench, formOf, jsonOf, readAll } from './testdata/bench.ts';

const METRICS = ['http_requests_total', 'http_request_duration_seconds', 'go_goroutines', 'HTTP_upper'];

async function world(): Promise<Bench> {
  const made = await bench();
  const refs = METRICS.map((name, i) => {
    const ref = made.store.intern(labelsFrom({ __name__: name, job: 'page', instance: `localhost:909${i}` }));
    if (!ref.ok) throw new Error(ref.error);
    return ref.value;
  });
  await made.store.append({
    producer: targetId('p'),
    timestampMs: made.clock.nowMs() - 1000,
    series: Uint32Array.from(refs),
    values: new Float64Array(refs.length),
    metadata: [{ metric: 'go_goroutines', type: 'gauge', help: 'Goroutines.', unit: '' }],
  });
  return made;
}

async function linesOf(path: string, query: string): Promise<unknown[]> {
  const { ask } = await world();
  const answered = await ask({ path: `/api/v1/search/${path}`, query });
  expect([answered.status, answered.headers['content-type']]).toEqual([
    200,
    'application/x-ndjson; charset=utf-8',
  ]);
  const text = await readAll(answered);
  return text
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line) as unknown);
}

const END = { status: 'success', has_more: false };

describe('search', () => {
  it('names of metrics, in the order of their bytes, then how it ended', async () => {
    expect(await linesOf('metric_names', 'match[]={job="page",instance!=""}')).toEqual([
      { results: [...METRICS].sort().map(name => ({ name })) },
      END,
    ]);
  });

  it.each([
    ['search[]=http_req', ['http_request_duration_seconds', 'http_requests_total']],
    [
      'search[]=http&case_sensitive=false',
      ['HTTP_upper', 'http_request_duration_seconds', 'http_requests_total'],
    ],
    ['search[]=goro&search[]=upper', ['HTTP_upper', 'go_goroutines']],
    ['search[]=hrt&fuzz_threshold=0', ['http_request_duration_seconds', 'http_requests_total']],
    ['search[]=hrt&fuzz_threshold=90', []],
    ['search[]=goroutine&fuzz_alg=jarowinkler', ['go_goroutines']],
    ['search[]=go_gorotuines&fuzz_alg=jarowinkler', []],
    ['search[]=go_gorotuines&fuzz_alg=jarowinkler&fuzz_threshold=90', ['go_goroutines']],
    [
      'search[]=http_req&sort_by=alpha&sort_dir=dsc',
      ['http_requests_total', 'http_request_duration_seconds'],
    ],
    ['search[]=requests&sort_by=score', ['http_requests_total', 'http_request_duration_seconds']],
    ['start=0&end=1', []],
  ])('%s finds %j', async (query, names) => {
    const [first] = (await linesOf('metric_names', query)) as [{ results: readonly { name: string }[] }];
    expect(first.results.map(({ name }) => name)).toEqual(names);
  });

  it('says how well each fits, and what it is about', async () => {
    expect(await linesOf('metric_names', 'search[]=go_&include_score=true&include_metadata=1')).toEqual([
      { results: [{ name: 'go_goroutines', type: 'gauge', help: 'Goroutines.', score: 1 }] },
      END,
    ]);
  });

  it('ends at the limit and says that there is more, in batches as they are wanted', async () => {
    expect(await linesOf('metric_names', 'limit=3&batch_size=2&search[]=t')).toMatchObject([
      { results: [{}, {}] },
      { results: [{}] },
      { status: 'success', has_more: false },
    ]);
    expect((await linesOf('metric_names', 'limit=2')).at(-1)).toEqual({ status: 'success', has_more: true });
  });

  it('names of labels and values of one, from a form too', async () => {
    expect(await linesOf('label_names', 'search[]=in')).toEqual([{ results: [{ name: 'instance' }] }, END]);
    const { ask } = await world();
    const form = formOf('label=instance&match[]=go_goroutines&search[]=909');
    expect(await readAll(await ask({ ...form, path: '/api/v1/search/label_values' }))).toBe(
      '{"results":[{"value":"localhost:9092","name":"localhost:9092"}]}\n{"status":"success","has_more":false}\n',
    );
  });

  it.each([
    ['label_values', '', 'missing required parameter "label"'],
    ['metric_names', 'fuzz_threshold=101', 'invalid fuzz_threshold'],
    ['metric_names', 'fuzz_alg=soundex', 'unsupported fuzz_alg'],
    ['metric_names', 'case_sensitive=maybe', 'case_sensitive'],
    ['metric_names', 'include_score=maybe', 'include_score'],
    ['metric_names', 'include_metadata=maybe', 'include_metadata'],
    ['metric_names', 'sort_dir=asc', 'sort_dir is only valid when sort_by is set'],
    ['metric_names', 'sort_by=score&sort_dir=asc&search[]=a', 'sort_dir is not supported'],
    ['metric_names', 'sort_by=alpha&sort_dir=down', 'invalid sort_dir'],
    ['metric_names', 'sort_by=size', 'invalid sort_by'],
    ['metric_names', 'sort_by=score', 'sort_by=score requires search[]'],
    ['metric_names', 'limit=-1', 'invalid limit'],
    ['metric_names', 'batch_size=x', 'invalid batch_size'],
    ['metric_names', 'start=soon', 'invalid parameter "start"'],
    ['metric_names', 'start=2&end=1', 'end timestamp must not be before start timestamp'],
    ['metric_names', 'match[]=up{', 'invalid parameter "match[]"'],
    ['metric_names', 'search[]=a&'.repeat(33), 'at most 32 terms'],
  ])('%s?%s is a mistake', async (path, query, error) => {
    const { ask } = await world();
    const answered = await ask({ path: `/api/v1/search/${path}`, query });
    expect(answered.status).toBe(400);
    expect(jsonOf(answered)).toMatchObject({ errorType: 'bad_data', error: expect.stringContaining(error) });
  });

  it('gives the rest of the program its turns, and ends when the client has gone', async () => {
    const { clock, deps, ask } = await world();
    let monotonicMs = 0;
    const slow: Clock = {
      nowMs: () => clock.nowMs(),
      monotonicMs: () => {
        monotonicMs += 30;
        return monotonicMs;
      },
      after: (delayMs, fire) => clock.after(delayMs, fire),
    };
    const gone = new AbortController();
    gone.abort();
    Object.assign(deps, { clock: slow });
    const answered = await ask({ path: '/api/v1/search/metric_names', signal: gone.signal });
    expect(jsonOf(answered)).toMatchObject({ errorType: 'canceled' });
  });
});

describe('how well a text fits', () => {
  // Worked out by hand from the rule: runs squared, less what is skipped.
  it.each([
    ['abc', 'abc', 1],
    ['abc', 'abcdef', 1],
    ['abc', 'xabc', (9 - 1 / 4) / 9],
    ['ac', 'xabc', (2 - (1 + 1) / 4) / 4],
    ['ab', 'axab', (4 - 2 / 4) / 4],
    ['ab', 'xaby', (4 - 1.5 / 4) / 4],
    ['abc', 'acb', 0],
    ['abc', 'ab', 0],
    ['é', 'café', (1 - 3 / 4) / 1],
  ])('the subsequence "%s" in "%s": %f', (pattern, text, score) => {
    expect(subsequenceScore(pattern)(text)).toBeCloseTo(score, 12);
  });

  // The classic examples of Jaro and Winkler.
  it.each([
    ['MARTHA', 'MARHTA', 0.961],
    ['DWAYNE', 'DUANE', 0.84],
    ['DIXON', 'DICKSONX', 0.813],
    ['abc', 'xyz', 0],
    ['go', 'ago', 0.9],
  ])('"%s" is like "%s": %f', (pattern, text, score) => {
    expect(jaroWinklerScore(pattern, 0.5)(text)).toBeCloseTo(score, 3);
  });

  it('is between 0 and 1, whatever the texts are', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 20 });
    fc.assert(
      fc.property(text, text, (pattern, given) => {
        for (const score of [subsequenceScore(pattern)(given), jaroWinklerScore(pattern, 0.1)(given)]) {
          expect(score).toBeGreaterThanOrEqual(0);
          expect(score).toBeLessThanOrEqual(1);
        }
      }),
    );
  });
});
