import { describe, expect, it } from 'vitest';
import { ok } from '../base/index.ts';
import { hashToken } from './access.ts';
import { ALERT, basic, bench, GUARDED, jsonOf, OPEN, textOf } from './testdata/bench.ts';

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
    ['GET', '/api/v1/status/tsdb', 200],
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

  it.each(['0.5', '.5', '5e-1', '1970-01-01T00:00:00.5Z'])('take the time as %s', async time => {
    const { ask } = await bench();
    const answer = await ask({ path: '/api/v1/query', query: `query=1&time=${time}` });
    expect(jsonOf(answer)).toMatchObject({ data: { result: [0.5, '1'] } });
  });

  it('answer as many steps as Prometheus, and not one more', async () => {
    const { ask } = await bench();
    const over = async (endS: number): Promise<number> =>
      (await ask({ path: '/api/v1/query_range', query: `query=m&start=0&end=${endS}&step=1` })).status;
    expect([await over(11_000), await over(11_001)]).toEqual([200, 400]);
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
    [
      '/api/v1/query_range',
      'query=m[1m]&start=1&end=2&step=1',
      400,
      'bad_data',
      '"range vector" for range query',
    ],
    ['/api/v1/query_range', 'query="a"&start=1&end=2&step=1', 400, 'bad_data', '"string" for range query'],
    ['/api/v1/query_range', 'query=m&start=1&end=2&step=0', 400, 'bad_data', 'zero or negative'],
    ['/api/v1/query_range', 'query=m&start=1&end=2&step=-1', 400, 'bad_data', 'invalid parameter "step"'],
    [
      '/api/v1/query_range',
      'query=m&start=0&end=99999&step=1',
      400,
      'bad_data',
      'exceeded maximum resolution',
    ],
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

describe('queries of others', () => {
  it('leave no room: the answer says so, and when to ask again', async () => {
    const b = await bench(OPEN, { runningMax: 0, waitingMax: 0 });
    const refused = await b.ask({ path: '/api/v1/query', query: 'query=m' });
    expect([refused.status, refused.headers['retry-after']]).toEqual([503, '2']);
    expect(jsonOf(refused)).toMatchObject({
      errorType: 'unavailable',
      error: expect.stringContaining('query-overload: Cannot run the query'),
    });
  });

  it('that wait are left with the client, and are seen until then', async () => {
    const b = await bench(OPEN, { runningMax: 0 });
    const gone = new AbortController();
    const asked = { path: '/api/v1/query', query: 'query=m', remoteAddress: '::1', signal: gone.signal };
    const answer = b.ask(asked);
    const seen = async () => jsonOf(await b.ask({ path: '/api/watchkeeper/v1/queries' }));
    expect(await seen()).toMatchObject({
      data: {
        running: [],
        waiting: [{ expr: 'm', who: 'loopback', client: '::1', verdict: 'waiting', stepMs: 0 }],
        last: [],
        interrupted: [],
      },
    });
    gone.abort();
    expect((await answer).status).toBe(499);
    expect(await seen()).toMatchObject({
      data: { waiting: [], last: [{ verdict: 'query-cancelled', samplesRead: 0 }], slowest: [{}] },
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
