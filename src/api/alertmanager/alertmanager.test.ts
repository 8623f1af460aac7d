// Alertmanager's API v2 over a dispatcher of lists: what is answered, in which order, what is refused and why.

import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../test/support/random.ts';
import { err, ok, type ServerRequest } from '../../base/index.ts';
import { labelsFrom, NO_LABELS } from '../../model/index.ts';
import { type Bench, basic, bench, GUARDED, jsonOf, readAll, textOf } from '../testdata/bench.ts';
import { AlertTexts } from './alert-text.ts';
import { postedAlerts, postedSilence } from './bodies.ts';
import type { GettableAlertJson, GettableSilenceJson } from './contract.ts';
import { dispatched } from './testdata/fake.ts';
import { readTime } from './times.ts';

function posting(body: unknown, headers: Readonly<Record<string, string>> = {}): Partial<ServerRequest> {
  const bytes = ok(Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)));
  return {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: async () => bytes,
    rawBody: async () => bytes,
  };
}

/** Two hours from now on. */
const SILENCE = {
  matchers: [{ name: 'alertname', value: 'Down', isRegex: false }],
  startsAt: '2026-01-01T00:00:00.000Z',
  endsAt: '2026-01-01T02:00:00.000Z',
  createdBy: 'ann',
  comment: '',
};

async function silencesOf({ ask }: Bench, query = ''): Promise<readonly GettableSilenceJson[]> {
  return JSON.parse(await readAll(await ask({ path: '/api/v2/silences', query }))) as GettableSilenceJson[];
}

async function alertsOf({ ask }: Bench, query = ''): Promise<readonly GettableAlertJson[]> {
  return JSON.parse(await readAll(await ask({ path: '/api/v2/alerts', query }))) as GettableAlertJson[];
}

const namesOf = (alerts: readonly GettableAlertJson[]): readonly (string | undefined)[] =>
  alerts.map(({ labels }) => labels['alertname']);

