// The commands of the real program, as a person and a service manager use them: start, refuse, reload, rehearse, ask, stop.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import {
  type BuildInfo,
  hashPassword,
  hashToken,
  type OwnAlertJson,
  type QueryData,
  type RuleGroupJson,
  type StatusJson,
  type TargetsData,
  type TimelineEventJson,
} from '../../src/api/index.ts';
import {
  type Folder,
  type HttpSink,
  openHttp,
  openPage,
  type Program,
  pause,
  runCommand,
  startProgram,
  temporaryFolder,
  until,
} from './support.ts';

const TEST_MS_MAX = 60_000;

const opened: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

function folderForTest(): Folder {
  const folder = temporaryFolder();
  opened.push(folder.remove);
  return folder;
}

async function started(...args: Parameters<typeof startProgram>): Promise<Program> {
  const program = await startProgram(...args);
  opened.push(program.kill);
  return program;
}

/** One page, one rule, one webhook. What is said in the parts replaces the usual. */
function configOf(parts: {
  readonly page?: HttpSink;
  readonly hook?: HttpSink;
  readonly more?: string;
  readonly groupBy?: string;
  readonly rules?: string;
}): string {
  const targets = parts.page === undefined ? '' : `'127.0.0.1:${parts.page.port}'`;
  const hook = parts.hook === undefined ? '' : `\n    webhook_configs: [{ url: '${parts.hook.url}/hook' }]`;
  return `global: { scrape_interval: 200ms, scrape_timeout: 200ms, evaluation_interval: 200ms }
host: { enabled: false }
scrape_configs:
  - job_name: page
    static_configs: [{ targets: [${targets}] }]
rule_files: [${parts.rules ?? 'test.rules.yml'}]
route: { receiver: hook, group_by: [${parts.groupBy ?? 'alertname'}], group_wait: 100ms, group_interval: 300ms, repeat_interval: 1h }
receivers:
  - name: hook${hook}
${parts.more ?? ''}`;
}

function rulesOf(forText: string, expr = 'trouble > 0'): string {
  return `groups:
  - name: test
    rules:
      - alert: Trouble
        expr: ${expr}
        for: ${forText}
        annotations: { summary: 'trouble is {{ $value }}' }
      - record: trouble:double
        expr: 2 * trouble
`;
}

interface Bench {
  readonly folder: Folder;
  readonly config: string;
  readonly page: HttpSink;
  readonly hook: HttpSink;
  readonly gauges: Record<string, number>;
  /** Bodies that the webhook got. */
  readonly told: { readonly status: string; readonly receiver: string }[];
}

async function bench(parts: { readonly forText?: string; readonly more?: string } = {}): Promise<Bench> {
  const folder = folderForTest();
  const gauges: Record<string, number> = { trouble: 0 };
  const told: Bench['told'] = [];
  const page = await openPage(() => gauges);
  const hook = await openHttp(request => {
    told.push(JSON.parse(request.body) as Bench['told'][number]);
    return { body: 'thank you' };
  });
  opened.push(page.close, hook.close);
  folder.write('test.rules.yml', rulesOf(parts.forText ?? '0s'));
  const config = folder.write('watchkeeper.yml', configOf({ page, hook, more: parts.more ?? '' }));
  return { folder, config, page, hook, gauges, told };
}

async function stateOf(program: Program): Promise<string> {
  const { alerts } = await program.api<{ alerts: readonly { state: string; activeAt: string }[] }>(
    '/api/v1/alerts',
  );
  return alerts[0]?.state ?? 'none';
}

const reachesState = (program: Program, state: string): Promise<true> =>
  until(`state ${state}`, async () => (await stateOf(program)) === state, { seen: () => stateOf(program) });

const timelineOf = (program: Program): Promise<readonly TimelineEventJson[]> =>
  program.api('/api/watchkeeper/v1/timeline', { limit: '500' });

