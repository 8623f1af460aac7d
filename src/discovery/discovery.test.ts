// Discovery over time: files that come, change and go, endpoints that answer or not, and reloads in between.

import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../test/support/clock.ts';
import { FakeDisk } from '../../test/support/disk.ts';
import { FakeDns } from '../../test/support/dns.ts';
import { FakeHttp } from '../../test/support/http.ts';
import { CollectingLog } from '../../test/support/log.ts';
import { createDiscovery, type Discovery, discoveryKinds } from './index.ts';

const FOLDER = '/etc/targets';
const URL = 'http://sd.example.org/targets';

interface Kit {
  readonly clock: FakeClock;
  readonly disk: FakeDisk;
  readonly http: FakeHttp;
  readonly dns: FakeDns;
  readonly log: CollectingLog;
  readonly discovery: Discovery;
  readonly changes: number[];
  load(entries: Readonly<Record<string, { readonly kind: string; readonly settings: unknown }>>): void;
  write(name: string, text: string): Promise<void>;
  /** "address meta" of all targets of the job, sorted. */
  targets(): readonly string[];
}

async function kit(): Promise<Kit> {
  const clock = new FakeClock();
  const disk = new FakeDisk({ nowMs: () => clock.nowMs() });
  const mount = disk.mount();
  const http = new FakeHttp(clock);
  const dns = new FakeDns();
  const log = new CollectingLog();
  const changes: number[] = [];
  await mount.makeFolder(FOLDER);
  const startMs = clock.monotonicMs();
  const discovery = createDiscovery(
    { clock, disk: mount, http, dns, log },
    { kinds: discoveryKinds, onChange: () => changes.push((clock.monotonicMs() - startMs) / 1000) },
  );
  return {
    clock,
    disk,
    http,
    dns,
    log,
    discovery,
    changes,
    load: entries =>
      discovery.load(Object.entries(entries).map(([key, entry]) => ({ key, job: 'node', ...entry }))),
    async write(name, text) {
      await mount.remove(`${FOLDER}/${name}`);
      const file = await mount.open(`${FOLDER}/${name}`, 'create');
      if (!file.ok) throw new Error(file.error.message);
      await file.value.write(new TextEncoder().encode(text), 0);
      await file.value.close();
    },
    targets: () =>
      discovery
        .groups('node')
        .flatMap(group =>
          group.targets.map(target => `${target['__address__']} ${JSON.stringify(group.labels)}`),
        )
        .sort(),
  };
}

const FILES = { kind: 'file_sd_configs', settings: { files: [`${FOLDER}/*.yml`, `${FOLDER}/*.json`] } };
const ENDPOINT = { kind: 'http_sd_configs', settings: { url: URL } };
const of = (name: string, more = ''): string => `{${more}"__meta_filepath":"${FOLDER}/${name}"}`;

