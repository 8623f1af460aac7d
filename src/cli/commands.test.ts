// The commands over fakes: what they print, what they ask, and their exit codes.

import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../test/support/clock.ts';
import { FakeDisk } from '../../test/support/disk.ts';
import { type FakeAnswer, FakeHttp } from '../../test/support/http.ts';
import type { QueryData } from '../api/index.ts';
import { checkCommand } from './check.ts';
import { type Command, type CommandContext, readArgs } from './command.ts';
import { notifyCommand } from './notify.ts';
import { queryCommand } from './query.ts';
import { answerText, styleOf, timeTexts } from './render/index.ts';

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly warned: string;
  readonly http: FakeHttp;
}

async function run(
  command: Command,
  args: readonly string[],
  world: {
    readonly answer?: FakeAnswer;
    readonly env?: Readonly<Record<string, string>>;
    readonly files?: Readonly<Record<string, string>>;
    readonly isTerminal?: boolean;
  } = {},
): Promise<Ran> {
  const clock = new FakeClock();
  const disk = new FakeDisk();
  await disk.makeFolder('/here');
  for (const [name, text] of Object.entries(world.files ?? {})) {
    if (name.includes('/')) await disk.makeFolder(`/here/${name.slice(0, name.lastIndexOf('/'))}`);
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
    args,
    env: world.env ?? {},
    cwd: '/here',
    clock,
    disk,
    http,
    isTerminal: world.isTerminal ?? false,
    columns: 80,
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
  return { code: await command.run(context), out, warned, http };
}

const said = (data: unknown, more: object = {}): FakeAnswer => ({
  body: JSON.stringify({ status: 'success', data, ...more }),
});

describe('arguments', () => {
  const options = { config: { type: 'string' }, shadow: { type: 'boolean' } } as const;

  it('are words, texts and flags', () => {
    const read = readArgs(['one', '--config', 'a.yml', '--shadow', 'two'], options);
    expect(read.ok && [read.value.words, read.value.text('config'), read.value.flag('shadow')]).toEqual([
      ['one', 'two'],
      'a.yml',
      true,
    ]);
    const other = readArgs(['--config=b.yml'], options);
    expect(
      other.ok && [other.value.text('config'), other.value.flag('shadow'), other.value.text('x')],
    ).toEqual(['b.yml', false, undefined]);
  });

  it.each([[['--confg', 'a']], [['--config']], [['--shadow=yes']]])(
    '%j are refused, naming the option',
    args => {
      const read = readArgs(args, options);
      expect(!read.ok && read.error).toMatch(/--(confg|config|shadow)/);
    },
  );
});

describe('query', () => {
  const vector: QueryData = {
    resultType: 'vector',
    result: [{ metric: { __name__: 'm', a: 'b"c' }, value: [5, '1'] }],
  };

  it('prints a sample a line', async () => {
    const ran = await run(queryCommand, ['m'], { answer: said(vector) });
    expect([ran.code, ran.out]).toEqual([0, 'm{a="b\\"c"} => 1 @[5]\n']);
    expect(ran.http.requests[0]?.url).toBe('http://127.0.0.1:9390/api/v1/query?query=m');
  });

  it.each<[string, QueryData, string]>([
    [
      'a matrix',
      {
        resultType: 'matrix',
        result: [
          {
            metric: { a: '1' },
            values: [
              [1, '2'],
              [3, '4'],
            ],
          },
        ],
      },
      '{a="1"} =>\n2 @[1]\n4 @[3]\n',
    ],
    ['a scalar', { resultType: 'scalar', result: [1, 'NaN'] }, 'NaN @[1]\n'],
    [
      'a name alone',
      { resultType: 'vector', result: [{ metric: { __name__: 'm' }, value: [1, '2'] }] },
      'm => 2 @[1]\n',
    ],
    [
      'no labels at all',
      { resultType: 'vector', result: [{ metric: {}, value: [1, '2'] }] },
      '{} => 2 @[1]\n',
    ],
    ['nothing', { resultType: 'vector', result: [] }, ''],
  ])('prints %s', (_, data, text) => {
    const [style, times] = [styleOf(false), timeTexts('UTC')];
    expect(answerText(data, { format: 'plain', width: undefined, style, times })).toBe(text);
  });

  it('asks as a user, whose password the environment has, and trusts the CA that is named', async () => {
    const args = ['m', '--url', 'https://w', '--user', 'alice', '--ca-file', 'ca.pem'];
    const world = { answer: said(vector), files: { 'ca.pem': 'CA' } };
    const ran = await run(queryCommand, args, {
      ...world,
      env: { WATCHKEEPER_PASSWORD: 'p:w', WATCHKEEPER_TOKEN: 't' },
    });
    expect(ran.code).toBe(0);
    expect(ran.http.requests[0]).toMatchObject({
      headers: { authorization: `Basic ${Buffer.from('alice:p:w').toString('base64')}` },
      tls: { ca: 'CA' },
    });
  });

  it.each<[readonly string[], Readonly<Record<string, string>>, string]>([
    [['--user', 'alice'], {}, 'the environment variable WATCHKEEPER_PASSWORD with the password is not set'],
    [['--user', 'a:b'], { WATCHKEEPER_PASSWORD: 'p' }, 'a name with ":" cannot be sent'],
    [['--user', 'a', '--token', 't'], { WATCHKEEPER_PASSWORD: 'p' }, 'give one of them'],
    [['--ca-file', 'no.pem'], {}, 'Cannot read "no.pem"'],
  ])('does not ask with %j and %j', async (args, env, problem) => {
    const ran = await run(queryCommand, ['m', ...args], { answer: said(vector), env });
    expect(ran.code).toBe(1);
    expect(ran.warned).toContain(problem);
    expect(ran.http.requests).toEqual([]);
  });

  it('asks for a range, elsewhere, with a token from the environment', async () => {
    const ran = await run(
      queryCommand,
      ['m', '--from', '1', '--to', '2', '--step', '1s', '--url', 'http://there:1/'],
      {
        answer: said({ resultType: 'matrix', result: [] }),
        env: { WATCHKEEPER_TOKEN: 'secret', WATCHKEEPER_URL: 'http://elsewhere:2' },
      },
    );
    expect(ran.code).toBe(0);
    expect(ran.http.requests[0]).toMatchObject({
      url: 'http://there:1/api/v1/query_range?query=m&start=1&end=2&step=1s',
      headers: { authorization: 'Bearer secret' },
    });
  });

  it.each<[readonly string[], string]>([
    [['--last', '6h'], 'start=1767204000&end=1767225600&step=87'],
    [['--last', '1m'], 'start=1767225540&end=1767225600&step=1'],
    [['--from', '1767225000', '--step', '30s'], 'start=1767225000&end=1767225600&step=30s'],
    [
      ['--from', '2025-12-31T23:00:00Z', '--limit', '5'],
      'start=2025-12-31T23%3A00%3A00Z&end=1767225600&step=15&limit=5',
    ],
  ])('%j is a range until now', async (args, params) => {
    const ran = await run(queryCommand, ['m', ...args], {
      answer: said({ resultType: 'matrix', result: [] }),
    });
    expect(ran.http.requests[0]?.url).toBe(`http://127.0.0.1:9390/api/v1/query_range?query=m&${params}`);
  });

  it.each<[readonly string[], boolean, Readonly<Record<string, string>>, string]>([
    [[], true, {}, 'm{a="b\\"c"}  \x1b[1m1\x1b[0m\n\x1b[2m1 series, 1970-01-01 00:00:05\x1b[0m\n'],
    [[], true, { NO_COLOR: '1' }, 'm{a="b\\"c"}  1\n1 series, 1970-01-01 00:00:05\n'],
    [[], true, { TERM: 'dumb' }, 'm{a="b\\"c"}  1\n1 series, 1970-01-01 00:00:05\n'],
    [['--format', 'table'], false, {}, 'm{a="b\\"c"}  1\n1 series, 1970-01-01 00:00:05\n'],
    [['--format', 'plain'], true, {}, 'm{a="b\\"c"} => 1 @[5]\n'],
    [['--format', 'csv'], true, {}, '__name__,a,time,value\nm,"b""c",5,1\n'],
  ])('%j, on a terminal: %s, %j', async (args, isTerminal, env, out) => {
    expect(await run(queryCommand, ['m', ...args], { answer: said(vector), isTerminal, env })).toMatchObject({
      code: 0,
      out,
    });
  });

  it('prints the plan where that is asked for', async () => {
    const operator = { op: 'select', name: 'select', text: 'm', steps: 1, series: 1, seriesRead: 1 };
    const operators = { ...operator, samplesRead: 7, selfMs: 1, totalMs: 1, isShared: false, inputs: [] };
    const explain = { seriesRead: 1, samplesRead: 7, durationMs: 1.5, operators };
    const ran = await run(queryCommand, ['m', '--explain'], { answer: said({ ...vector, explain }) });
    expect(ran.http.requests[0]?.url).toContain('query=m&explain=true');
    expect(ran.out).toBe(`operator   series  samples  steps  self ms  total ms
select  m       1        7      1     1.00      1.00
1 series and 7 samples read, 1.50 ms, of these 0.50 ms around the operators
`);
  });

  it('tells warnings beside the answer, and prints JSON as it came', async () => {
    const answer = said(vector, { warnings: ['careful'] });
    const ran = await run(queryCommand, ['m', '--json'], { answer });
    expect(ran.warned).toBe('note: careful\n');
    expect(JSON.parse(ran.out)).toEqual(JSON.parse(String(answer.body)));
  });

  it.each<[string, readonly string[], FakeAnswer | undefined, number, string]>([
    [
      'a refusal',
      ['sum('],
      { status: 400, body: '{"status":"error","errorType":"bad_data","error":"query-parse: no"}' },
      1,
      'query-parse: no',
    ],
    ['nobody there', ['m'], { error: 'http-refused' }, 1, 'is Watchkeeper running?'],
    ['something else there', ['m'], { body: '<html>' }, 1, 'is it a Watchkeeper?'],
    ['no expression', [], undefined, 2, 'an expression is needed'],
    ['two expressions', ['a', '+', 'b'], undefined, 2, 'in quotes'],
    ['half a range', ['m', '--to', '1'], undefined, 2, '--to needs --from'],
    ['a step of an instant', ['m', '--step', '1m'], undefined, 2, '--step needs a range'],
    ['an instant and a range', ['m', '--at', '1', '--last', '1h'], undefined, 2, '--at is an instant'],
    ['two ranges', ['m', '--from', '1', '--last', '1h'], undefined, 2, '--last does not go with'],
    ['no duration', ['m', '--last', 'soon'], undefined, 2, '--last is a duration'],
    ['no time', ['m', '--from', 'soon'], undefined, 2, '--from "soon" is no time'],
    ['an unknown format', ['m', '--format', 'xml'], undefined, 2, '--format is one of table'],
    ['two formats', ['m', '--json', '--format', 'csv'], undefined, 2, 'do not go together'],
    ['a plan as CSV', ['m', '--explain', '--format', 'csv'], undefined, 2, 'does not go with it'],
    ['no limit', ['m', '--limit', 'few'], undefined, 2, '--limit is a whole number'],
    ['a server that explains nothing', ['m', '--explain'], said(vector), 1, 'is it older?'],
    ['an unknown option', ['m', '--nonsense'], undefined, 2, '--nonsense'],
  ])('ends for %s with its code', async (_, args, answer, code, says) => {
    const ran = await run(queryCommand, args, answer === undefined ? {} : { answer });
    expect(ran).toMatchObject({ code, out: '' });
    expect(ran.warned).toContain(says);
  });
});

describe('check web-config', () => {
  const files = {
    'good.yml': 'http_server_config: {http2: true}\n',
    'bad.yml': 'tls_server_config:\n  cert_file: no.pem\n  key_file: no.pem\n',
  };

  it('tells problems with their place, and fails at errors only', async () => {
    const good = await run(checkCommand, ['web-config', 'good.yml'], { files });
    expect(good.code).toBe(0);
    expect(good.out).toContain('good.yml: fine, 1 warning\n');
    const bad = await run(checkCommand, ['web-config', 'good.yml', 'bad.yml'], { files });
    expect(bad.code).toBe(1);
    expect(bad.out).toContain('bad.yml:2:14: config-io: Cannot read "no.pem"');
    expect(bad.out).toContain('bad.yml: 2 errors\n');
    expect((await run(checkCommand, ['web-config', 'none.yml'], { files })).code).toBe(1);
  });

  it('looks at no other file where syntax alone is asked for', async () => {
    const ran = await run(checkCommand, ['web-config', 'bad.yml', '--syntax-only'], { files });
    expect([ran.code, ran.out]).toEqual([0, 'bad.yml: fine\n']);
    expect((await run(checkCommand, ['web-config', 'bad.yml', '--agent'], { files })).code).toBe(2);
  });
});

describe('check', () => {
  it.each<[string, readonly string[], Readonly<Record<string, string>>, number, RegExp]>([
    ['a good file', ['config', 'a.yml'], { 'a.yml': 'scrape_configs: []\n' }, 0, /^a\.yml: fine\n$/],
    [
      'a typo',
      ['config', 'a.yml'],
      { 'a.yml': 'scrape_configz: []\n' },
      1,
      /a\.yml:1:1: .*scrape_configz.*scrape_configs.*1 error/s,
    ],
    ['a rule file', ['rules', 'r.yml'], { 'r.yml': 'groups: []\n' }, 0, /^r\.yml: fine\n$/],
    [
      'a bad rule',
      ['rules', 'r.yml'],
      { 'r.yml': 'groups: [{ name: g, rules: [{ record: a, expr: "sum(" }] }]\n' },
      1,
      /r\.yml:1:\d+: .*1 error/s,
    ],
    [
      'several files, one bad',
      ['config', 'a.yml', 'b.yml'],
      { 'a.yml': 'scrape_configs: []\n', 'b.yml': 'scrape_configz: []\n' },
      1,
      /a\.yml: fine\n.*b\.yml: 1 error/s,
    ],
    [
      'a bad rule file that the configuration names',
      ['config', 'a.yml'],
      {
        'a.yml': 'rule_files: [r.yml]\nscrape_configs: []\n',
        'r.yml': 'groups: [{ name: g, rules: [{ record: a, expr: "1 +" }] }]\n',
      },
      1,
      /r\.yml:1:\d+: /,
    ],
    [
      'the same, its syntax alone',
      ['config', '--syntax-only', 'a.yml'],
      { 'a.yml': 'rule_files: [r.yml]\nscrape_configs: []\n' },
      0,
      /fine/,
    ],
    [
      'an agent that would evaluate rules',
      ['config', '--agent', 'a.yml'],
      { 'a.yml': 'rule_files: [r.yml]\nremote_write: [{url: "http://a/b"}]\n', 'r.yml': 'groups: []\n' },
      1,
      /a\.yml:1:1: .*"rule_files": the field is not allowed in agent mode.*1 error/s,
    ],
    [
      'an agent with an empty list of rule files',
      ['config', '--agent', '--syntax-only', 'a.yml'],
      { 'a.yml': 'scrape_configs: []\nrule_files: []\n' },
      0,
      /^a\.yml: fine\n$/,
    ],
    [
      'a page that everybody would like',
      ['metrics', 'a.prom'],
      { 'a.prom': '# HELP a_total A.\n# TYPE a_total counter\na_total 1\n' },
      0,
      /^a\.prom: text format, 1 series: fine\n$/,
    ],
    [
      'a page with remarks, and its families',
      ['metrics', '--extended', 'a.prom'],
      { 'a.prom': '# TYPE a_ms gauge\na_ms{x="1"} 1\na_ms{x="2"} 1\na_ms{x="2"} 1\n' },
      1,
      /^a_ms metric names should not contain abbreviated units\na_ms metric not unique: .*\na_ms no help text\n +2 100\.0 % {2}a_ms\na\.prom: text format, 2 series: 3 remarks\n$/,
    ],
    [
      'OpenMetrics, strictly, by its end',
      ['metrics', 'a.om'],
      { 'a.om': '# HELP a A.\n# TYPE a counter\na_total -1\n# EOF\n' },
      1,
      /^a\.om: error: line 3, column 1: Cannot read "a_total -1": "_total" cannot be negative\na\.om: OpenMetrics, 1 series: cannot be read\n$/,
    ],
    [
      'a page as another format than it looks',
      ['metrics', '--format', 'text', '--json', 'a.om'],
      { 'a.om': '# HELP a A.\na  -1\n# EOF\n' },
      0,
      /^$/,
    ],
    ['a page that is not there', ['metrics', 'none.prom'], {}, 1, /Cannot read "none\.prom"/],
    ['a file that is not there', ['rules', 'none.yml'], {}, 1, /Cannot read "none\.yml"/],
  ])('answers for %s', async (_, args, files, code, says) => {
    const ran = await run(checkCommand, args, { files });
    expect(ran.out).toMatch(says);
    expect(ran.code).toBe(code);
  });

  it('prints a problem as JSON', async () => {
    const ran = await run(checkCommand, ['config', '--json', 'a.yml'], {
      files: { 'a.yml': 'scrape_configz: []\n' },
    });
    expect(JSON.parse(ran.out)).toMatchObject({
      severity: 'error',
      line: 1,
      column: 1,
      code: 'config-unknown-key',
    });
  });

  it.each([
    [[]],
    [['config']],
    [['nonsense', 'a.yml']],
    [['rules', '--agent', 'r.yml']],
    [['metrics', '--format', 'xml', 'a']],
    [['metrics', '--agent', 'a']],
    [['config', '--format', 'text', 'a.yml']],
    [['rules', '--extended', 'r.yml']],
  ])('%j is wrong usage', async args => {
    expect((await run(checkCommand, args)).code).toBe(2);
  });
});

describe('notify test', () => {
  it("prints the provider's own answer", async () => {
    const ran = await run(notifyCommand, ['test', 'ops/db'], {
      answer: said({ answer: 'ops/db/email[0]: 250 queued' }),
    });
    expect(ran).toMatchObject({ code: 0, out: 'ops/db/email[0]: 250 queued\n' });
    expect(ran.http.requests[0]).toMatchObject({
      method: 'POST',
      url: 'http://127.0.0.1:9390/api/watchkeeper/v1/receivers/ops%2Fdb/test',
    });
  });

  it('says what went wrong, by its exit code too', async () => {
    const error = 'ops/slack[0]: slack: channel_not_found: 200 {}';
    const answer = { status: 422, body: JSON.stringify({ status: 'error', errorType: 'execution', error }) };
    expect(await run(notifyCommand, ['test', 'ops'], { answer })).toMatchObject({
      code: 1,
      warned: `${error}\n`,
    });
    const json = await run(notifyCommand, ['test', 'ops', '--json'], { answer });
    expect(JSON.parse(json.out)).toEqual({ receiver: 'ops', sent: false, answer: error });
  });

  it.each([[[]], [['ops']], [['test']], [['test', 'a', 'b']], [['test', 'a', '--nope']]])(
    '%j is wrong usage',
    async args => {
      expect((await run(notifyCommand, args)).code).toBe(2);
    },
  );
});

describe('check templates', () => {
  it('names the place of what is wrong', async () => {
    const files = {
      'good.tmpl': '{{ define "x" }}{{ .Status | toUpper }}{{ end }}',
      'bad.tmpl': 'a\n  {{ nofunc }}',
    };
    const ran = await run(checkCommand, ['templates', 'good.tmpl', 'bad.tmpl'], { files });
    expect(ran.code).toBe(1);
    expect(ran.out).toContain('good.tmpl: fine');
    expect(ran.out).toContain(
      'bad.tmpl:2:6: template-parse: Cannot use the template file "bad.tmpl": function "nofunc" not defined',
    );
  });

  it('warns of a template that is called and defined nowhere, with line and key of the setting', async () => {
    const config = [
      'route: { receiver: a }',
      'templates: [t.tmpl]',
      'receivers:',
      '  - name: a',
      '    slack_configs:',
      '      - api_url: http://127.0.0.1:1/hook',
      '        title: \'{{ template "nope" . }}\'',
      '        text: \'{{ define "own" }}x{{ end }}{{ template "own" . }}{{ template "mine.text" . }}\'',
      '        footer: \'{{ if .IsTest }}{{ template "__subjct" . }}{{ else }}{{ template "t.tmpl" . }}{{ end }}\'',
      '        pretext: \'{{ template "slack.default.title" . }}\'',
      '    webhook_configs:',
      "      - url: 'http://127.0.0.1:1/hook'",
      `        payload: { a: [{ b: '{{ template "lost" . }}' }] }`,
      '',
    ].join('\n');
    const files = {
      'alertmanager.yml': config,
      't.tmpl': '{{ define "mine.text" }}\n  {{ template "gone" . }}{{ end }}',
    };
    const ran = await run(checkCommand, ['config', 'alertmanager.yml'], { files });
    expect(ran.code).toBe(0);
    const lines = ran.out.split('\n').filter(line => line.includes('template-unknown'));
    expect(lines.map(line => line.replace(/^.*?(t\.tmpl|alertmanager\.yml):/, '$1:'))).toEqual([
      't.tmpl:2:3: warning: template-unknown: Cannot find the template "gone" that this file calls: no file of "templates" defines it (define it, or name its file under "templates")',
      'alertmanager.yml:7:16: warning: template-unknown: Cannot find the template "nope" that receivers[0].slack_configs[0].title calls: no file of "templates" defines it (define it, or name its file under "templates")',
      'alertmanager.yml:9:17: warning: template-unknown: Cannot find the template "__subjct" that receivers[0].slack_configs[0].footer calls: no file of "templates" defines it (did you mean "__subject"?)',
      'alertmanager.yml:12:9: warning: template-unknown: Cannot find the template "lost" that receivers[0].webhook_configs[0] calls: no file of "templates" defines it (define it, or name its file under "templates")',
    ]);
  });

  it('looks at the templates that a configuration names', async () => {
    const config = 'route: { receiver: a }\nreceivers: [{ name: a }]\ntemplates: ["t/*.tmpl", none.tmpl]\n';
    const files = { 'alertmanager.yml': config, 't/a.tmpl': '{{ if }}' };
    const ran = await run(checkCommand, ['config', 'alertmanager.yml'], { files });
    expect(ran.code).toBe(1);
    expect(ran.out).toContain('t/a.tmpl:1:');
    expect(ran.out).toContain('Cannot find a template file for "none.tmpl": no file matches');
  });
});
