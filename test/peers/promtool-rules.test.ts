// Our unit tests of rules beside Debian's promtool 2.42: the same verdict on everything that 2.42 understands.

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { testRules } from '../../src/cli/test-rules.ts';
import { httpClient, systemClock, systemDisk } from '../../src/os/index.ts';
import { corporaRoot } from '../support/corpora.ts';

const BINARY = 'promtool';

/** Files that the two judge differently, and why ours is right. */
const OTHERWISE: readonly (readonly [pattern: RegExp, reason: string])[] = [
  [/^corpus\/unittest\.yml$/, 'native histograms, and left-open ranges, since 3.0'],
  [/^corpus\/no-test-group-interval\.yml$/, 'tests take the evaluation interval for theirs since 3.x'],
  [/^own\/a lookback's far end$/, 'ranges and lookback are left-open since 3.0'],
  [/^own\/a range over its first sample$/, 'ranges and lookback are left-open since 3.0'],
  [/^own\/a rule file that is wrong, and no test$/, 'promtool reads rule files only when a test needs them'],
  [/^own\/not a number$/, 'for promtool no NaN is another, so that such a test can never pass'],
];

const RULES = `groups:
- name: first
  rules:
  - record: doubled
    expr: 2 * m
- name: second
  rules:
  - record: again
    expr: 2 * doubled
  - record: ahead
    expr: m offset -2m
  - alert: High
    expr: m > 3
    for: 2m
    keep_firing_for: 0s
    labels: { severity: page, at: '{{ $externalLabels.at }}' }
    annotations: { summary: '{{ $labels.instance }} has {{ $value }}' }
- name: slow
  interval: 5m
  rules:
  - record: slowly
    expr: m
`;

const SERIES = `    interval: 1m
    input_series: [{ series: 'm{instance="a"}', values: '0+1x30' }]
`;

function tests(body: string, head = ''): string {
  // Without it promtool takes the groups in any order.
  const order = head.includes('group_eval_order') ? '' : 'group_eval_order: [first, second, slow]\n';
  return `${head}${order}rule_files: [rules/*.yml]\ntests:\n  - name: t\n${SERIES}${body}`;
}

function expr(text: string, at: string, samples: string, head = ''): string {
  const check = `{ expr: ${JSON.stringify(text)}, eval_time: ${at}, exp_samples: [${samples}] }`;
  return tests(`    promql_expr_test: [${check}]\n`, head);
}

function alert(at: string, alerts: string, head = ''): string {
  return tests(
    `    alert_rule_test: [{ eval_time: ${at}, alertname: High, exp_alerts: [${alerts}] }]\n    external_labels: { at: home }\n`,
    head,
  );
}

const HIGH = (value: number, more = ''): string =>
  `{ exp_labels: { instance: a, severity: page, at: home${more} }, exp_annotations: { summary: a has ${value} } }`;

/** Tests of our own, for what the fixtures do not touch. The verdict is promtool's to give. */
const OWN: Readonly<Record<string, string>> = {
  'a value': expr('m', '5m', `{ labels: 'm{instance="a"}', value: 5 }`),
  'a wrong value': expr('m', '5m', `{ labels: 'm{instance="a"}', value: 6 }`),
  'a value between samples': expr('m', '330s', `{ labels: 'm{instance="a"}', value: 5 }`),
  'a value after the last evaluation': expr('m', '90s', `{ labels: 'm{instance="a"}', value: 2 }`),
  'a missing series': expr('m', '5m', ''),
  'a series too many': expr('nothing', '5m', '{ labels: x, value: 1 }'),
  'nothing, as expected': expr('nothing', '5m', ''),
  'a scalar': expr('time()', '5m', '{ value: 300 }'),
  'a string': expr('"a"', '5m', ''),
  'a range': expr('m[5m]', '5m', ''),
  'an expression that does not parse': expr('m +', '5m', ''),
  'zero and minus zero': expr('-0 * m', '5m', `{ labels: '{instance="a"}', value: 0 }`),
  'not a number': expr('m * NaN', '5m', `{ labels: '{instance="a"}', value: .nan }`),
  infinity: expr('m / 0', '5m', `{ labels: '{instance="a"}', value: .inf }`),
  'a recorded series': expr('again', '5m', `{ labels: 'again{instance="a"}', value: 20 }`),
  'the evaluation interval': expr(
    'again',
    '5m',
    `{ labels: 'again{instance="a"}', value: 8 }`,
    'evaluation_interval: 2m\n',
  ),
  'a group with an interval of its own': expr('slowly', '7m', `{ labels: 'slowly{instance="a"}', value: 7 }`),
  'samples of the future, for a rule': expr('ahead', '5m', `{ labels: 'ahead{instance="a"}', value: 5 }`),
  'samples of the future, for an expression': expr(
    'm offset -4m',
    '5m',
    `{ labels: 'm{instance="a"}', value: 5 }`,
  ),
  'a subquery without a step': expr(
    'count_over_time(m[4m30s:])',
    '10m',
    `{ labels: '{instance="a"}', value: 5 }`,
  ),
  'a subquery without a step, other interval': expr(
    'count_over_time(m[4m45s:])',
    '10m',
    `{ labels: '{instance="a"}', value: 10 }`,
    'evaluation_interval: 30s\n',
  ),
  "a lookback's far end": expr('m', '35m', `{ labels: 'm{instance="a"}', value: 30 }`),
  'a range over its first sample': expr(
    'count_over_time(m[5m])',
    '10m',
    `{ labels: '{instance="a"}', value: 6 }`,
  ),
  'an order of groups': expr(
    'again',
    '5m',
    `{ labels: 'again{instance="a"}', value: 20 }`,
    'group_eval_order: [slow, first, second]\n',
  ),
  'an order with a group twice': expr('m', '5m', '', 'group_eval_order: [first, first]\n'),
  'an order with an unknown group': expr('nothing', '5m', '', 'group_eval_order: [nobody]\n'),
  'an alert in its wait': alert('5m', ''),
  'an alert after its wait': alert('6m', HIGH(6)),
  'an alert without its annotations': alert(
    '6m',
    '{ exp_labels: { instance: a, severity: page, at: home } }',
  ),
  'an alert with a label too many': alert('6m', HIGH(6, ', more: b')),
  'an alert with its own name': alert('6m', HIGH(6, ', alertname: High')),
  'an alert between evaluations': alert('6m30s', HIGH(6)),
  'an alert that nobody expects': alert('10m', ''),
  'an alert without a name': tests('    alert_rule_test: [{ eval_time: 1m, exp_alerts: [] }]\n'),
  'an alert that no rule has': tests(
    '    alert_rule_test: [{ eval_time: 1m, alertname: Nobody, exp_alerts: [] }]\n',
  ),
  'no rule file that fits': 'rule_files: [none*.yml]\ntests: [{ promql_expr_test: [{ expr: nothing }] }]\n',
  'a rule file that is not there':
    'rule_files: [none.yml]\ntests: [{ promql_expr_test: [{ expr: nothing }] }]\n',
  'a rule file that is wrong': 'rule_files: [bad.yml]\ntests: [{ promql_expr_test: [{ expr: nothing }] }]\n',
  'a rule file that is wrong, and no test': 'rule_files: [bad.yml]\n',
  'no tests': 'rule_files: [rules/*.yml]\n',
  'an empty file': '',
  'an unknown key': 'tsets: []\n',
  'an unknown key in a test': tests('    promql_expr_tests: []\n'),
  'an interval that is none': tests('    promql_expr_test: [{ expr: m, eval_time: soon }]\n'),
  'series that do not parse': `tests: [{ interval: 1m, input_series: [{ series: 'm{', values: 1 }], promql_expr_test: [{ expr: nothing }] }]\n`,
  'values that do not parse': `tests: [{ interval: 1m, input_series: [{ series: m, values: 1+x }], promql_expr_test: [{ expr: nothing }] }]\n`,
  'stale, missing and stepped values': `tests: [{ interval: 1m, input_series: [{ series: m, values: '1 stale _ _x2 2x1 5-1x2' }], promql_expr_test: [{ expr: m, eval_time: 9m, exp_samples: [{ labels: m, value: 3 }] }, { expr: m, eval_time: 2m }] }]\n`,
};

interface Verdict {
  readonly ok: boolean;
  readonly message: string;
}

/** One run for all files: the good ones are told on stdout, the messages of the others on stderr in the same order. */
function theirs(paths: readonly string[]): readonly Verdict[] {
  const ran = spawnSync(BINARY, ['test', 'rules', ...paths], { encoding: 'utf8' });
  const told = ran.stdout.split(/^Unit Testing: /m).slice(1);
  const messages = ran.stderr.split(/^ {2}FAILED:/m).slice(1);
  return told.map(text => {
    const ok = /^ {2}SUCCESS$/m.test(text);
    return { ok, message: ok ? '' : (messages.shift() ?? '') };
  });
}

async function ours(path: string): Promise<Verdict> {
  const http = httpClient({});
  let message = '';
  const outcome = await testRules(
    {
      args: [],
      env: {},
      cwd: dirname(path),
      clock: systemClock(),
      disk: systemDisk(),
      http,
      isTerminal: false,
      columns: 80,
      timeZone: 'UTC',
      out: text => {
        message += text;
      },
      warn: () => {},
      whenAskedToEnd: () => new Promise(() => {}),
      onHangUp: () => {},
    },
    [path],
    { run: [], format: 'text', allowsUnknownKeys: false },
  );
  await http.close();
  return { ok: outcome.ok && outcome.value === 0, message };
}

function installed(): boolean {
  try {
    execFileSync(BINARY, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** The version has no such key: nothing was judged beyond it. */
function isUnknownToIt({ message }: Verdict): boolean {
  return /field (start_timestamp|fuzzy_compare|keep_firing_for|query_offset|labels) not found in type/.test(
    message,
  );
}

/** Unit tests among the fixtures: other files are rules or configurations. */
function corpusTests(): readonly string[] {
  try {
    const folder = join(corporaRoot(), 'prometheus/promtool');
    return readdirSync(folder)
      .filter(name => name.endsWith('.yml'))
      .map(name => join(folder, name))
      .filter(path => /^tests:/m.test(readFileSync(path, 'utf8')));
  } catch {
    return [];
  }
}

const present = installed();
const needed = process.env['CI'] === 'true';

describe.skipIf(!present && !needed)(`beside ${BINARY}${present ? '' : ' (not installed)'}`, () => {
  let folder = '';
  const paths = new Map<string, string>();

  beforeAll(() => {
    if (!present) throw new Error(`${BINARY} is not installed: apt-get install -y prometheus`);
    folder = mkdtempSync(join(tmpdir(), 'promtool-rules-'));
    mkdirSync(join(folder, 'rules'));
    writeFileSync(join(folder, 'rules/all.yml'), RULES);
    writeFileSync(join(folder, 'bad.yml'), 'groups: [{ name: g, rules: [{ record: a, expr: "1 +" }] }]\n');
    Object.entries(OWN).forEach(([name, text], i) => {
      const path = join(folder, `${i}.yml`);
      writeFileSync(path, text);
      paths.set(`own/${name}`, path);
    });
    for (const path of corpusTests()) paths.set(`corpus/${path.split('/').at(-1)}`, path);
  });

  afterAll(() => {
    if (folder !== '') rmSync(folder, { recursive: true });
  });

  it('gives the same verdicts', async () => {
    const disagreements: string[] = [];
    const counts = { fine: 0, failed: 0, unknown: 0, otherwise: 0 };
    const verdicts = theirs([...paths.values()]);
    expect(verdicts).toHaveLength(paths.size);
    for (const [i, [name, path]] of [...paths].entries()) {
      const our = await ours(path);
      const their = verdicts[i] ?? { ok: false, message: '' };
      if (their.ok === our.ok) counts[our.ok ? 'fine' : 'failed'] += 1;
      else if (isUnknownToIt(their)) counts.unknown += 1;
      else if (OTHERWISE.some(([pattern]) => pattern.test(name))) counts.otherwise += 1;
      else {
        const text = their.ok ? 'fine' : their.message.trim();
        disagreements.push(`${name}: theirs ${text}; ours ${our.message.trim()}`);
      }
    }
    expect(disagreements).toEqual([]);
    console.log(
      `promtool test rules: ${paths.size} files, ${counts.fine} fine and ${counts.failed} failing for both, ` +
        `${counts.unknown} hold keys that it does not know, ${counts.otherwise} are judged otherwise for a reason`,
    );
    // A silent promtool would make every file fine.
    expect(counts.fine).toBeGreaterThan(10);
    expect(counts.failed).toBeGreaterThan(10);
  });
});
