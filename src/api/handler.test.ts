import { hashSync } from 'bcryptjs';
import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../test/support/clock.ts';
import { MemorySeriesStore } from '../../test/support/memory-series.ts';
import { MemoryState } from '../../test/support/state.ts';
import { ok, type ServerRequest, type ServerResponse } from '../base/index.ts';
import { type Alert, fingerprint, labelsFrom, type TargetStatus, targetId } from '../model/index.ts';
import { createQueryEngine } from '../promql/index.ts';
import { hashPassword, hashToken } from './access.ts';
import type { AccessSettings, ApiDeps, StorageAdmin } from './deps.ts';
import { createApi } from './handler.ts';

const SALT = Buffer.from('0123456789abcdef', 'hex');
const OPEN: AccessSettings = {
  users: [],
  tokens: [],
  certificates: false,
  listenHost: '127.0.0.1',
  hostNames: ['watch.example.org'],
};
const GUARDED: AccessSettings = {
  ...OPEN,
  listenHost: '0.0.0.0',
  users: [
    { name: 'ann', passwordHash: hashPassword('correct horse', SALT), roles: ['admin'] },
    { name: 'bob', passwordHash: hashSync('battery staple', 4), roles: ['viewer'] },
  ],
  tokens: [{ name: 'script', tokenHash: hashToken('t0ken'), roles: ['operator'] }],
};

const NAMES = labelsFrom({ alertname: 'Trouble', job: 'page' });
const ALERT: Alert = {
  labels: NAMES,
  fingerprint: fingerprint(NAMES),
  annotations: labelsFrom({ summary: 'it is bad' }),
  state: 'firing',
  activeAtMs: 1000,
  firedAtMs: 2000,
  reason: 'the condition holds',
  value: 0.25,
  rule: { file: 'a.yml', group: 'g', name: 'Trouble', labelsKey: '' },
  expr: 'up == 0',
  generatorUrl: '',
};
const TARGET: TargetStatus = {
  id: targetId('page/1'),
  job: 'page',
  url: 'http://127.0.0.1:1/metrics',
  labels: labelsFrom({ job: 'page', instance: '127.0.0.1:1' }),
  discoveredLabels: labelsFrom({ __address__: '127.0.0.1:1' }),
  health: 'down',
  lastError: 'refused',
  lastScrapeMs: 0,
  lastDurationMs: 12,
  lastSamples: 0,
  intervalMs: 15_000,
  timeoutMs: 10_000,
};

interface Bench {
  readonly clock: FakeClock;
  readonly state: MemoryState;
  readonly store: MemorySeriesStore;
  readonly deps: ApiDeps;
  ready: boolean;
  problems: readonly string[];
  alerts: readonly Alert[];
  admin: StorageAdmin | undefined;
  ask(request: Partial<ServerRequest>): Promise<ServerResponse>;
}