describe('alerts', () => {
  it('are written as their objects would be', async () => {
    const world = await bench();
    const one = dispatched(
      { alertname: 'Down "x"', job: 'ü\n' },
      {
        state: 'suppressed',
        silencedBy: ['a', 'b'],
        inhibitedBy: ['c'],
        alert: { annotations: labelsFrom({ summary: 'it\tis' }), generatorUrl: 'http://p/?a="b"' },
      },
    );
    world.alertmanager.alertsNow = [one];
    expect(await alertsOf(world)).toEqual([
      {
        annotations: { summary: 'it\tis' },
        endsAt: '2026-01-01T00:05:00.000Z',
        fingerprint: one.alert.fingerprint,
        receivers: [{ name: 'team' }],
        startsAt: '2025-12-31T23:59:30.000Z',
        status: { inhibitedBy: ['c'], mutedBy: [], silencedBy: ['a', 'b'], state: 'suppressed' },
        updatedAt: '2026-01-01T00:00:00.000Z',
        generatorURL: 'http://p/?a="b"',
        labels: { alertname: 'Down "x"', job: 'ü\n' },
      },
    ]);
  });

  it('are written anew where they changed, and where what becomes of them did', async () => {
    const world = await bench();
    const one = dispatched({ alertname: 'a' });
    world.alertmanager.alertsNow = [one];
    await alertsOf(world);
    world.alertmanager.alertsNow = [{ ...one, state: 'suppressed', silencedBy: ['s'], updatedAtMs: 0 }];
    expect((await alertsOf(world))[0]).toMatchObject({
      status: { state: 'suppressed', silencedBy: ['s'] },
      updatedAt: '1970-01-01T00:00:00.000Z',
    });
    world.alertmanager.alertsNow = [
      { ...one, alert: { ...one.alert, annotations: labelsFrom({ summary: 'new' }) } },
    ];
    expect((await alertsOf(world))[0]?.annotations).toEqual({ summary: 'new' });
  });

  it('stand in the order of their fingerprints, without those that ended', async () => {
    const world = await bench();
    world.alertmanager.alertsNow = ['a', 'b', 'c', 'd'].map(alertname =>
      dispatched({ alertname }, { alert: { state: alertname === 'c' ? 'resolved' : 'firing' } }),
    );
    const prints = (await alertsOf(world)).map(({ fingerprint }) => fingerprint);
    expect(prints).toHaveLength(3);
    expect(prints).toEqual([...prints].sort());
  });

  it('are chosen by state, labels and receiver', async () => {
    const world = await bench();
    world.alertmanager.alertsNow = [
      dispatched({ alertname: 'a', env: 'prod' }),
      dispatched({ alertname: 's' }, { state: 'suppressed', silencedBy: ['1'] }),
      dispatched({ alertname: 'i' }, { state: 'suppressed', inhibitedBy: ['1'], receivers: ['other'] }),
      dispatched({ alertname: 'u' }, { state: 'unprocessed', receivers: ['other', 'team'] }),
    ];
    const chosen = async (query: string) => [...namesOf(await alertsOf(world, query))].sort();
    expect(await chosen('')).toEqual(['a', 'i', 's', 'u']);
    expect(await chosen('silenced=false&inhibited=false&unprocessed=false')).toEqual(['a']);
    expect(await chosen('active=0')).toEqual(['i', 's', 'u']);
    expect(await chosen('filter=alertname%3D~%22a|s%22&filter=env%3D%22%22')).toEqual(['s']);
    expect(await chosen('filter=env%3Dprod')).toEqual(['a']);
    expect(await chosen('receiver=oth.*')).toEqual(['i', 'u']);
    // amtool sends the parameter always.
    expect(await chosen('receiver=')).toEqual(['a', 'i', 's', 'u']);
    expect(await chosen('receiver_matchers=owner%3Ddb')).toEqual(['a', 's', 'u']);
    expect(await chosen('receiver_matchers=name%3Dother&receiver=team')).toEqual([]);
  });

  it.each([
    ['filter=alertname', /bad matcher format in filter: alertname/],
    ['filter=a%3Db,c%3Dd', /one matcher expected, found 2/],
    ['receiver=(', /failed to parse receiver param/],
    ['active=perhaps', /active="perhaps": true or false expected/],
  ])('%s is refused with its reason', async (query, reason) => {
    const { ask } = await bench();
    const response = await ask({ path: '/api/v2/alerts', query });
    expect(response.status).toBe(400);
    expect(jsonOf(response)).toMatch(reason);
  });

  it('of unknown state fire, and say why; one whose rule fell silent does not look like one that ended', async () => {
    const world = await bench();
    world.alertmanager.alertsNow = [
      dispatched(
        { alertname: 'x' },
        { validUntilMs: 0, alert: { state: 'unknown', reason: 'target silent' } },
      ),
    ];
    const [only] = await alertsOf(world);
    expect(only?.annotations).toEqual({ watchkeeper_unknown: 'target silent' });
    expect(only?.endsAt).toBe('2026-01-01T00:00:00.000Z');
  });

  it('ten thousand are sent in parts', async () => {
    const world = await bench();
    world.alertmanager.alertsNow = Array.from({ length: 10_000 }, (_, i) =>
      dispatched({ alertname: 'Down', instance: String(i) }),
    );
    const response = await world.ask({ path: '/api/v2/alerts' });
    if (typeof response.body === 'string' || response.body instanceof Uint8Array)
      throw new Error('not a stream');
    const reading = readAll(response);
    // The slices of the one thread come with the clock.
    let read: string | undefined;
    void reading.then(text => {
      read = text;
    });
    while (read === undefined) await world.clock.advance(1);
    expect(JSON.parse(read)).toHaveLength(10_000);
  });
});

