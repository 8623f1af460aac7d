// The same requests to Debian's Prometheus and to the real program: status, kind of error, and the shape of what is answered.
// Not asked is what Prometheus 3 answers otherwise than 2.42 does: its own description is in test/conformance/api.test.ts.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Folder, type Program, startProgram, temporaryFolder, until } from '../e2e/support.ts';
import { isSkipped, PEER_NAME, type Peer, startPrometheus } from './prometheus.ts';

const TEST_MS_MAX = 60_000;

const RANGE = 'start=1000&end=1060&step=15';
const SELECTOR = 'match[]={job="peer",__name__=~"up|go_goroutines"}';

const ASKED: readonly string[] = [
  ...[
    'query=up',
    '',
    'query=',
    'query=sum(',
    'query=1',
    'query="a"',
    'query=up[1m]',
    'query=up&time=soon',
  ].map(query => `query?${query}`),
  ...['1e3', '.5', '5.', '-1', '2015-07-01T20:10:51.781Z', '2015-07-01t20:10:51z', '2015-07-01 20:10:51'].map(
    time => `query?query=1&time=${encodeURIComponent(time)}`,
  ),
  ...['1ns', 'soon', '1', '1m30s'].map(timeout => `query?query=1&timeout=${timeout}`),
  'query?query=up*on(job)up',
  ...[RANGE, 'start=1000&end=1060', 'start=1060&end=1000&step=1', 'end=1&step=1'].map(
    times => `query_range?query=up&${times}`,
  ),
  ...['0', '-1', 'x', '1e1', '15s', '1.5s'].map(step => `query_range?query=up&start=0&end=60&step=${step}`),
  ...['up[1m]', '"a"', '1', 'sum(', 'vector(1)'].map(query => `query_range?query=${query}&${RANGE}`),
  'query_range?query=up&start=0&end=11000&step=1',
  'query_range?query=up&start=0&end=11001&step=1',
  ...['query=up', 'query=', 'query=up&start=x', 'query=up&start=2&end=1'].map(
    one => `query_exemplars?${one}`,
  ),
  ...['', SELECTOR, 'match[]={}', 'match[]={a=""}', 'match[]=up[5m]', 'match[]=up{'].map(
    one => `series?${one}`,
  ),
  ...[
    'start=x',
    'start=5&end=1',
    'start=-292273086-05-16T16:47:06Z&end=292277025-08-18T07:12:54.999999999Z',
  ].map(times => `series?${SELECTOR}&${times}`),
  ...['', SELECTOR, 'match[]={}', 'start=x', 'start=5&end=1'].flatMap(one => [
    `labels?${one}`,
    `label/job/values?${one}`,
  ]),
  'label/none/values',
  ...['limit=x', 'limit=0', 'metric=go_goroutines', 'metric=none'].map(one => `metadata?${one}`),
  ...['metric=go_goroutines', 'metric=none', 'limit=x', 'limit=0', 'match_target=x{'].map(
    one => `targets/metadata?match_target={job="peer"}&${one}`,
  ),
  ...['', 'type=alert', 'type=RECORD', 'type=x'].map(one => `rules?${one}`),
  ...['alerts', 'alertmanagers', 'status/config', 'status/buildinfo', 'status/walreplay', 'status/tsdb'],
  ...['query=sum(up)by(job)', 'query=sum(', ''].map(one => `format_query?${one}`),
];

interface Answered {
  readonly status: number;
  readonly errorType: string | undefined;
  readonly shape: string;
}

async function answerOf(url: string, request: string, init: RequestInit = {}): Promise<Answered> {
  const response = await fetch(`${url}/api/v1/${request}`, init);
  const body = (await response.json()) as { readonly errorType?: string; readonly data?: unknown };
  return { status: response.status, errorType: body.errorType, shape: shapeOf(body) };
}

/** Names and kinds of what is there, of lists the first entry; labels and what an error says are not compared. */
function shapeOf(value: unknown): string {
  if (Array.isArray(value)) return `[${value.length === 0 ? '' : shapeOf(value[0])}]`;
  if (typeof value !== 'object' || value === null) return typeof value;
  const entries = Object.entries(value)
    .filter(([name]) => name !== 'error')
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([name, one]) => `${name}:${FREE.has(name) ? '…' : shapeOf(one)}`).join()}}`;
}

/** What holds names of the user's. */
const FREE: ReadonlySet<string> = new Set(['metric', 'labels', 'annotations', 'target']);

describe.skipIf(isSkipped)(`the API ${PEER_NAME}`, { timeout: TEST_MS_MAX }, () => {
  let folder: Folder;
  let peer: Peer;
  let program: Program;

  beforeAll(async () => {
    folder = temporaryFolder();
    folder.write(
      'test.rules.yml',
      `groups:
  - name: g
    rules:
      - { alert: A, expr: up == 1, labels: { severity: page }, annotations: { s: x } }
      - { record: r, expr: up, labels: { a: b } }
`,
    );
    const configOf = (port: number): string => `global: { scrape_interval: 1s, evaluation_interval: 1s }
rule_files: [test.rules.yml]
scrape_configs:
  - job_name: peer
    static_configs: [{ targets: ['127.0.0.1:${port}'] }]
`;
    peer = await startPrometheus(folder, configOf);
    const { port } = new URL(peer.url);
    const prometheus = folder.write('same.yml', configOf(Number(port)));
    program = await startProgram({ folder, args: ['--prometheus', prometheus] });
    for (const url of [peer.url, program.url])
      await until('both have alerts', async () => {
        const { shape } = await answerOf(url, 'alerts');
        return shape.includes('activeAt') && (await answerOf(url, 'query?query=r')).shape.includes('value');
      });
  }, TEST_MS_MAX);

  afterAll(async () => {
    await program?.stop();
    await peer?.stop();
    folder?.remove();
  }, TEST_MS_MAX);

  it.each(ASKED)('%s', async request => {
    expect(await answerOf(program.url, request)).toEqual(await answerOf(peer.url, request));
  });

  it.each([
    ['query', 'query=up'],
    ['query_range', `query=up&${RANGE}`],
    ['query_exemplars', 'query=up'],
    ['series', SELECTOR],
    ['labels', SELECTOR],
    ['format_query', 'query=up'],
  ])('%s by a form', async (path, form) => {
    const init = (): RequestInit => ({ method: 'POST', body: new URLSearchParams(form) });
    expect(await answerOf(program.url, path, init())).toEqual(await answerOf(peer.url, path, init()));
  });

  it.each(['label/job/values', 'metadata', 'targets', 'rules', 'alerts', 'status/config'])(
    '%s takes no form',
    async path => {
      const statusOf = async (url: string): Promise<number> =>
        (await fetch(`${url}/api/v1/${path}`, { method: 'POST' })).status;
      expect([await statusOf(program.url), await statusOf(peer.url)]).toEqual([405, 405]);
    },
  );
});