describe('file_sd_configs', () => {
  it('takes files as they come, change and go', async () => {
    const k = await kit();
    await k.write('a.yml', '- targets: [one:1, two:2]\n  labels: { env: test }\n');
    k.load({ files: FILES });
    await k.clock.advance(1000);
    const one = [`one:1 ${of('a.yml', '"env":"test",')}`, `two:2 ${of('a.yml', '"env":"test",')}`];
    expect(k.targets()).toEqual(one);
    await k.write('b.json', '[\n\t{"targets": ["three:3"]}\n]');
    await k.clock.advance(10_000);
    expect(k.targets()).toEqual([...one.slice(0, 1), `three:3 ${of('b.json')}`, ...one.slice(1)]);
    await k.write('a.yml', '[]\n');
    await k.clock.advance(10_000);
    expect(k.targets()).toEqual([`three:3 ${of('b.json')}`]);
    await k.disk.mount().remove(`${FOLDER}/b.json`);
    await k.clock.advance(10_000);
    expect(k.targets()).toEqual([]);
    expect(k.changes.length).toBe(4);
    k.discovery.stop();
  });

  it('keeps the last groups of a file that is bad, and says so once', async () => {
    const k = await kit();
    await k.write('a.yml', '- targets: [one:1]\n');
    k.load({ files: FILES });
    await k.clock.advance(1000);
    await k.write('a.yml', '- targets: [one:1]\n  lables: {}\n');
    await k.clock.advance(60_000);
    expect(k.targets()).toEqual([`one:1 ${of('a.yml')}`]);
    const said = k.log.lines.filter(line => line.level === 'error');
    expect(said.length).toBe(1);
    expect(JSON.stringify(said[0])).toMatch(/a\.yml:2:3: .*lables.*labels/);
    await k.write('a.yml', '- targets: [two:2]\n');
    await k.clock.advance(10_000);
    expect(k.targets()).toEqual([`two:2 ${of('a.yml')}`]);
    k.discovery.stop();
  });

  it('does not call targets gone when the folder cannot be listed', async () => {
    const k = await kit();
    await k.write('a.yml', '- targets: [one:1]\n');
    k.load({ files: FILES });
    await k.clock.advance(1000);
    for (let call = 1; call < 8; call++) {
      k.disk.failAt(call);
      await k.clock.advance(5000);
      expect(k.targets(), `call ${call} fails`).toEqual([`one:1 ${of('a.yml')}`]);
    }
    k.discovery.stop();
  });
});

describe('http_sd_configs', () => {
  const json = (value: unknown, status = 200, type = 'application/json') => ({
    status,
    headers: { 'content-type': type },
    body: JSON.stringify(value),
  });

  it('takes what the endpoint says, and keeps it while the endpoint fails', async () => {
    const k = await kit();
    let answer = json([{ targets: ['one:1'], labels: { env: 'x' } }]);
    const asked: string[] = [];
    k.http.on('http://sd.example.org/', request => {
      asked.push(request.headers['x-prometheus-refresh-interval-seconds'] ?? '');
      return answer;
    });
    k.load({ web: { ...ENDPOINT, settings: { url: URL, refresh_interval: 30_000 } } });
    await k.clock.advance(1000);
    const one = [`one:1 {"env":"x","__meta_url":"${URL}"}`];
    expect(k.targets()).toEqual(one);
    const bad = [json([], 500), json([], 200, 'text/html'), json({ no: 'list' }), json([null])];
    for (const one of bad) {
      answer = one;
      await k.clock.advance(30_000);
    }
    expect(k.targets()).toEqual(one);
    expect(k.log.lines.filter(line => line.level === 'error').length).toBe(bad.length);
    answer = json([]);
    await k.clock.advance(30_000);
    expect(k.targets()).toEqual([]);
    expect(asked.every(one => one === '30')).toBe(true);
    expect(k.changes.length).toBe(2);
    k.discovery.stop();
    const before = asked.length;
    await k.clock.advance(120_000);
    expect(asked.length).toBe(before);
  });
});

describe('all of them together', () => {
  it('pass changes on every five seconds at most', async () => {
    const k = await kit();
    k.load({ files: FILES });
    await k.clock.advance(60_000);
    for (let i = 0; i < 60; i++) {
      await k.write('a.yml', `- targets: [one:${i}]\n`);
      await k.clock.advance(1000);
    }
    for (let i = 1; i < k.changes.length; i++) {
      expect((k.changes[i] as number) - (k.changes[i - 1] as number)).toBeGreaterThanOrEqual(5);
    }
    expect(k.changes.length).toBeGreaterThan(10);
    k.discovery.stop();
  });

  it('run on over a reload that did not touch them, and stop when they are gone', async () => {
    const k = await kit();
    await k.write('a.yml', '- targets: [one:1]\n');
    const fixed = { kind: 'static_configs', settings: { targets: ['fixed:1'], labels: [] } };
    k.load({ files: FILES, fixed });
    expect(k.targets()).toEqual(['fixed:1 {}']);
    await k.clock.advance(1000);
    k.load({ files: FILES });
    expect(k.targets()).toEqual([`one:1 ${of('a.yml')}`]);
    k.load({ fixed });
    expect(k.targets()).toEqual(['fixed:1 {}']);
    await k.write('a.yml', '- targets: [two:2]\n');
    const before = k.changes.length;
    await k.clock.advance(60_000);
    expect(k.changes.length).toBe(before);
    k.discovery.stop();
  });
});