describe('watchkeeper run', { timeout: TEST_MS_MAX }, () => {
  it('watches this host with the stock rules when it is given nothing, and ends with 0 on SIGTERM', async () => {
    const program = await started({ folder: folderForTest() });
    expect(program.output()).toContain('stock configuration');
    const page = await until('the first host page', async () => {
      const text = await (await program.fetch('/metrics/host')).text();
      return text.includes('node_') ? text : undefined;
    });
    for (const family of ['node_cpu_seconds_total', 'node_memory_', 'node_load1', 'node_filesystem_'])
      if (process.platform === 'linux') expect(page).toContain(`\n${family}`);
    expect(await (await program.fetch('/metrics')).text()).toMatch(/^watchkeeper_build_info\{/m);
    const { groups } = await program.api<{ groups: readonly RuleGroupJson[] }>('/api/v1/rules');
    expect(groups.flatMap(group => group.rules).length).toBeGreaterThan(10);
    const stoppedMs = performance.now();
    const ended = await program.stop();
    expect(ended).toMatchObject({ code: 0, signal: null });
    expect(performance.now() - stoppedMs).toBeLessThan(8000);
  });

  it('answers the Prometheus API in its shapes', async () => {
    const { folder, config, gauges, page } = await bench();
    gauges['trouble'] = 3;
    const program = await started({ folder, args: ['--config', config] });
    await reachesState(program, 'firing');
    const instant = await program.api<QueryData>('/api/v1/query', { query: 'trouble' });
    expect(instant).toMatchObject({
      resultType: 'vector',
      result: [
        {
          metric: { __name__: 'trouble', job: 'page', instance: `127.0.0.1:${page.port}` },
          value: [expect.any(Number), '3'],
        },
      ],
    });
    const nowS = Date.now() / 1000;
    const range = await program.api<QueryData>('/api/v1/query_range', {
      query: 'trouble',
      start: String(nowS - 1),
      end: String(nowS),
      step: '500ms',
    });
    expect(range).toMatchObject({ resultType: 'matrix', result: [{ values: expect.any(Array) }] });
    const recorded = await until('the recorded series', async () => {
      const data = await program.api<QueryData>('/api/v1/query', { query: 'trouble:double' });
      return data.resultType === 'vector' ? data.result[0]?.value?.[1] : undefined;
    });
    expect(recorded).toBe('6');
    const targets = await program.api<TargetsData>('/api/v1/targets', { state: 'active' });
    expect(targets.activeTargets.find(target => target.scrapePool === 'page')).toMatchObject({
      health: 'up',
      lastError: '',
      labels: { job: 'page' },
      scrapeUrl: `${page.url}/metrics`,
    });
    const { groups } = await program.api<{ groups: readonly RuleGroupJson[] }>('/api/v1/rules', {
      type: 'alert',
    });
    expect(groups[0]?.rules).toMatchObject([
      { name: 'Trouble', state: 'firing', health: 'ok', type: 'alerting' },
    ]);
    const { alerts } = await program.api<{ alerts: readonly object[] }>('/api/v1/alerts');
    expect(alerts).toMatchObject([
      { labels: { alertname: 'Trouble' }, annotations: { summary: 'trouble is 3' }, value: '3e+00' },
    ]);
    const build = await program.api<BuildInfo>('/api/v1/status/buildinfo');
    expect(build.version).toMatch(/^\d+\.\d+\.\d+$/);
  });

  it('answers pages of other sites with 403, also for POST', async () => {
    const program = await started({ folder: folderForTest() });
    const { port } = new URL(program.url);
    const cases: readonly (readonly [headers: Record<string, string>, status: number])[] = [
      [{ origin: 'http://evil.example' }, 403],
      [{ origin: `http://127.0.0.1:${port}` }, 200],
      [{}, 200],
    ];
    for (const [headers, status] of cases) {
      const response = await program.fetch('/-/reload', { method: 'POST', headers });
      expect([JSON.stringify(headers), response.status]).toEqual([JSON.stringify(headers), status]);
    }
    expect(await statusWithHost(program, 'evil.example')).toBe(403);
    expect(await statusWithHost(program, `localhost:${port}`)).toBe(200);
  });

  it('serves everything below the path of its external URL, by the name that stands there', async () => {
    const folder = folderForTest();
    const more = 'web: { external_url: "https://ops.example.org/ops/watch/" }';
    const config = folder.write('watchkeeper.yml', configOf({ more }));
    folder.write('test.rules.yml', 'groups: []\n');
    const program = await started({ folder, args: ['--config', config] });
    expect(program.url).toMatch(/:\d+\/ops\/watch$/);
    const root = await fetch(new URL('/', program.url), { redirect: 'manual' });
    expect([root.status, root.headers.get('location')]).toEqual([302, '/ops/watch/']);
    const page = await program.fetch('/');
    const files = [...(await page.text()).matchAll(/(?:src|href)="(\.\/assets\/[^"]+)"/g)].map(
      found => found[1],
    );
    expect(files.length).toBeGreaterThanOrEqual(2);
    for (const file of files)
      expect((await fetch(new URL(file ?? '', `${program.url}/`))).status, file).toBe(200);
    for (const path of ['/-/healthy', '/metrics', '/federate?match[]=up', '/api/v1/status/buildinfo'])
      expect((await program.fetch(path)).status, path).toBe(200);
    expect((await fetch(new URL('/api/v1/alerts', program.url))).status).toBe(404);
    expect(await program.api('/api/v1/status/flags')).toMatchObject({
      'web.external-url': 'https://ops.example.org/ops/watch',
      'web.route-prefix': '/ops/watch',
    });
    const { yaml } = await program.api<{ readonly yaml: string }>('/api/v1/status/config');
    expect(yaml).toContain('external_url: https://ops.example.org/ops/watch/');
  });

  it('refuses to listen beyond loopback without credentials, and says how to mend it', async () => {
    const { path } = folderForTest();
    const ended = await runCommand(['run', '--listen', '0.0.0.0:0'], { cwd: path });
    expect(ended.code).toBe(1);
    expect(ended.stderr).toContain('web.users or web.tokens');
    expect(ended.stderr).toContain('127.0.0.1');
  });

  it('asks for credentials where they are configured, and knows roles', async () => {
    const folder = folderForTest();
    const config = folder.write(
      'watchkeeper.yml',
      `host: { enabled: false }
web:
  users: [{ name: ann, password_hash: '${hashPassword('secret one', Buffer.from('salt of the test'))}', roles: [admin] }]
  tokens: [{ name: script, token_hash: '${hashToken('token-one')}', roles: [viewer] }]
`,
    );
    const program = await started({ folder, args: ['--config', config] });
    const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;
    const cases: readonly (readonly [path: string, method: string, authorization: string, status: number])[] =
      [
        ['/-/healthy', 'GET', '', 200],
        ['/api/v1/alerts', 'GET', '', 401],
        ['/', 'GET', '', 401],
        ['/api/v1/alerts', 'GET', 'Bearer token-one', 200],
        ['/api/v1/alerts', 'GET', 'Bearer token-two', 401],
        ['/api/v1/alerts', 'GET', basic('ann:secret one'), 200],
        ['/api/v1/alerts', 'GET', basic('ann:secret two'), 401],
        ['/api/v1/alerts', 'GET', basic('bob:secret one'), 401],
        ['/-/reload', 'POST', 'Bearer token-one', 403],
        ['/-/reload', 'POST', basic('ann:secret one'), 200],
      ];
    for (const [path, method, authorization, status] of cases) {
      const headers: Record<string, string> = authorization === '' ? {} : { authorization };
      const response = await program.fetch(path, { method, headers });
      expect([path, authorization, response.status]).toEqual([path, authorization, status]);
    }
    const asked = await runCommand(['query', '1 + 1', '--url', program.url, '--token', 'token-one']);
    expect(asked).toMatchObject({ code: 0, stderr: '' });
  });

  it('does not share its data folder with a second process', async () => {
    const folder = folderForTest();
    const program = await started({ folder });
    const second = await runCommand(['run', '--listen', '127.0.0.1:0', '--data', `${folder.path}/data`], {
      cwd: folder.path,
    });
    expect(second.code).toBe(1);
    expect(second.stderr).toMatch(/Cannot open the store in ".*data": .*(in use|locked|another)/);
    expect((await program.fetch('/-/healthy')).status).toBe(200);
  });
});