async function bench(settings: AccessSettings = OPEN): Promise<Bench> {
  const clock = new FakeClock(Date.UTC(2026, 0, 1));
  const state = new MemoryState();
  const store = new MemorySeriesStore(() => clock.nowMs());
  await fill(store, clock);
  const own = {
    ready: true,
    problems: [] as readonly string[],
    alerts: [ALERT] as readonly Alert[],
    admin: undefined as StorageAdmin | undefined,
  };
  const deps: ApiDeps = {
    clock,
    query: createQueryEngine({ reader: store, clock }),
    reader: store,
    state,
    effects: 'live',
    buildInfo: { version: '3.0.0', revision: '', branch: '', buildUser: '', buildDate: '', goVersion: '' },
    targets: () => [TARGET, { ...TARGET, job: 'other' }],
    droppedTargetCounts: () => ({ j: 3 }),
    droppedTargets: () => [{ discoveredLabels: { __address__: 'dropped' } }],
    ruleGroups: () => [],
    alerts: () => own.alerts,
    runs: () => [],
    receivers: () => [
      {
        name: 'team',
        channels: ['email'],
        lastSuccessMs: null,
        lastErrorMs: null,
        lastError: '',
        consecutiveFailures: 0,
      },
    ],
    testReceiver: async name => ok(`${name}: 250 queued`),
    status: () => {
      throw new Error('not asked here');
    },
    admin: () => own.admin,
    push: async request => ({
      status: 400,
      headers: { 'x-of': request.headers['x-of'] ?? '' },
      text: 'no good',
    }),
    ready: () => own.ready,
    reload: async () => ({ ok: own.problems.length === 0, problems: own.problems }),
    metricsPage: () => 'own 1\n',
    hostPage: () => 'host 1\n',
    asset: async path =>
      ['/index.html', '/assets/a.js'].includes(path)
        ? { type: 'text/x', bytes: Buffer.from(path) }
        : undefined,
  };
  const handler = createApi(deps, settings);
  const ask: Bench['ask'] = request =>
    handler({
      method: 'GET',
      path: '/',
      query: '',
      headers: {},
      remoteAddress: '127.0.0.1',
      signal: new AbortController().signal,
      body: async () => ok(new Uint8Array()),
      rawBody: async () => ok(new Uint8Array()),
      ...request,
    });
  return Object.assign(own, { clock, state, store, deps, ask });
}

/** m = 1 at the start and 2 half a minute later. */
async function fill(store: MemorySeriesStore, clock: FakeClock): Promise<void> {
  const ref = store.intern(labelsFrom({ __name__: 'm', job: 'page' }));
  if (!ref.ok) throw new Error(ref.error);
  for (const [i, value] of [1, 2].entries()) {
    await store.append({
      producer: targetId('page/1'),
      timestampMs: clock.nowMs() - 30_000 + i * 30_000,
      series: Uint32Array.of(ref.value),
      values: Float64Array.of(value),
    });
  }
}

const textOf = (response: ServerResponse): string =>
  response.body instanceof Uint8Array ? Buffer.from(response.body).toString() : String(response.body);
const jsonOf = (response: ServerResponse): unknown => JSON.parse(textOf(response));
const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;

describe('pushed requests', () => {
  it('get the answer that the receiver of pushes gave, its headers too', async () => {
    const b = await bench();
    const answer = await b.ask({ method: 'POST', path: '/api/v1/write', headers: { 'x-of': 'me' } });
    expect(answer).toMatchObject({ status: 400, body: 'no good\n' });
    expect(answer.headers['x-of']).toBe('me');
  });
});

describe('routes', () => {
  it.each([
    ['GET', '/-/healthy', 200],
    ['GET', '/metrics', 200],
    ['GET', '/metrics/host', 200],
    ['GET', '/api/v1/status/buildinfo', 200],
    ['HEAD', '/api/v1/alerts', 200],
    ['POST', '/api/v1/query', 400],
    ['DELETE', '/api/v1/query', 405],
    ['POST', '/api/v1/alerts', 405],
    ['GET', '/-/reload', 405],
    ['GET', '/api/v1/nothing', 404],
    ['GET', '/api/v1/query/', 404],
    ['POST', '/nothing', 404],
    ['GET', '/', 200],
    ['GET', '/alerts', 200],
    ['GET', '/assets/a.js', 200],
    ['GET', '/assets/b.js', 404],
  ])('%s %s is answered with %i', async (method, path, status) => {
    const { ask } = await bench();
    expect((await ask({ method, path })).status).toBe(status);
  });

  it('let built files be kept for ever, and the page itself never, under a strict content policy', async () => {
    const { ask } = await bench();
    const page = await ask({ path: '/alerts' });
    expect(textOf(page)).toBe('/index.html');
    expect(page.headers).toMatchObject({
      'cache-control': 'no-cache',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
    });
    expect(page.headers['content-security-policy']).toContain("default-src 'self'");
    expect((await ask({ path: '/assets/a.js' })).headers['cache-control']).toContain('immutable');
  });

  it('say that the program is starting until it is ready', async () => {
    const b = await bench();
    b.ready = false;
    expect((await b.ask({ path: '/-/ready' })).status).toBe(503);
    b.ready = true;
    expect((await b.ask({ path: '/-/ready' })).status).toBe(200);
  });

  it('tell why a reload was refused', async () => {
    const b = await bench();
    b.problems = ['a.yml:1:2: config-unknown-key: no "x"'];
    const refused = await b.ask({ method: 'POST', path: '/-/reload' });
    expect([refused.status, textOf(refused).includes('a.yml:1:2')]).toEqual([500, true]);
    b.problems = [];
    expect((await b.ask({ method: 'POST', path: '/-/reload' })).status).toBe(200);
  });
});