describe('posted alerts', () => {
  it('are handed on with what they say', async () => {
    const { ask, alertmanager } = await bench();
    const response = await ask({
      path: '/api/v2/alerts',
      ...posting([
        {
          labels: { alertname: 'a', empty: '' },
          annotations: { summary: 's' },
          startsAt: '2026-01-01T01:00:00+01:00',
          endsAt: '2026-01-01T00:05:00.123456789Z',
          generatorURL: 'http://prometheus:9090/graph',
        },
        // As amtool posts it.
        { labels: { alertname: 'b' }, startsAt: '0001-01-01T00:00:00.000Z', endsAt: null },
      ]),
    });
    expect([response.status, textOf(response)]).toEqual([200, '']);
    expect(alertmanager.posted).toEqual([
      {
        labels: labelsFrom({ alertname: 'a' }),
        annotations: labelsFrom({ summary: 's' }),
        startsAtMs: Date.UTC(2026, 0, 1),
        endsAtMs: Date.UTC(2026, 0, 1, 0, 5, 0, 123),
        generatorUrl: 'http://prometheus:9090/graph',
      },
      { labels: labelsFrom({ alertname: 'b' }), annotations: NO_LABELS, generatorUrl: '' },
    ]);
  });

  it('are taken although others beside them are refused', async () => {
    const { ask, alertmanager } = await bench();
    const body = [{ labels: { x: '' } }, { labels: { alertname: 'b' } }];
    const response = await ask({ path: '/api/v2/alerts', ...posting(body) });
    expect([response.status, jsonOf(response)]).toEqual([400, 'alert 0: at least one label pair required']);
    expect(alertmanager.posted).toHaveLength(1);
  });

  it.each<[string, unknown, number, string]>([
    ['no JSON', '{', 400, 'cannot read the body as JSON'],
    ['no list', {}, 422, 'alerts in body must be of type array: {}'],
    ['no alert', [7], 422, '0 in body must be of type object: 7'],
    ['no labels', [{ labels: { a: 'b' } }, {}], 422, '1.labels in body is required'],
    ['a label that is no text', [{ labels: { a: 1 } }], 422, '0.labels.a in body must be of type string: 1'],
    [
      'a time that is none',
      [{ labels: {}, endsAt: 'soon' }],
      422,
      '0.endsAt in body must be of type date-time: "soon"',
    ],
    ['a link that runs', [{ labels: {}, generatorURL: 'javascript:x' }], 422, 'must be of type uri'],
    ['a link that leads nowhere', [{ labels: {}, generatorURL: 'here' }], 422, 'must be of type uri: "here"'],
  ])('%s is refused whole', async (_, body, status, reason) => {
    const { ask, alertmanager } = await bench();
    const response = await ask({ path: '/api/v2/alerts', ...posting(body) });
    expect(response.status).toBe(status);
    expect(textOf(response)).toContain(JSON.stringify(reason).slice(1, -1));
    expect(alertmanager.posted).toEqual([]);
  });

  it('beyond the limit, or of another type, are refused', async () => {
    const { ask } = await bench();
    const large = err({ code: 'http-body-too-large', message: 'larger than 16777216 bytes' } as const);
    const tooLarge = await ask({ path: '/api/v2/alerts', ...posting([]), body: async () => large });
    expect([tooLarge.status, textOf(tooLarge)]).toEqual([413, expect.stringContaining('16777216')]);
    const form = await ask({ path: '/api/v2/alerts', ...posting([], { 'content-type': 'text/plain' }) });
    expect(form.status).toBe(422);
  });
});

describe('groups', () => {
  it('stand by their labels, their alerts by job and instance, each group with what mutes it', async () => {
    const world = await bench();
    const alerts = [
      dispatched({ alertname: 'z' }),
      dispatched({ alertname: 'a', job: 'b' }),
      dispatched({ alertname: 'b', job: 'a', instance: '2' }),
      dispatched({ alertname: 'c', job: 'a', instance: '1' }),
    ];
    const prints = alerts.map(({ alert }) => alert.fingerprint);
    const group = { routeLabels: () => NO_LABELS, receiver: 'team', alerts: prints, mutedBy: [] };
    world.alertmanager.alertsNow = alerts;
    world.alertmanager.groupsNow = [
      { ...group, labels: labelsFrom({ b: '1' }) },
      { ...group, labels: labelsFrom({ a: '2' }) },
      { ...group, labels: labelsFrom({ a: '1', b: '1' }) },
      { ...group, labels: NO_LABELS, receiver: 'z' },
      {
        ...group,
        labels: NO_LABELS,
        receiver: 'other',
        mutedBy: ['night'],
        routeLabels: () => labelsFrom({ r: 'x' }),
      },
      { ...group, labels: labelsFrom({ c: '1' }), alerts: ['nobody'] },
    ];
    const asked = async (query: string) =>
      JSON.parse(await readAll(await world.ask({ path: '/api/v2/alerts/groups', query }))) as {
        readonly labels: object;
        readonly routeLabels: object;
        readonly receiver: { readonly name: string };
        readonly alerts: readonly GettableAlertJson[];
      }[];
    const groups = await asked('');
    expect(groups.map(({ labels, receiver }) => [labels, receiver.name])).toEqual([
      [{}, 'other'],
      [{}, 'z'],
      [{ b: '1' }, 'team'],
      [{ a: '2' }, 'team'],
      [{ a: '1', b: '1' }, 'team'],
    ]);
    expect(namesOf(groups[0]?.alerts ?? [])).toEqual(['c', 'b', 'a', 'z']);
    expect(groups[0]?.routeLabels).toEqual({ r: 'x' });
    expect(groups[0]?.alerts[0]?.status).toMatchObject({ state: 'suppressed', mutedBy: ['night'] });
    expect(groups[1]?.alerts[0]?.status).toMatchObject({ state: 'active', mutedBy: [] });
    expect((await asked('muted=false')).map(({ receiver }) => receiver.name)).not.toContain('other');
    expect(await asked('receiver=z')).toHaveLength(1);
    expect((await asked('filter=job%3Db'))[0]?.alerts).toHaveLength(1);
  });
});

