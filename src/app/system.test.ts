// The joined system over fakes of all ports: starting, reloading, listening. The simulation covers its promises, the
// end-to-end tests the real process.

import { describe, expect, it } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import { serve } from './serve.ts';
import type { System } from './system.ts';
import { bench, configText, FOLDER, rulesText } from './testdata/bench.ts';
import { VERSION } from './version.ts';

const ruleNames = (system: System): readonly string[] =>
  system.rules
    .status()
    .flatMap(group => group.rules.map(({ rule }) => (rule.kind === 'alerting' ? rule.alert : rule.record)));

describe('the version', () => {
  it('is that of the package', () => {
    expect(VERSION).toBe(packageJson.version);
  });
});

describe('a start', () => {
  it.each([
    ['a configuration with an error', 'watchkeeper.yml', 'rule_filez: []\n', 'watchkeeper.yml:1:1'],
    [
      'a rule file with an error',
      'test.rules.yml',
      rulesText().replace('trouble > 0', 'sum(trouble'),
      'test.rules.yml:6:',
    ],
  ])('is refused for %s, with the place', async (_, name, text, place) => {
    const b = await bench();
    await b.write(name, text);
    await expect(b.start()).rejects.toThrow(place);
  });
});

describe('a reload', () => {
  it.each([
    ['an unknown key', 'watchkeeper.yml', 'rule_filez: []\n', 'rule_filez'],
    ['no YAML', 'watchkeeper.yml', 'a: [\n', 'watchkeeper.yml:'],
    [
      'a bad expression',
      'test.rules.yml',
      rulesText('Other').replace('trouble > 0', '1 +'),
      'test.rules.yml:',
    ],
    [
      'a receiver that is not there',
      'watchkeeper.yml',
      configText().replace('- name: hook', '- name: other'),
      'hook',
    ],
  ])('with %s leaves everything as it was', async (_, name, text, says) => {
    const b = await bench();
    const system = await b.start();
    const before = system.configVersion();
    await b.write(name, text);
    const outcome = await system.reload();
    expect(outcome.ok).toBe(false);
    expect(outcome.problems.join('\n')).toContain(says);
    expect(system.configVersion()).toBe(before);
    expect(ruleNames(system)).toEqual(['Trouble']);
    expect(system.config().receivers.map(receiver => receiver.name)).toEqual(['hook']);
    expect(system.lastReload()).toMatchObject({ ok: false, problems: outcome.problems });
  });

  it('with a good file takes it, and says what only a restart can change', async () => {
    const b = await bench();
    const system = await b.start();
    await b.write('test.rules.yml', rulesText('Other'));
    await b.write('watchkeeper.yml', configText({ more: 'storage: { retention: 2d }\n' }));
    const outcome = await system.reload();
    expect(outcome).toEqual({ ok: true, problems: ['"storage" changed: it takes effect at the next start'] });
    expect(ruleNames(system)).toEqual(['Other']);
    expect(system.lastReload().ok).toBe(true);
  });

  it('says of what belongs to the socket and the paths that it waits, each time', async () => {
    const served = (web: string): string => configText({ more: `web: ${web}\n` });
    const b = await bench();
    await b.write('watchkeeper.yml', served('{ route_prefix: /a }'));
    const system = await b.start();
    await b.write('watchkeeper.yml', served('{ route_prefix: /b }'));
    expect(await system.reload()).toEqual({
      ok: true,
      problems: ['"web" changed: it takes effect at the next start'],
    });
    // It waits for the next start, so the next reload says it again.
    expect((await system.reload()).problems).toEqual(['"web" changed: it takes effect at the next start']);
  });

  it('changes who may ask, or says why not and changes nothing', async () => {
    const token = (value: string): string =>
      configText({ more: `web: { tokens: [{ name: grafana, token: ${value} }] }\n` });
    const b = await bench();
    await b.write('watchkeeper.yml', token('0123456789abcdef0123'));
    const system = await b.start();
    const listening = await serve(b.ports, system, { host: '0.0.0.0', port: 0 });
    if (!listening.ok) throw new Error(listening.error);
    const statusWith = async (value: string): Promise<number | undefined> =>
      (
        await b.server.call({
          method: 'GET',
          url: `http://0.0.0.0:${listening.value.port}/api/v1/status/buildinfo`,
          headers: { authorization: `Bearer ${value}` },
        })
      )?.status;
    expect([await statusWith('0123456789abcdef0123'), await statusWith('fedcba98765432100123')]).toEqual([
      200, 401,
    ]);
    await b.write('watchkeeper.yml', token('fedcba98765432100123'));
    expect(await system.reload()).toEqual({ ok: true, problems: [] });
    expect([await statusWith('0123456789abcdef0123'), await statusWith('fedcba98765432100123')]).toEqual([
      401, 200,
    ]);
    // It listens beyond loopback, whatever the file says of the address.
    await b.write('watchkeeper.yml', configText());
    expect(await system.reload()).toMatchObject({
      ok: false,
      problems: [expect.stringContaining('credentials are needed')],
    });
    expect(await statusWith('fedcba98765432100123')).toBe(200);
    expect(system.lastReload().ok).toBe(false);
  });

  it('keeps how long an alert has been waiting, also when another rule comes before it', async () => {
    const b = await bench();
    const system = await b.start();
    await b.clock.advance(8000);
    const [before] = system.rules.alerts();
    expect(before?.state).toBe('pending');
    await b.write(
      'test.rules.yml',
      rulesText().replace('rules:', 'rules:\n      - { record: two, expr: 1 + 1 }'),
    );
    expect((await system.reload()).ok).toBe(true);
    await b.clock.advance(1000);
    expect(system.rules.alerts()).toMatchObject([{ state: 'pending', activeAtMs: before?.activeAtMs }]);
    await b.clock.advance(8000);
    expect(system.rules.alerts()).toMatchObject([{ state: 'firing' }]);
  });
});