describe('queries', () => {
  const T = Date.UTC(2026, 0, 1) / 1000;

  it('answer an instant, at the time asked or now', async () => {
    const { ask } = await bench();
    const now = jsonOf(await ask({ path: '/api/v1/query', query: 'query=m' }));
    expect(now).toEqual({
      status: 'success',
      data: { resultType: 'vector', result: [{ metric: { __name__: 'm', job: 'page' }, value: [T, '2'] }] },
    });
    const before = await ask({ path: '/api/v1/query', query: `query=m&time=${T - 1}` });
    expect(jsonOf(before)).toMatchObject({ data: { result: [{ value: [T - 1, '1'] }] } });
    const dated = await ask({ path: '/api/v1/query', query: 'query=m&time=2025-12-31T23:59:59Z' });
    expect(jsonOf(dated)).toEqual(jsonOf(before));
  });

  it('take parameters from a form, too', async () => {
    const { ask } = await bench();
    const answer = await ask({
      method: 'POST',
      path: '/api/v1/query',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: async () => ok(Buffer.from('query=1%2B1')),
      rawBody: async () => ok(Buffer.from('query=1%2B1')),
    });
    expect(jsonOf(answer)).toMatchObject({ data: { resultType: 'scalar', result: [T, '2'] } });
  });

  it('answer a range', async () => {
    const { ask } = await bench();
    const query = `query=m&start=${T - 30}&end=${T}&step=30s`;
    expect(jsonOf(await ask({ path: '/api/v1/query_range', query }))).toMatchObject({
      data: {
        resultType: 'matrix',
        result: [
          {
            values: [
              [T - 30, '1'],
              [T, '2'],
            ],
          },
        ],
      },
    });
  });

  it.each([
    ['/api/v1/query', 'query=sum(m', 400, 'bad_data', 'query-parse'],
    ['/api/v1/query', 'query=m&time=yesterday', 400, 'bad_data', 'invalid parameter "time"'],
    ['/api/v1/query', 'query=m&timeout=soon', 400, 'bad_data', 'invalid parameter "timeout"'],
    ['/api/v1/query_range', 'query=m', 400, 'bad_data', 'invalid parameter "start"'],
    [
      '/api/v1/query_range',
      'query=m&start=2&end=1&step=1',
      400,
      'bad_data',
      'end timestamp must not be before',
    ],
    ['/api/v1/query_range', 'query=m&start=1&end=2&step=0', 400, 'bad_data', 'zero or negative'],
    ['/api/v1/query_range', 'query=m&start=1&end=2&step=-1', 400, 'bad_data', 'invalid parameter "step"'],
    [
      '/api/v1/query_range',
      'query=m&start=0&end=99999&step=1',
      400,
      'bad_data',
      'exceeded maximum resolution',
    ],
    ['/api/v1/targets', 'state=lost', 400, 'bad_data', 'invalid parameter "state"'],
    ['/api/v1/rules', 'type=odd', 400, 'bad_data', 'alert or record expected'],
    ['/api/watchkeeper/v1/explain', '', 400, 'bad_data', 'invalid parameter "alert"'],
    ['/api/watchkeeper/v1/explain', 'alert=Nothing', 404, 'not_found', 'Cannot explain "Nothing"'],
  ])('%s?%s is refused with %i', async (path, query, status, errorType, says) => {
    const { ask } = await bench();
    const answer = await ask({ path, query });
    expect(answer.status).toBe(status);
    expect(jsonOf(answer)).toMatchObject({
      status: 'error',
      errorType,
      error: expect.stringContaining(says),
    });
  });
});