describe('a reload', { timeout: TEST_MS_MAX }, () => {
  it('of a bad file leaves the configuration in force and names the problem with its place', async () => {
    const { folder, config } = await bench();
    const program = await started({ folder, args: ['--config', config] });
    const before = await program.api<StatusJson>('/api/watchkeeper/v1/status');
    folder.write('watchkeeper.yml', `${configOf({})}rule_filez: [nothing.yml]\n`);
    const refused = await program.fetch('/-/reload', { method: 'POST' });
    expect(refused.status).toBe(500);
    expect(await refused.text()).toMatch(/watchkeeper\.yml:\d+:1: .*rule_filez.*rule_files/s);
    folder.write('watchkeeper.yml', configOf({}));
    folder.write('test.rules.yml', rulesOf('0s', 'sum(trouble'));
    const rule = await program.fetch('/-/reload', { method: 'POST' });
    expect(rule.status).toBe(500);
    expect(await rule.text()).toMatch(/test\.rules\.yml:\d+:\d+: /);
    program.signal('SIGHUP');
    const after = await until('the failed reload of SIGHUP', async () => {
      const status = await program.api<StatusJson>('/api/watchkeeper/v1/status');
      return status.lastReload.ok ? undefined : status;
    });
    expect(after.configVersion).toBe(before.configVersion);
    const { groups } = await program.api<{ groups: readonly RuleGroupJson[] }>('/api/v1/rules');
    expect(groups.flatMap(group => group.rules).map(rule => rule.name)).toContain('Trouble');
  });

  it('by SIGHUP takes a good file', async () => {
    const { folder, config, page } = await bench();
    const program = await started({ folder, args: ['--config', config] });
    folder.write('test.rules.yml', rulesOf('0s').replace('alert: Trouble', 'alert: Renamed'));
    folder.write('watchkeeper.yml', configOf({ page }));
    program.signal('SIGHUP');
    await until('the new rule', async () => {
      const { groups } = await program.api<{ groups: readonly RuleGroupJson[] }>('/api/v1/rules');
      return groups.some(group => group.rules.some(rule => rule.name === 'Renamed'));
    });
  });

  it('keeps how long an alert has been waiting', async () => {
    const { folder, config, gauges, page, hook } = await bench({ forText: '3s' });
    gauges['trouble'] = 1;
    const program = await started({ folder, args: ['--config', config] });
    await reachesState(program, 'pending');
    const before = await program.api<{ alerts: readonly { activeAt: string }[] }>('/api/v1/alerts');
    await pause(800);
    folder.write('watchkeeper.yml', configOf({ page, hook, more: 'journal: { retention: 48h }\n' }));
    expect((await program.fetch('/-/reload', { method: 'POST' })).status).toBe(200);
    await pause(400);
    const after = await program.api<{ alerts: readonly { activeAt: string; state: string }[] }>(
      '/api/v1/alerts',
    );
    expect(after.alerts).toMatchObject([{ activeAt: before.alerts[0]?.activeAt }]);
    await reachesState(program, 'firing');
  });

  it('that changes a route alone pages nobody again', async () => {
    const { folder, config, gauges, page, hook, told } = await bench();
    gauges['trouble'] = 1;
    const program = await started({ folder, args: ['--config', config] });
    await until('the first message', () => told.length === 1);
    folder.write('watchkeeper.yml', configOf({ page, hook, groupBy: 'alertname, job' }));
    expect((await program.fetch('/-/reload', { method: 'POST' })).status).toBe(200);
    // Several group intervals of the changed route.
    await pause(1500);
    expect(told.map(one => one.status)).toEqual(['firing']);
    gauges['trouble'] = 0;
    await until('the end', () => told.some(one => one.status === 'resolved'));
    expect(told.map(one => one.status)).toEqual(['firing', 'resolved']);
  });
});

