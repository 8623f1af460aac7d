// Our answers against the description that Alertmanager gives of its API: every path, every parameter, every response.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { dispatched } from '../../src/api/alertmanager/testdata/fake.ts';
import { type Bench, bench, readAll } from '../../src/api/testdata/bench.ts';
import { ok, type ServerRequest, type ServerResponse } from '../../src/base/index.ts';
import { labelsFrom, NO_LABELS } from '../../src/model/index.ts';
import { describeCorpus, reportCases } from '../support/corpora.ts';
import { type Schema, schemaProblems } from '../support/json-schema.ts';

interface Parameter {
  readonly $ref?: string;
  readonly name: string;
  readonly in: string;
  readonly type?: string;
}

interface Operation {
  readonly parameters?: readonly Parameter[];
  readonly responses: Readonly<Record<string, { readonly $ref?: string; readonly schema?: Schema }>>;
}

interface Description {
  readonly paths: Readonly<
    Record<string, Readonly<Record<'get' | 'post' | 'delete', Operation | undefined>>>
  >;
  readonly parameters: Readonly<Record<string, Parameter>>;
  readonly responses: Readonly<Record<string, { readonly schema?: Schema }>>;
  readonly definitions: Readonly<Record<string, Schema>>;
}

const KNOWN = '3b3a3f2e-5d4c-4c1b-9b0a-0123456789ab';
const UNKNOWN = '3b3a3f2e-5d4c-4c1b-9b0a-ffffffffffff';

const SILENCE = {
  matchers: [{ name: 'alertname', value: 'Down', isRegex: false, isEqual: true }],
  startsAt: '2026-01-01T00:00:00Z',
  endsAt: '2026-01-01T02:00:00Z',
  createdBy: 'ann',
  comment: 'at work',
};

/** What brings about each response; a path, method or status that the description has and this has not is a failure. */
type Ask = (world: Bench) => Partial<ServerRequest>;

function posting(path: string, body: unknown): Partial<ServerRequest> {
  const bytes = ok(Buffer.from(JSON.stringify(body)));
  return {
    method: 'POST',
    path,
    headers: { 'content-type': 'application/json' },
    body: async () => bytes,
    rawBody: async () => bytes,
  };
}

/** Answered from memory: there is nothing that could fail. */
const CANNOT_FAIL = 'cannot fail';

const ASKS: Readonly<Record<string, Ask | typeof CANNOT_FAIL>> = {
  'get /status 200': () => ({}),
  'get /receivers 200': () => ({}),
  'get /receivers 400': () => ({ query: 'receiver_matchers=owner' }),
  'get /silences 200': () => ({}),
  'get /silences 400': () => ({ query: 'filter=%7B' }),
  'get /silences 500': CANNOT_FAIL,
  'post /silences 200': () => posting('/api/v2/silences', SILENCE),
  'post /silences 400': () => posting('/api/v2/silences', { ...SILENCE, endsAt: '2025-01-01T00:00:00Z' }),
  'post /silences 404': () => posting('/api/v2/silences', { ...SILENCE, id: UNKNOWN }),
  'get /silence/{silenceID} 200': () => ({ path: `/api/v2/silence/${KNOWN}` }),
  'get /silence/{silenceID} 404': () => ({ path: `/api/v2/silence/${UNKNOWN}` }),
  'get /silence/{silenceID} 500': CANNOT_FAIL,
  'delete /silence/{silenceID} 200': () => ({ method: 'DELETE', path: `/api/v2/silence/${KNOWN}` }),
  'delete /silence/{silenceID} 404': () => ({ method: 'DELETE', path: `/api/v2/silence/${UNKNOWN}` }),
  'delete /silence/{silenceID} 500': world => {
    world.alertmanager.failure = { code: 'state-io', message: 'no space left' };
    return { method: 'DELETE', path: `/api/v2/silence/${KNOWN}` };
  },
  'get /alerts 200': () => ({}),
  'get /alerts 400': () => ({ query: 'receiver=(' }),
  'get /alerts 500': CANNOT_FAIL,
  'post /alerts 200': () => posting('/api/v2/alerts', [{ labels: { alertname: 'Down' } }]),
  'post /alerts 400': () => posting('/api/v2/alerts', [{ labels: {} }]),
  'post /alerts 500': CANNOT_FAIL,
  'get /alerts/groups 200': () => ({}),
  'get /alerts/groups 400': () => ({ query: 'filter=a%3D%7E(' }),
  'get /alerts/groups 500': CANNOT_FAIL,
};