describe('silences', () => {
  it('are set, changed, found and expired', async () => {
    const world = await bench();
    const { ask, alertmanager } = world;
    const matchers = [
      { name: 'a', value: 'x.*', isRegex: true, isEqual: false },
      { name: 'b', value: '', isRegex: false },
    ];
    const body = { ...SILENCE, id: '', matchers, annotations: { ticket: '7' } };
    const made = jsonOf(await ask({ path: '/api/v2/silences', ...posting(body) }));
    const { silenceID: id } = made as { readonly silenceID: string };
    expect(alertmanager.silencesNow[0]?.matchers).toEqual([
      { name: 'a', op: '!~', value: 'x.*' },
      { name: 'b', op: '=', value: '' },
    ]);
    const path = `/api/v2/silence/${id}`;
    expect(jsonOf(await ask({ path }))).toEqual({
      ...body,
      id,
      matchers: [matchers[0], { ...matchers[1], isEqual: true }],
      status: { state: 'active' },
      updatedAt: '2026-01-01T00:00:00.000Z',
    });
    const changed = await ask({ path: '/api/v2/silences', ...posting({ ...body, id, comment: 'longer' }) });
    expect(jsonOf(changed)).toEqual({ silenceID: id });
    expect((await silencesOf(world)).map(({ comment }) => comment)).toEqual(['longer']);
    expect((await ask({ method: 'DELETE', path })).status).toBe(200);
    expect((await silencesOf(world)).map(({ status }) => status.state)).toEqual(['expired']);
    expect(await silencesOf(world, 'expired=false')).toEqual([]);
  });

  it('stand by state, then by what comes next', async () => {
    const world = await bench();
    const nowMs = world.clock.nowMs();
    const silence = (comment: string, startsInMs: number, endsInMs: number) => ({
      ...{ id: comment, matchers: [], createdBy: '', comment, updatedAtMs: nowMs },
      ...{ startsAtMs: nowMs + startsInMs, endsAtMs: nowMs + endsInMs },
    });
    world.alertmanager.silencesNow = [
      silence('over', -9, -5),
      silence('over lately', -9, -1),
      silence('soon', 5, 100),
      silence('sooner', 2, 200),
      silence('long', -9, 100),
      silence('short', -9, 50),
    ];
    expect((await silencesOf(world)).map(({ comment }) => comment)).toEqual([
      'short',
      'long',
      'sooner',
      'soon',
      'over lately',
      'over',
    ]);
  });

  it('are chosen by what they say', async () => {
    const world = await bench();
    const silence = { ...SILENCE, matchers: [{ name: 'a', value: 'x|y', isRegex: true }] };
    await world.ask({ path: '/api/v2/silences', ...posting(silence) });
    expect(await silencesOf(world, 'filter=a%3D~%22x|y%22')).toHaveLength(1);
    expect(await silencesOf(world, 'filter=a%3Dx')).toHaveLength(0);
  });

  it.each<[string, unknown, number, string]>([
    ['no matchers', { ...SILENCE, matchers: undefined }, 422, 'matchers in body is required'],
    ['an empty list', { ...SILENCE, matchers: [] }, 422, 'matchers in body should have at least 1 items'],
    [
      'half a matcher',
      { ...SILENCE, matchers: [{ name: 'a', value: 'b' }] },
      422,
      'matchers.0.isRegex in body is required',
    ],
    ['no end', { ...SILENCE, endsAt: undefined }, 422, 'endsAt in body is required'],
    ['no author', { ...SILENCE, createdBy: undefined }, 422, 'createdBy in body is required'],
    ['no object', [], 422, 'silence in body must be of type object: []'],
    [
      'an end in the past',
      { ...SILENCE, startsAt: '2025-01-01T00:00:00Z', endsAt: '2025-12-31T23:59:59Z' },
      400,
      "end time can't be in the past",
    ],
    [
      'an end before its start',
      { ...SILENCE, endsAt: '2025-01-01T00:00:00Z' },
      400,
      'start time must be before end time',
    ],
  ])('%s is refused', async (_, body, status, reason) => {
    const { ask } = await bench();
    const response = await ask({ path: '/api/v2/silences', ...posting(body) });
    expect(response.status).toBe(status);
    expect(textOf(response)).toContain(reason);
  });

  it('of no such id are not there, and an id that is none is refused', async () => {
    const { ask } = await bench();
    const unknown = '/api/v2/silence/3b3a3f2e-5d4c-4c1b-9b0a-0123456789ab';
    expect((await ask({ path: unknown })).status).toBe(404);
    expect((await ask({ method: 'DELETE', path: unknown })).status).toBe(404);
    expect((await ask({ path: '/api/v2/silence/7' })).status).toBe(422);
    expect(jsonOf(await ask({ method: 'DELETE', path: '/api/v2/silence/7' }))).toEqual({
      code: 601,
      message: 'silenceID in path must be of type uuid: "7"',
    });
  });
});