describe('watchkeeper run --shadow', { timeout: TEST_MS_MAX }, () => {
  it('sends nothing, acts not at all, and journals what it would have done', async () => {
    const more = `recovery:
  playbooks:
    - name: touch
      match: ['alertname="Trouble"']
      steps: [{ name: touch, command: { argv: ['${process.execPath}', '-e', 'require("fs").writeFileSync("acted", "")'] } }]
      verify: { within: 2s, interval: 200ms }
`;
    const { folder, config, gauges, told } = await bench({ more });
    gauges['trouble'] = 1;
    const program = await started({ folder, args: ['--config', config, '--shadow'] });
    expect(program.output()).toContain('nothing is sent and nothing acts');
    const events = await until(
      'both verdicts',
      async () => {
        const all = await timelineOf(program);
        const sent = all.some(event => event.stage === 'notify' && event.verdict === 'would_have');
        const acted = all.some(
          event => event.stage === 'recovery' && event.reason.includes('would have run'),
        );
        return sent && acted ? all : undefined;
      },
      { seen: async () => (await timelineOf(program)).map(event => `${event.stage} ${event.verdict}`) },
    );
    expect(events.every(event => event.effects === 'shadow')).toBe(true);
    await pause(700);
    expect(told).toEqual([]);
    await expect(import('node:fs').then(fs => fs.existsSync(`${folder.path}/acted`))).resolves.toBe(false);
  });
});