describe('what is known', () => {
  it('targets by state and pool, with the time before the first scrape as Prometheus writes it', async () => {
    const { ask } = await bench();
    const active = jsonOf(await ask({ path: '/api/v1/targets', query: 'state=active&scrapePool=page' }));
    expect(active).toMatchObject({
      data: {
        activeTargets: [
          {
            scrapePool: 'page',
            health: 'down',
            lastError: 'refused',
            lastScrape: '0001-01-01T00:00:00Z',
            scrapeInterval: '15s',
          },
        ],
        droppedTargets: [],
      },
    });
    const dropped = jsonOf(await ask({ path: '/api/v1/targets', query: 'state=dropped' }));
    expect(dropped).toMatchObject({
      data: { activeTargets: [], droppedTargets: [{}], droppedTargetCounts: { j: 3 } },
    });
  });

  it('alerts: an unknown one is firing with an annotation, a resolved one is not there', async () => {
    const b = await bench();
    b.alerts = [
      ALERT,
      { ...ALERT, state: 'unknown', reason: 'target silent' },
      { ...ALERT, state: 'resolved' },
    ];
    expect(jsonOf(await b.ask({ path: '/api/v1/alerts' }))).toMatchObject({
      data: {
        alerts: [
          {
            state: 'firing',
            value: '2.5e-01',
            activeAt: '1970-01-01T00:00:01.000Z',
            annotations: { summary: 'it is bad' },
          },
          { state: 'firing', annotations: { watchkeeper_unknown: 'target silent' } },
        ],
      },
    });
  });

  it('why: the latest word of each stage, by name or fingerprint', async () => {
    const { ask, state } = await bench();
    const event = {
      subject: { kind: 'alert', fingerprint: ALERT.fingerprint },
      alerts: [ALERT.fingerprint],
      evidence: {},
      effects: 'live',
      configVersion: '1',
    } as const;
    for (const [atMs, stage, verdict] of [
      [1, 'rule', 'pending'],
      [2, 'rule', 'firing'],
      [3, 'route', 'matched'],
    ] as const)
      await state.commit(
        [{ kind: 'journal', event: { ...event, atMs, stage, verdict, reason: 'so' } }],
        'synced',
      );
    for (const alert of ['Trouble', ALERT.fingerprint]) {
      expect(
        jsonOf(await ask({ path: '/api/watchkeeper/v1/explain', query: `alert=${alert}` })),
      ).toMatchObject({
        data: {
          alert: { state: 'firing' },
          stages: [
            { stage: 'rule', verdict: 'firing' },
            { stage: 'route', verdict: 'matched' },
          ],
          history: [{ atMs: 3 }, { atMs: 2 }, { atMs: 1 }],
        },
      });
    }
  });

  it('the live stream begins with everything and goes on with what changed', async () => {
    const b = await bench();
    const gone = new AbortController();
    const answer = await b.ask({ path: '/api/watchkeeper/v1/live', signal: gone.signal });
    if (typeof answer.body === 'string' || answer.body instanceof Uint8Array)
      throw new Error('a stream expected');
    const events = answer.body[Symbol.asyncIterator]();
    const first = String((await events.next()).value);
    expect(first).toMatch(/^event: snapshot\ndata: \{.*"alerts":\[\{/);
    b.alerts = [];
    const next = events.next();
    await b.clock.advance(1000);
    const second = String((await next).value);
    expect(second).toMatch(/^event: change\ndata: /);
    expect(Object.keys(JSON.parse(second.split('data: ')[1] ?? ''))).toEqual(['alerts', 'nowMs']);
    const last = events.next();
    gone.abort();
    await b.clock.advance(1000);
    expect((await last).done).toBe(true);
  });

  it('the answer of a test message, and no test of a receiver that is not there', async () => {
    const { ask } = await bench();
    const sent = await ask({ method: 'POST', path: '/api/watchkeeper/v1/receivers/team/test' });
    expect(jsonOf(sent)).toEqual({ status: 'success', data: { answer: 'team: 250 queued' } });
    expect((await ask({ method: 'POST', path: '/api/watchkeeper/v1/receivers/none/test' })).status).toBe(404);
  });
});

describe('access', () => {
  it.each([
    ['nobody', '', '/api/v1/alerts', 'GET', 401],
    ['nobody, for a probe', '', '/-/healthy', 'GET', 200],
    ['nobody, for the page', '', '/', 'GET', 401],
    ['a scrypt password', basic('ann:correct horse'), '/api/v1/alerts', 'GET', 200],
    ['a wrong scrypt password', basic('ann:wrong'), '/api/v1/alerts', 'GET', 401],
    ['a bcrypt password', basic('bob:battery staple'), '/api/v1/alerts', 'GET', 200],
    ['a wrong bcrypt password', basic('bob:wrong'), '/api/v1/alerts', 'GET', 401],
    ["another one's password", basic('bob:correct horse'), '/api/v1/alerts', 'GET', 401],
    ['an unknown user', basic('eve:correct horse'), '/api/v1/alerts', 'GET', 401],
    ['a header without a colon', basic('ann'), '/api/v1/alerts', 'GET', 401],
    ['an empty password', basic('ann:'), '/api/v1/alerts', 'GET', 401],
    ['a token', 'Bearer t0ken', '/api/v1/alerts', 'GET', 200],
    ['a token in another writing', 'bearer t0ken', '/api/v1/alerts', 'GET', 200],
    ['a wrong token', 'Bearer t1ken', '/api/v1/alerts', 'GET', 401],
    ['an empty token', 'Bearer ', '/api/v1/alerts', 'GET', 401],
    ["the token's hash", `Bearer ${hashToken('t0ken')}`, '/api/v1/alerts', 'GET', 401],
    ['another scheme', 'Digest t0ken', '/api/v1/alerts', 'GET', 401],
    [
      'an operator may test a receiver',
      'Bearer t0ken',
      '/api/watchkeeper/v1/receivers/team/test',
      'POST',
      200,
    ],
    ['a viewer may not', basic('bob:battery staple'), '/api/watchkeeper/v1/receivers/team/test', 'POST', 403],
    ['an operator may not reload', 'Bearer t0ken', '/-/reload', 'POST', 403],
    ['an admin may reload', basic('ann:correct horse'), '/-/reload', 'POST', 200],
  ])('%s', async (_, authorization, path, method, status) => {
    const { ask } = await bench(GUARDED);
    const headers: Record<string, string> = authorization === '' ? {} : { authorization };
    const answer = await ask({ method, path, headers });
    expect(answer.status).toBe(status);
    if (status === 401) expect(answer.headers['www-authenticate']).toContain('Basic');
  });

  it('asks a password that was proved once again: a wrong one after it is still wrong', async () => {
    const { ask } = await bench(GUARDED);
    const statusOf = async (password: string) =>
      (await ask({ path: '/api/v1/alerts', headers: { authorization: basic(`ann:${password}`) } })).status;
    expect(await statusOf('correct horse')).toBe(200);
    expect(await statusOf('correct horse')).toBe(200);
    expect(await statusOf('correct horsf')).toBe(401);
  });

  it.each([
    [{ host: '127.0.0.1:9390' }, 200],
    [{ host: 'localhost' }, 200],
    [{ host: '[::1]:9390' }, 200],
    [{ host: 'watch.example.org' }, 200],
    [{ host: 'evil.example' }, 403],
    [{ host: '127.0.0.1.evil.example' }, 403],
    [{ host: 'localhost', origin: 'http://localhost:9390' }, 200],
    [{ host: 'localhost', origin: 'http://evil.example' }, 403],
    [{ host: 'localhost', origin: 'http://localhost.evil.example' }, 403],
    [{ host: 'localhost', origin: 'null' }, 403],
  ])('on loopback, headers %j are answered with %i', async (headers: Record<string, string>, status) => {
    const { ask } = await bench();
    expect((await ask({ path: '/api/v1/alerts', headers })).status).toBe(status);
  });

  it('answers nobody beyond loopback while no credentials are configured', async () => {
    const { ask } = await bench({ ...OPEN, listenHost: '0.0.0.0' });
    expect((await ask({ path: '/api/v1/alerts' })).status).toBe(403);
  });

  it('knows a client by its certificate alone where these are demanded', async () => {
    const { ask } = await bench({ ...OPEN, listenHost: '0.0.0.0', certificates: true });
    expect((await ask({ path: '/api/v1/alerts' })).status).toBe(200);
  });
});

describe('the routes for stored samples', () => {
  const PATH = '/api/v1/admin/tsdb';
  const storage = (asked: unknown[]): StorageAdmin => ({
    deleteSeries: async (matchers, range) => {
      asked.push({ matchers, range });
      return ok(1);
    },
    cleanTombstones: async () => ok(0),
    snapshot: async name => {
      asked.push(name);
      return ok(undefined);
    },
    compact: async () => ({ ok: false, error: { code: 'disk-full', message: 'Cannot cut: full' } }),
  });

  it.each(['delete_series', 'clean_tombstones', 'snapshot', 'compact'])(
    '%s needs web.admin_api, a POST or PUT, and the role admin',
    async name => {
      const b = await bench(GUARDED);
      const as = (user: string) => ({ headers: { authorization: basic(user) }, path: `${PATH}/${name}` });
      const admin = as('ann:correct horse');
      expect(await b.ask({ ...admin, method: 'POST' })).toMatchObject({ status: 503 });
      expect(await b.ask({ ...admin, method: 'GET' })).toMatchObject({ status: 405 });
      b.admin = storage([]);
      expect(await b.ask({ ...as('bob:battery staple'), method: 'POST' })).toMatchObject({ status: 403 });
      expect((await b.ask({ ...admin, method: 'PUT' })).status).not.toBe(503);
    },
  );

  it('delete what the selectors say, and nothing when one of them is wrong', async () => {
    const b = await bench();
    const asked: unknown[] = [];
    b.admin = storage(asked);
    const remove = (query: string) => b.ask({ method: 'POST', path: `${PATH}/delete_series`, query });
    expect((await remove('')).status).toBe(400);
    expect((await remove('match[]=up&match[]=sum(')).status).toBe(400);
    expect((await remove('match[]=sum(up)')).status).toBe(400);
    expect((await remove('match[]=up%20offset%205m')).status).toBe(400);
    expect((await remove('match[]=up&start=yesterday')).status).toBe(400);
    expect(asked).toEqual([]);
    expect((await remove('match[]=up%7Bjob%3D%22a%22%7D&start=10&end=20.5')).status).toBe(204);
    expect(asked).toEqual([
      {
        matchers: [
          { name: '__name__', op: '=', value: 'up' },
          { name: 'job', op: '=', value: 'a' },
        ],
        range: { fromMs: 10_000, toMs: 20_500 },
      },
    ]);
  });

  it('name the snapshot, and say why a compaction failed', async () => {
    const b = await bench();
    const asked: unknown[] = [];
    b.admin = storage(asked);
    const taken = await b.ask({ method: 'POST', path: `${PATH}/snapshot` });
    expect(jsonOf(taken)).toEqual({ status: 'success', data: { name: asked[0] } });
    const failed = await b.ask({ method: 'POST', path: `${PATH}/compact` });
    expect(failed.status).toBe(500);
    expect(textOf(failed)).toContain('Cannot cut: full');
  });
});
