// alerts, silence, check routes and test routes over fakes: what they print, what they ask, and their exit codes.

import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../test/support/clock.ts';
import { FakeDisk } from '../../test/support/disk.ts';
import { expectGolden } from '../../test/support/golden.ts';
import { type FakeAnswer, FakeHttp } from '../../test/support/http.ts';
import type { GettableAlertJson, GettableSilenceJson } from '../api/index.ts';
import { alertsCommand } from './alerts.ts';
import { checkCommand } from './check.ts';
import type { Command, CommandContext } from './command.ts';
import { silenceCommand } from './silence.ts';
import { testCommand } from './test.ts';

const NOW = Date.UTC(2026, 0, 1, 12);

interface World {
  readonly answer?: FakeAnswer;
  readonly files?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  /** Of a terminal, which has colour. */
  readonly columns?: number;
}

async function run(command: Command, args: readonly string[], world: World = {}) {
  const clock = new FakeClock(NOW);
  const disk = new FakeDisk();
  await disk.makeFolder('/here');
  for (const [name, text] of Object.entries(world.files ?? {})) {
    const file = await disk.open(`/here/${name}`, 'create');
    if (!file.ok) throw new Error(file.error.message);
    await file.value.write(new TextEncoder().encode(text));
    await file.value.close();
  }
  const http = new FakeHttp(clock);
  if (world.answer !== undefined) http.on('http', world.answer);
  let out = '';
  let warned = '';
  const context: CommandContext = {
    ...{ args, env: world.env ?? {}, cwd: '/here', clock, disk, http },
    isTerminal: world.columns !== undefined,
    columns: world.columns ?? 80,
    timeZone: 'UTC',
    out: text => {
      out += text;
    },
    warn: text => {
      warned += text;
    },
    whenAskedToEnd: () => new Promise(() => {}),
    onHangUp: () => {},
  };
  const code = await command.run(context);
  const asked = http.requests.map(({ method, url }) => `${method} ${decodeURIComponent(url)}`);
  const bodies = http.requests.map(({ body }) => JSON.parse(Buffer.from(body ?? '{}').toString()) as unknown);
  return { code, out, warned, asked, bodies };
}

const golden = (name: string): URL => new URL(`./render/testdata/${name}.golden.txt`, import.meta.url);
const said = (value: unknown): FakeAnswer => ({ body: JSON.stringify(value) });

function alert(
  labels: Readonly<Record<string, string>>,
  more: Partial<GettableAlertJson> = {},
): GettableAlertJson {
  return {
    labels,
    annotations: {},
    startsAt: '2026-01-01T11:00:00.000Z',
    endsAt: '2026-01-01T12:05:00.000Z',
    updatedAt: '2026-01-01T12:00:00.000Z',
    fingerprint: '0123456789abcdef',
    receivers: [{ name: 'team' }],
    status: { state: 'active', silencedBy: [], inhibitedBy: [], mutedBy: [] },
    ...more,
  };
}

const ALERTS: readonly GettableAlertJson[] = [
  alert(
    { alertname: 'HighLatency', env: 'prod', instance: 'web-1:9100' },
    {
      annotations: { summary: 'p99 is above a second\u001b[31m' },
      receivers: [{ name: 'web' }, { name: 'all' }],
    },
  ),
  alert(
    { alertname: 'DiskFull', instance: 'db-1' },
    {
      startsAt: '2025-12-31T08:30:00.000Z',
      annotations: { description: '95 % are used' },
      status: { state: 'suppressed', silencedBy: ['1'], inhibitedBy: ['2'], mutedBy: [] },
    },
  ),
  alert(
    { alertname: 'New' },
    { status: { state: 'unprocessed', silencedBy: [], inhibitedBy: [], mutedBy: [] } },
  ),
];

describe('alerts', () => {
  it.each([
    ['alerts', undefined],
    ['alerts-colour', 120],
    ['alerts-narrow', 72],
  ])('prints a table (%s)', async (name, columns) => {
    const { out, code } = await run(alertsCommand, ['--all'], {
      answer: said(ALERTS),
      ...(columns === undefined ? {} : { columns }),
    });
    expect(code).toBe(0);
    expectGolden(out, golden(name));
  });

  it('asks for active ones, or for those that are named', async () => {
    const answer = said([]);
    const path = 'GET http://127.0.0.1:9390/api/v2/alerts?';
    expect(await run(alertsCommand, [], { answer })).toMatchObject({
      out: 'no alerts\n',
      asked: [`${path}active=true&silenced=false&inhibited=false&unprocessed=false`],
    });
    const { asked } = await run(alertsCommand, ['Down', 'env=~prod|stage', '-s', '-r', 'web.*'], { answer });
    expect(asked).toEqual([
      `${path}active=false&silenced=true&inhibited=false&unprocessed=false` +
        '&filter="alertname"="Down"&filter="env"=~"prod|stage"&receiver=web.*',
    ]);
  });

  it('prints the API’s answer, and its refusals', async () => {
    expect((await run(alertsCommand, ['--json'], { answer: said(ALERTS) })).out).toBe(
      `${JSON.stringify(ALERTS)}\n`,
    );
    const refused = await run(alertsCommand, [], { answer: { status: 400, body: '"no such thing"\n' } });
    expect([refused.code, refused.warned]).toEqual([1, 'no such thing\n']);
    const forbidden = await run(alertsCommand, [], {
      answer: { status: 401, body: '{"status":"error","errorType":"unauthorized","error":"who are you?"}' },
    });
    expect(forbidden.warned).toBe('who are you?\n');
    const page = await run(alertsCommand, [], { answer: { status: 502, body: '<html>' } });
    expect(page.warned).toMatch(/status 502, not JSON/);
  });

  it('says which word is no matcher', async () => {
    const { code, warned } = await run(alertsCommand, ['Down', 'env']);
    expect([code, warned.split('\n')[0]]).toEqual([
      2,
      'watchkeeper alerts: "env" is no matcher: NAME=VALUE, or with != =~ !~, expected',
    ]);
  });
});