describe('watchkeeper check', { timeout: TEST_MS_MAX }, () => {
  const cases: readonly (readonly [name: string, file: string, text: string, code: number, says: RegExp])[] =
    [
      [
        'a typo in prometheus.yml',
        'prometheus.yml',
        'global: { scrape_intervall: 15s }\nscrape_configs: []\n',
        1,
        /prometheus\.yml:1:11: .*"scrape_intervall".*"scrape_interval"/s,
      ],
      [
        'a typo in alertmanager.yml',
        'alertmanager.yml',
        'route:\n  reciever: team\n  receiver: team\nreceivers: [{ name: team }]\n',
        1,
        /alertmanager\.yml:2:3: .*"reciever".*"receiver"/s,
      ],
      [
        'a valid key that is not carried out yet',
        'prometheus.yml',
        'scrape_configs: []\nremote_read: [{ url: "http://127.0.0.1:1/read" }]\n',
        0,
        /warning.*remote_read.*fine, \d+ warning/s,
      ],
      ['a good file', 'prometheus.yml', 'scrape_configs: []\n', 0, /fine\n$/],
      ['a file that is not there', 'nothing.yml', '', 1, /Cannot read ".*nothing\.yml"/],
    ];
  for (const [name, file, text, code, says] of cases) {
    it(`answers for ${name}`, async () => {
      const folder = folderForTest();
      const path = text === '' ? `${folder.path}/${file}` : folder.write(file, text);
      const ended = await runCommand(['check', 'config', path]);
      expect(ended.stdout).toMatch(says);
      expect(ended.code).toBe(code);
    });
  }

  it('is content with the example that is shipped', async () => {
    const ended = await runCommand(['check', 'config', 'examples/cpu-sms/watchkeeper.yml']);
    expect(ended).toMatchObject({ code: 0, stdout: 'examples/cpu-sms/watchkeeper.yml: fine\n' });
  });

  it('names the place of a wrong expression in a rule file', async () => {
    const path = folderForTest().write('bad.rules.yml', rulesOf('1m', 'sum(trouble'));
    const ended = await runCommand(['check', 'rules', path]);
    expect(ended.stdout).toMatch(/bad\.rules\.yml:5:\d+: /);
    expect(ended.code).toBe(1);
  });
});