async function world(): Promise<Bench> {
  const made = await bench();
  const { alertmanager, clock } = made;
  const nowMs = clock.nowMs();
  const silence = {
    ...{ matchers: [{ name: 'a', op: '!~' as const, value: 'x.*' }], createdBy: 'ann', comment: '' },
    ...{ startsAtMs: nowMs, updatedAtMs: nowMs },
  };
  alertmanager.silencesNow = [
    { ...silence, id: KNOWN, endsAtMs: nowMs + 60_000, annotations: labelsFrom({ ticket: '7' }) },
    { ...silence, id: KNOWN.replace('3b', '4b'), startsAtMs: nowMs + 1000, endsAtMs: nowMs + 60_000 },
    { ...silence, id: KNOWN.replace('3b', '5b'), startsAtMs: nowMs - 2000, endsAtMs: nowMs - 1000 },
  ];
  const down = dispatched({ alertname: 'Down', job: 'a' });
  const more = dispatched(
    { alertname: 'Slow', 'a.b': 'ü' },
    {
      state: 'suppressed',
      silencedBy: [KNOWN],
      inhibitedBy: [down.alert.fingerprint],
      mutedBy: ['night'],
      alert: { state: 'unknown', reason: 'target silent', generatorUrl: 'http://p/graph?g0.expr=up' },
    },
  );
  alertmanager.alertsNow = [
    down,
    more,
    dispatched({ alertname: 'New' }, { state: 'unprocessed', receivers: ['other'] }),
  ];
  alertmanager.groupsNow = [
    {
      labels: labelsFrom({ job: 'a' }),
      routeLabels: () => labelsFrom({ reason: 'x' }),
      receiver: 'team',
      alerts: [down.alert.fingerprint, more.alert.fingerprint],
      mutedBy: [],
    },
    {
      labels: NO_LABELS,
      routeLabels: () => NO_LABELS,
      receiver: 'other',
      alerts: [down.alert.fingerprint],
      mutedBy: ['night'],
    },
  ];
  return made;
}

describeCorpus('alertmanager/api', folder => {
  const file = readFileSync(join(folder, 'openapi.yaml'), 'utf8');
  const description = parse(file) as Description;
  const { definitions } = description;
  let cases = 0;

  const responseOf = ({ responses }: Operation, status: string) => {
    const { $ref = '', schema } = responses[status] ?? {};
    return $ref === '' ? schema : description.responses[$ref.split('/').at(-1) ?? '']?.schema;
  };
  const judge = async (response: ServerResponse, schema: Schema | undefined): Promise<string[]> => {
    const text = await readAll(response);
    if (schema === undefined) return text === '' ? [] : [`no body expected: ${text}`];
    return schemaProblems(JSON.parse(text), schema, definitions);
  };
  const operations = Object.entries(description.paths).flatMap(([path, methods]) =>
    (['get', 'post', 'delete'] as const).flatMap(method => {
      const operation = methods[method];
      return operation === undefined ? [] : [{ path, method, operation }];
    }),
  );

  describe.each(operations.map(one => [`${one.method} ${one.path}`, one] as const))('%s', (name, one) => {
    const { path, operation } = one;
    it.each(Object.keys(operation.responses))('answers %s', async status => {
      const ask = ASKS[`${name} ${status}`];
      expect(ask, 'how to bring it about').toBeDefined();
      if (ask === undefined || ask === CANNOT_FAIL) return;
      const made = await world();
      const response = await made.ask({ path: `/api/v2${path}`, ...ask(made) });
      expect(response.status).toBe(Number(status));
      expect(await judge(response, responseOf(operation, status))).toEqual([]);
      cases++;
    });

    const parameters = (operation.parameters ?? [])
      .map(given => description.parameters[given.$ref?.split('/').at(-1) ?? ''] ?? given)
      .filter(given => given.in === 'query');
    if (parameters.length === 0) return;
    it.each(parameters.map(({ name: parameter, type }) => [parameter, type ?? ''] as const))(
      'takes %s (%s)',
      async (parameter, type) => {
        const { ask } = await world();
        const good = { boolean: 'false', array: 'team="x"', string: 'te.*' }[type] ?? '';
        const bad = { boolean: 'perhaps', array: 'team', string: '(' }[type] ?? '';
        const all = await readAll(await ask({ path: `/api/v2${path}` }));
        const query = (value: string): string => new URLSearchParams({ [parameter]: value }).toString();
        const response = await ask({ path: `/api/v2${path}`, query: query(good) });
        expect(response.status).toBe(200);
        const text = await readAll(response);
        expect(schemaProblems(JSON.parse(text), responseOf(operation, '200') ?? {}, definitions)).toEqual([]);
        expect(text, 'it leaves something out').not.toBe(all);
        const refused = await ask({ path: `/api/v2${path}`, query: query(bad) });
        expect(refused.status).toBe(400);
        expect(await judge(refused, responseOf(operation, '400'))).toEqual([]);
        cases += 2;
      },
    );
  });

  it('nothing is asked that the description has not', () => {
    const described = operations.flatMap(({ path, method, operation }) =>
      Object.keys(operation.responses).map(status => `${method} ${path} ${status}`),
    );
    expect(Object.keys(ASKS).filter(name => !described.includes(name))).toEqual([]);
  });

  afterAll(() => {
    reportCases('alertmanager/api', { files: 1, cases });
  });
});
