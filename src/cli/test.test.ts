// watchkeeper test rules over fakes: what it reads, what it prints, and its exit codes.

import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../test/support/clock.ts';
import { FakeDisk } from '../../test/support/disk.ts';
import { FakeHttp } from '../../test/support/http.ts';
import { testCommand } from './test.ts';

async function run(
  args: readonly string[],
  files: Readonly<Record<string, string>> = {},
): Promise<{ readonly code: number; readonly out: string; readonly warned: string }> {
  const clock = new FakeClock();
  const disk = new FakeDisk();
  for (const [name, text] of Object.entries(files)) {
    const path = `/here/${name}`;
    await disk.makeFolder(path.slice(0, path.lastIndexOf('/')));
    const file = await disk.open(path, 'create');
    if (!file.ok) throw new Error(file.error.message);
    await file.value.write(new TextEncoder().encode(text));
    await file.value.close();
  }
  let out = '';
  let warned = '';
  const code = await testCommand.run({
    args,
    env: {},
    cwd: '/here',
    clock,
    disk,
    http: new FakeHttp(clock),
    isTerminal: false,
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
  });
  return { code, out, warned };
}

const RULES = `groups:
- name: hosts
  rules:
  - alert: Down
    expr: up == 0
    for: 2m
    labels: { severity: page }
    annotations: { summary: '{{ $labels.instance }} is down' }
`;

const TESTS = (severity: string): string => `rule_files: ['rules/*.yml']
tests:
  - name: a host goes
    input_series:
      - series: up{instance="a"}
        values: 1 0x10
    alert_rule_test:
      - eval_time: 2m
        alertname: Down
      - eval_time: 3m
        alertname: Down
        exp_alerts:
          - exp_labels: { instance: a, severity: ${severity} }
            exp_annotations: { summary: a is down }
`;

const files = (severity: string): Readonly<Record<string, string>> => ({
  'some/alerts.test.yml': TESTS(severity),
  'some/rules/hosts.yml': RULES,
});

describe('test rules', () => {
  it('finds rule files beside the test file, and is content', async () => {
    expect(await run(['rules', 'some/alerts.test.yml'], files('page'))).toEqual({
      code: 0,
      out: 'some/alerts.test.yml: fine: 1 test, 2 checks\n',
      warned: '',
    });
  });

  it('tells what was expected and what came, with the place', async () => {
    const ran = await run(['rules', 'some/alerts.test.yml'], files('warning'));
    expect(ran).toEqual({
      code: 1,
      out: `some/alerts.test.yml:10:9: rules-test-failed: a host goes: alert Down at 3m (- expected, + got)
    - {alertname="Down", instance="a", severity="warning"} annotations {summary="a is down"}
    + {alertname="Down", instance="a", severity="page"} annotations {summary="a is down"}
some/alerts.test.yml: 1 failure in 1 test (of 1 test, 2 checks)
`,
      warned: '',
    });
  });

  it('--diff tells only what differs', async () => {
    const ran = await run(['rules', '--diff', 'some/alerts.test.yml'], files('warning'));
    expect(ran.out).toContain(`(- expected, + got)
      {alertname="Down", instance="a", annotations.summary="a is down"}
      - severity: warning
      + severity: page
`);
  });

  it('--json is one object a problem', async () => {
    const ran = await run(['rules', '--json', 'some/alerts.test.yml'], files('warning'));
    expect(JSON.parse(ran.out)).toEqual({
      severity: 'error',
      file: 'some/alerts.test.yml',
      code: 'rules-test-failed',
      test: 'a host goes',
      line: 10,
      column: 9,
      check: 'alert Down at 3m',
      message: expect.stringContaining('a host goes: alert Down at 3m: expected'),
      expected: ['{alertname="Down", instance="a", severity="warning"} annotations {summary="a is down"}'],
      got: ['{alertname="Down", instance="a", severity="page"} annotations {summary="a is down"}'],
    });
  });

  it.each([
    [['--run', 'host'], 1, '1 failure'],
    [['--run', 'nothing', '--run', '^a .*goes$'], 1, '1 failure'],
    [['--run', 'nothing'], 0, 'fine: 0 tests, 0 checks'],
  ])('%j picks tests by name', async (args, code, says) => {
    const ran = await run(['rules', ...args, 'some/alerts.test.yml'], files('warning'));
    expect([ran.code, ran.out]).toEqual([code, expect.stringContaining(says)]);
    expect(ran.warned).toBe(
      code === 0 ? 'some/alerts.test.yml: no test has a name that --run asks for\n' : '',
    );
  });

  it('goes on after a file that is wrong', async () => {
    const ran = await run(['rules', 'none.yml', 'bad.yml', 'some/alerts.test.yml'], {
      ...files('page'),
      'bad.yml': 'tests: [{ input_series: [{ series: "m{", values: 1 }] }]\n',
    });
    expect(ran.code).toBe(1);
    expect(ran.out).toMatch(
      /^none\.yml: config-io: Cannot read "none\.yml": .*\nnone\.yml: 1 error\nbad\.yml:1:36: config-bad-value: .*\nbad\.yml: 1 error\nsome\/alerts\.test\.yml: fine/,
    );
  });

  it('passes over keys of others when told to', async () => {
    const others = { ...files('page'), 'some/rules/hosts.yml': `owner: me\n${RULES}` };
    expect((await run(['rules', 'some/alerts.test.yml'], others)).out).toContain(
      'some/rules/hosts.yml:1:1: config-unknown-key',
    );
    expect((await run(['rules', '--ignore-unknown-fields', 'some/alerts.test.yml'], others)).code).toBe(0);
  });

  it.each([
    [[]],
    [['rules']],
    [['nonsense', 'a.yml']],
    [['rules', '--run', '(', 'a.yml']],
    [['rules', '--runn', 'a', 'b.yml']],
  ])('%j is wrong usage', async args => {
    expect(await run(args)).toMatchObject({ code: 2, out: '' });
  });
});