describe('the other commands', { timeout: TEST_MS_MAX }, () => {
  it('query: an instant, a range, and an expression that does not parse', async () => {
    const { folder, config, gauges } = await bench();
    gauges['trouble'] = 7;
    const program = await started({ folder, args: ['--config', config] });
    await reachesState(program, 'firing');
    const ask = (...args: string[]) => runCommand(['query', ...args, '--url', program.url]);
    const instant = await ask('trouble');
    expect(instant.stdout).toMatch(/^trouble\{instance="127\.0\.0\.1:\d+", job="page"\} => 7 @\[[\d.]+\]\n$/);
    expect(instant.code).toBe(0);
    const nowS = Math.floor(Date.now() / 1000);
    const range = await ask('trouble', '--from', String(nowS - 2), '--to', String(nowS + 1), '--step', '1s');
    expect(range.stdout).toMatch(/^trouble\{.*\} =>\n(7 @\[\d+\]\n)+$/);
    const wrong = await ask('sum(trouble');
    expect(wrong).toMatchObject({ code: 1, stdout: '' });
    expect(wrong.stderr).toContain('query-parse');
    const nobody = await runCommand(['query', '1', '--url', 'http://127.0.0.1:1']);
    expect(nobody.code).toBe(1);
    expect(nobody.stderr).toContain('is Watchkeeper running?');
  });

  it('explain: every stage of an alert by its name, and a name that nobody knows', async () => {
    const { folder, config, gauges, told } = await bench();
    gauges['trouble'] = 1;
    const program = await started({ folder, args: ['--config', config] });
    await until('the message', () => told.length > 0);
    const explained = await until('the journaled delivery', async () => {
      const ended = await runCommand(['explain', 'Trouble', '--url', program.url]);
      return ended.stdout.includes('sent: ') ? ended : undefined;
    });
    expect(explained.code).toBe(0);
    expect(explained.stdout).toContain('Trouble is firing');
    for (const stage of ['rule', 'route', 'group', 'notify'])
      expect(explained.stdout).toMatch(new RegExp(`^ +${stage} .*\\w+: `, 'm'));
    const history = await runCommand(['explain', 'Trouble', '--history', '--json', '--url', program.url]);
    const parsed = JSON.parse(history.stdout) as {
      alert: OwnAlertJson;
      history: readonly TimelineEventJson[];
    };
    expect(parsed.alert.labels['alertname']).toBe('Trouble');
    expect(parsed.history.length).toBeGreaterThanOrEqual(4);
    const unknown = await runCommand(['explain', 'Nothing', '--url', program.url]);
    expect(unknown).toMatchObject({ code: 1, stdout: '' });
    expect(unknown.stderr).toContain('Cannot explain "Nothing"');
  });

  it('runs on prometheus.yml with its scrape_config_files, and external labels of the environment', async () => {
    const folder = folderForTest();
    const page = await openPage(() => ({ trouble: 0 }));
    opened.push(page.close);
    mkdirSync(join(folder.path, 'jobs'));
    folder.write(
      'jobs/more.yml',
      `scrape_configs:\n  - job_name: more\n    static_configs: [{ targets: ['127.0.0.1:${page.port}'] }]\n`,
    );
    folder.write(
      'rules.yml',
      "groups: [{ name: g, rules: [{ alert: Always, expr: vector(1), annotations: { where: '{{ $externalLabels.cluster }}' } }] }]\n",
    );
    const config = `global: { scrape_interval: 200ms, scrape_timeout: 200ms, evaluation_interval: 200ms, external_labels: { cluster: 'eu-\${ZONE}' } }
scrape_config_files: ['jobs/*.yml']
rule_files: [rules.yml]
`;
    const prometheus = folder.write('prometheus.yml', config);
    const program = await started({ folder, args: ['--prometheus', prometheus], env: { ZONE: 'west' } });
    await until('the page of the job in the other file', async () => {
      const data = await program.api<QueryData>('/api/v1/query', { query: 'up{job="more"} == 1' });
      return data.resultType === 'vector' && data.result.length === 1;
    });
    const where = await until('the alert', async () => {
      const { alerts } = await program.api<{
        readonly alerts: readonly { readonly annotations: Readonly<Record<string, string>> }[];
      }>('/api/v1/alerts');
      return alerts[0]?.annotations['where'];
    });
    expect(where).toBe('eu-west');
  });

  const usages: readonly (readonly [args: readonly string[], code: number, says: RegExp])[] = [
    [[], 2, /usage: watchkeeper COMMAND/],
    [['--version'], 0, /^watchkeeper \d+\.\d+\.\d+$/m],
    [['nonsense'], 2, /no command "nonsense"/],
    [['run', '--nonsense'], 2, /--nonsense/],
    [['demo', '--help'], 0, /usage: watchkeeper demo/],
  ];
  for (const [args, code, says] of usages) {
    it(`"watchkeeper ${args.join(' ')}" ends with ${code}`, async () => {
      const ended = await runCommand(args);
      expect(`${ended.stdout}${ended.stderr}`).toMatch(says);
      expect(ended.code).toBe(code);
    });
  }
});

/** fetch() does not let the Host header be set. */
async function statusWithHost(program: Program, host: string): Promise<number | undefined> {
  const { request } = await import('node:http');
  return new Promise((resolve, reject) => {
    const asked = request(
      `${program.url}/api/v1/alerts`,
      { headers: { host }, timeout: 10_000 },
      response => {
        response.resume();
        resolve(response.statusCode);
      },
    );
    asked.on('error', reject);
    asked.end();
  });
}