describe('dns_sd_configs', () => {
  const dnsEntry = (settings: unknown) => ({ a: { kind: 'dns_sd_configs', settings } });
  const found = (discovery: Discovery): unknown => discovery.groups('node').flatMap(group => group.targets);

  it('finds what SRV records name, again and again', async () => {
    const { clock, dns, discovery, load, changes } = await kit();
    dns.set('SRV', '_web._tcp.example.org', [
      { name: 'b.example.org', port: 81 },
      { name: 'a.example.org', port: 80 },
    ]);
    load(dnsEntry({ names: ['_web._tcp.example.org'] }));
    await clock.advance(1000);
    const target = (host: string, port: number) => ({
      __address__: `${host}:${port}`,
      __meta_dns_name: '_web._tcp.example.org',
      __meta_dns_srv_record_target: `${host}.`,
      __meta_dns_srv_record_port: String(port),
    });
    expect(found(discovery)).toEqual([target('a.example.org', 80), target('b.example.org', 81)]);
    // The same ones in another order are no news.
    dns.set('SRV', '_web._tcp.example.org', [
      { name: 'a.example.org', port: 80 },
      { name: 'b.example.org', port: 81 },
    ]);
    const before = changes.length;
    await clock.advance(30_000);
    expect(changes).toHaveLength(before);
    dns.set('SRV', '_web._tcp.example.org', [{ name: 'a.example.org', port: 82 }]);
    await clock.advance(30_000);
    expect(found(discovery)).toEqual([target('a.example.org', 82)]);
    discovery.stop();
    const { asked } = dns;
    await clock.advance(120_000);
    expect(dns.asked).toBe(asked);
  });

  it.each([
    ['A', '10.0.0.1', { __address__: '10.0.0.1:9100' }],
    ['aaaa', 'fd00::1', { __address__: '[fd00::1]:9100' }],
    [
      'MX',
      'mail.example.org',
      { __address__: 'mail.example.org:9100', __meta_dns_mx_record_target: 'mail.example.org.' },
    ],
    [
      'NS',
      'ns1.example.org.',
      { __address__: 'ns1.example.org:9100', __meta_dns_ns_record_target: 'ns1.example.org.' },
    ],
  ] as const)('gives %s records the port of the settings', async (type, name, labels) => {
    const { clock, dns, discovery, load } = await kit();
    dns.set(type.toUpperCase() as 'A', 'x.example.org', [{ name }]);
    load(dnsEntry({ names: ['x.example.org'], type, port: 9100 }));
    await clock.advance(1000);
    expect(found(discovery)).toEqual([{ ...labels, __meta_dns_name: 'x.example.org' }]);
    discovery.stop();
  });

  it('keeps the targets of a name that cannot be looked up, says so once, and ends those of one that is gone', async () => {
    const { clock, dns, discovery, load, log } = await kit();
    for (const name of ['a', 'b']) dns.set('A', name, [{ name: '10.0.0.1' }]);
    load(dnsEntry({ names: ['a', 'b'], type: 'A', port: 1, refresh_interval: 10_000 }));
    await clock.advance(1000);
    dns.set('A', 'a', 'broken');
    dns.set('A', 'b', []);
    await clock.advance(40_000);
    expect(found(discovery)).toEqual([{ __address__: '10.0.0.1:1', __meta_dns_name: 'a' }]);
    expect(log.messages('error')).toHaveLength(1);
    discovery.stop();
  });
});