describe('who may', () => {
  it('reads as viewer, and changes as operator', async () => {
    const { ask } = await bench(GUARDED);
    const viewer = { authorization: basic('bob:battery staple') };
    const operator = { authorization: 'Bearer t0ken' };
    const id = '3b3a3f2e-5d4c-4c1b-9b0a-0123456789ab';
    for (const path of ['status', 'receivers', 'silences', 'alerts', 'alerts/groups'])
      expect((await ask({ path: `/api/v2/${path}`, headers: viewer })).status).toBe(200);
    for (const [headers, status] of [
      [viewer, 403],
      [operator, 200],
    ] as const) {
      expect((await ask({ path: '/api/v2/alerts', ...posting([], headers) })).status).toBe(status);
      expect((await ask({ path: '/api/v2/silences', ...posting(SILENCE, headers) })).status).toBe(status);
      const gone = await ask({ method: 'DELETE', path: `/api/v2/silence/${id}`, headers });
      expect(gone.status).toBe(status === 200 ? 404 : status);
    }
    expect((await ask({ path: '/api/v2/alerts' })).status).toBe(401);
  });

  it('names all methods of a path', async () => {
    const { ask } = await bench();
    const response = await ask({ method: 'PUT', path: '/api/v2/alerts' });
    expect([response.status, response.headers['allow']]).toEqual([405, 'GET, HEAD, POST']);
  });
});

describe('times', () => {
  it.each<[string, number | 'none' | undefined]>([
    ['2026-01-01T00:00:00Z', Date.UTC(2026, 0, 1)],
    ['2026-01-01T00:00:00.5+01:30', Date.UTC(2025, 11, 31, 22, 30, 0, 500)],
    ['2026-01-01T00:00:00-0100', Date.UTC(2026, 0, 1, 1)],
    ['2026-01-01T00:00:00', Date.UTC(2026, 0, 1)],
    ['2024-02-29T00:00:00.000000001Z', Date.UTC(2024, 1, 29)],
    ['0001-01-01T00:00:00Z', 'none'],
    ['2026-02-29T00:00:00Z', undefined],
    ['2026-13-01T00:00:00Z', undefined],
    ['2026-01-01', undefined],
    ['', undefined],
  ])('%s', (text, expected) => {
    expect(readTime(text)).toBe(expected);
  });
});

describe('bodies that nobody means', () => {
  const whole = JSON.stringify([
    { labels: { alertname: 'a', 'x.y': 'ü' }, startsAt: '2026-01-01T00:00:00Z', generatorURL: 'http://p' },
  ]);
  it('are read or refused, and never a crash', async () => {
    const random = seededRandom(7);
    for (let round = 0; round < 2000; round++) {
      const bytes = Buffer.from(round % 2 === 0 ? whole : JSON.stringify(SILENCE));
      for (let i = 0; i <= random.uint32() % 4; i++)
        bytes[random.uint32() % bytes.length] = random.uint32() % 256;
      const request = { headers: {}, body: async () => ok(bytes) } as unknown as ServerRequest;
      const alerts = await postedAlerts(request);
      const silence = await postedSilence(request);
      for (const read of [alerts, silence]) if (!read.ok) expect(read.error.message).not.toBe('');
      if (alerts.ok) for (const { labels } of alerts.value) expect(labels.length % 2).toBe(0);
    }
  });
});

describe('texts', () => {
  it('of names that JavaScript has itself stay what they are', () => {
    const text = new AlertTexts(0, new WeakMap()).of(dispatched({ constructor: 'a', __proto__x: 'b' }));
    expect(JSON.parse(text)).toMatchObject({ labels: { constructor: 'a', __proto__x: 'b' } });
  });
});