const SILENCES: readonly GettableSilenceJson[] = [
  {
    id: '3b3a3f2e-5d4c-4c1b-9b0a-000000000001',
    status: { state: 'active' },
    matchers: [
      { name: 'alertname', value: 'DiskFull', isRegex: false, isEqual: true },
      { name: 'env', value: 'prod|stage', isRegex: true, isEqual: false },
    ],
    startsAt: '2026-01-01T11:00:00.000Z',
    endsAt: '2026-01-01T13:30:00.000Z',
    updatedAt: '2026-01-01T11:00:00.000Z',
    createdBy: 'ann',
    comment: 'the disk is being replaced',
    annotations: {},
  },
  {
    id: '3b3a3f2e-5d4c-4c1b-9b0a-000000000002',
    status: { state: 'expired' },
    matchers: [{ name: 'a', value: 'b', isRegex: false }],
    startsAt: '2026-01-01T10:00:00.000Z',
    endsAt: '2026-01-01T11:59:50.000Z',
    updatedAt: '2026-01-01T11:00:00.000Z',
    createdBy: 'bob',
    comment: '',
    annotations: {},
  },
];

describe('silence', () => {
  it('adds one as amtool does', async () => {
    const answer = said({ silenceID: SILENCES[0]?.id });
    const args = ['add', 'DiskFull', 'env!~prod|stage', '-d', '90m', '-c', 'at work'];
    const ran = await run(silenceCommand, args, { answer, env: { USER: 'ann' } });
    expect([ran.code, ran.out]).toEqual([0, `${SILENCES[0]?.id}\n`]);
    expect(ran.asked).toEqual(['POST http://127.0.0.1:9390/api/v2/silences']);
    expect(ran.bodies).toEqual([
      {
        matchers: [
          { name: 'alertname', value: 'DiskFull', isRegex: false, isEqual: true },
          { name: 'env', value: 'prod|stage', isRegex: true, isEqual: false },
        ],
        startsAt: '2026-01-01T12:00:00.000Z',
        endsAt: '2026-01-01T13:30:00.000Z',
        createdBy: 'ann',
        comment: 'at work',
      },
    ]);
    const later = ['--start', '2026-01-02T00:00:00Z', '--end', '2026-01-02T02:00:00+01:00', '-a', 'bob'];
    const timed = await run(silenceCommand, ['add', 'a=b', '-c', 'x', ...later], { answer });
    expect(timed.bodies[0]).toMatchObject({
      startsAt: '2026-01-02T00:00:00.000Z',
      endsAt: '2026-01-02T01:00:00.000Z',
      createdBy: 'bob',
    });
  });

  it.each([
    [['add', '-c', 'x'], 'which alerts? a matcher is needed'],
    [['add', 'a=b'], 'why? --comment is needed'],
    [['add', 'a=b', '-c', 'x', '-d', '0s'], '--duration is a duration above 0, such as 30m or 2h'],
    [['add', 'a=b', '-c', 'x', '--end', 'soon'], '--end "soon" is no time: RFC 3339 expected'],
    [['add', 'a=b', '-c', 'x', '--end', '2026-01-01T00:00:00Z'], 'the silence would end before it starts'],
    [['list', '-d', '1h'], '--duration is for "add" only'],
    [['list', '--within', 'long'], '--within is a duration, such as 8h'],
    [['expire'], 'which one? an id is needed'],
    [['sing'], '"add", "list" or "expire" expected'],
  ])('%j is wrong usage', async (args, problem) => {
    const { code, warned } = await run(silenceCommand, args);
    expect([code, warned.split('\n')[0]]).toEqual([2, `watchkeeper silence: ${problem}`]);
  });

  it('lists them', async () => {
    const answer = said(SILENCES);
    const list = async (...args: string[]) => (await run(silenceCommand, ['list', ...args], { answer })).out;
    expectGolden(await list(), golden('silences'));
    expectGolden(
      (await run(silenceCommand, ['list'], { answer, columns: 100 })).out,
      golden('silences-colour'),
    );
    expectGolden(await list('--expired'), golden('silences-expired'));
    expect(await list('--quiet')).toBe(`${SILENCES[0]?.id}\n`);
    expect(await list('--created-by', 'bob')).toBe('no silences\n');
    expect(await list('--within', '1h')).toBe('no silences\n');
    expect(JSON.parse(await list('--within', '2h', '--json'))).toEqual([SILENCES[0]]);
    const { asked } = await run(silenceCommand, ['list', 'DiskFull', 'env!~x'], { answer });
    expect(asked).toEqual([
      'GET http://127.0.0.1:9390/api/v2/silences?filter="alertname"="DiskFull"&filter="env"!~"x"',
    ]);
  });

  it('expires all that are named, and fails where one is not there', async () => {
    const fine = await run(silenceCommand, ['expire', 'a', 'b'], { answer: { body: '' } });
    expect([fine.code, fine.asked]).toEqual([
      0,
      ['DELETE http://127.0.0.1:9390/api/v2/silence/a', 'DELETE http://127.0.0.1:9390/api/v2/silence/b'],
    ]);
    const gone = await run(silenceCommand, ['expire', 'a'], { answer: { status: 404, body: '' } });
    expect([gone.code, gone.warned]).toEqual([1, 'Cannot expire the silence "a": not found\n']);
  });
});