describe('serving', () => {
  it('is refused beyond loopback without credentials', async () => {
    const b = await bench();
    const system = await b.start();
    const refused = await serve(b.ports, system, { host: '0.0.0.0', port: 0 });
    expect(!refused.ok && refused.error).toContain('set web.users or web.tokens, or listen on 127.0.0.1');
  });

  it('answers with what the stages know', async () => {
    const b = await bench();
    const system = await b.start();
    await b.clock.advance(15_000);
    const listening = await serve(b.ports, system, { host: '127.0.0.1', port: 0 });
    if (!listening.ok) throw new Error(listening.error);
    const url = `http://127.0.0.1:${listening.value.port}`;
    const ask = async (path: string): Promise<string> =>
      String((await b.server.call({ method: 'GET', url: `${url}${path}` }))?.body);
    expect(JSON.parse(await ask('/api/v1/alerts'))).toMatchObject({
      data: { alerts: [{ state: 'firing' }] },
    });
    const targets = JSON.parse(await ask('/api/v1/targets')) as {
      data: { activeTargets: { scrapePool: string; health: string }[] };
    };
    expect(targets.data.activeTargets.map(target => `${target.scrapePool} ${target.health}`).sort()).toEqual([
      'page up',
      'watchkeeper up',
    ]);
    expect(JSON.parse(await ask('/api/watchkeeper/v1/status'))).toMatchObject({
      data: { version: VERSION, effects: 'live', configVersion: system.configVersion() },
    });
    expect(await ask('/metrics')).toContain(
      `watchkeeper_build_info{nodeversion="v20",version="${VERSION}"} 1`,
    );
    expect(await ask('/metrics/host')).toBe('');
    const data = async (path: string): Promise<unknown> =>
      (JSON.parse(await ask(`/api/v1/${path}`)) as { readonly data: unknown }).data;
    expect(await data('status/config')).toMatchObject({ yaml: expect.stringContaining('job_name: page') });
    expect(String(JSON.stringify(await data('status/config')))).toContain('url: <secret>');
    expect(await data('status/flags')).toMatchObject({
      'log-level': 'info',
      'config.file': `${FOLDER}/watchkeeper.yml`,
      'query.lookback-delta': '5m',
      'query.timeout': '2m',
      'alertmanager.notification-queue-capacity': '10000',
      'rules.alert.resend-delay': '1m',
      'storage.tsdb.retention.time': '15d',
      'web.enable-admin-api': 'false',
      'web.external-url': 'http://here:9390',
      'web.listen-address': '127.0.0.1:0',
      'web.route-prefix': '/',
    });
    // A new store has read no log.
    expect(await data('status/walreplay')).toEqual({ min: 0, max: 0, current: 0 });
    expect(await data('status/tsdb/blocks')).toEqual({ blocks: [] });
    expect(await data('status/self_metrics?metric_name_pattern=watchkeeper_ready')).toMatchObject([
      { type: 'GAUGE', metric: [{ gauge: { value: 1 } }] },
    ]);
    expect(await data('targets/relabel_steps?scrapePool=page&labels={}')).toEqual({ steps: [] });
    expect(await data('targets/relabel_steps?scrapePool=watchkeeper&labels={}')).toEqual({ steps: [] });
    expect(await data('targets/metadata?metric=trouble')).toMatchObject([
      { target: { job: 'page' }, type: 'gauge', help: 'How bad.' },
    ]);
    expect(
      await data('targets/metadata?match_target={job="watchkeeper"}&metric=watchkeeper_ready'),
    ).toMatchObject([{ type: 'gauge' }]);
    expect(b.http.requests.some(request => request.url === 'http://127.0.0.1:9200/')).toBe(true);
  });

  it('answers by the name in the external URL, below its path', async () => {
    const b = await bench();
    await b.write(
      'watchkeeper.yml',
      configText({ more: 'web: { external_url: "https://ops.example.org/watch/", cors_origin: ".*" }\n' }),
    );
    const system = await b.start();
    const listening = await serve(b.ports, system, { host: '127.0.0.1', port: 0 });
    if (!listening.ok) throw new Error(listening.error);
    const ask = (path: string, headers: Record<string, string>) =>
      b.server.call({ method: 'GET', url: `http://127.0.0.1:${listening.value.port}${path}`, headers });
    const own = { host: 'ops.example.org' };
    expect((await ask('/watch/api/v1/alerts', own))?.status).toBe(200);
    expect((await ask('/api/v1/alerts', own))?.status).toBe(404);
    expect((await ask('/watch/api/v1/alerts', { host: 'evil.example.org' }))?.status).toBe(403);
    const shared = await ask('/watch/api/v1/alerts', { ...own, origin: 'https://any.example' });
    expect(shared?.headers['access-control-allow-origin']).toBe('https://any.example');
    expect(system.rules.alerts()).toEqual([]);
  });
});