const ROUTES = `
route:
  receiver: default
  group_by: [alertname, cluster]
  routes:
    - matchers: ['service=~"foo1|foo2"']
      receiver: team-x
      group_wait: 10s
      continue: true
      routes:
        - matchers: [severity="critical", 'owner!~"a.*"']
          receiver: team-x-pager
          repeat_interval: 1h
    - match: { service: files }
      receiver: team-y
      group_by: ['...']
      mute_time_intervals: [night]
time_intervals: [{ name: night, time_intervals: [{ times: [{ start_time: '22:00', end_time: '24:00' }] }] }]
receivers: [{ name: default }, { name: team-x }, { name: team-x-pager }, { name: team-y }]
`;

describe('check routes', () => {
  it('shows the tree', async () => {
    const files = { 'am.yml': ROUTES };
    const { code, out } = await run(checkCommand, ['routes', 'am.yml'], { files });
    expect(code).toBe(0);
    expectGolden(out, golden('routes'));
    const json = await run(checkCommand, ['routes', 'am.yml', '--json'], { files });
    expect(JSON.parse(json.out)).toMatchObject({
      file: 'am.yml',
      route: { receiver: 'default', routes: [{ continue: true }, { group_by: ['...'] }] },
    });
  });

  it('says what is wrong, and that there is none', async () => {
    const wrong = await run(checkCommand, ['routes', 'am.yml'], {
      files: { 'am.yml': ROUTES.replace('receiver: team-y', 'receiver: team-z') },
    });
    expect([wrong.code, wrong.out]).toEqual([1, '']);
    expect(wrong.warned).toMatch(/^am\.yml:15:17: config-unknown-receiver/);
    const none = await run(checkCommand, ['routes', 'p.yml'], { files: { 'p.yml': 'scrape_configs: []\n' } });
    expect([none.code, none.warned]).toEqual([1, expect.stringContaining('it is a prometheus.yml')]);
  });
});

describe('test routes', () => {
  const files = { 'am.yml': ROUTES };
  const routed = (...args: string[]) => run(testCommand, ['routes', 'am.yml', ...args], { files });

  it('prints the receivers with commas, and compares them where that is asked for', async () => {
    expect((await routed('service=foo1', 'severity=critical')).out).toBe('team-x-pager\n');
    expect((await routed('service="files"', '--verify.receivers=team-y')).code).toBe(0);
    expect((await routed()).out).toBe('default\n');
    const other = await routed('service=files', '--verify.receivers=team-x');
    expect([other.code, other.out, other.warned]).toEqual([
      1,
      'team-y\n',
      'The alert goes to other receivers: "team-x" expected, "team-y" found\n',
    ]);
  });

  it('says at each route what becomes of the alert', async () => {
    const { out } = await routed('--tree', 'service=foo1', 'severity=critical', 'cluster=a');
    expectGolden(out, golden('routed'));
    const json = await routed('--json', 'service=files');
    expect(JSON.parse(json.out)).toEqual({
      labels: '{service="files"}',
      receivers: ['team-y'],
      routes: [
        {
          receiver: 'team-y',
          route: '{}/{service="files"}',
          group: '{}/{service="files"}:{service="files"}',
        },
      ],
    });
  });

  it.each([
    [['service'], /"service" is no label/],
    [['service=~x'], /"service=~x" is no label: NAME=VALUE expected/],
    [['a=b', '--run', 'x'], /--run is for "rules" only/],
  ])('%j is wrong usage', async (args, problem) => {
    const { code, warned } = await routed(...args);
    expect(code).toBe(2);
    expect(warned).toMatch(problem);
  });
});
