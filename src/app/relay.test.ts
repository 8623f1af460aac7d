// From the configuration to an Alertmanager elsewhere: found as targets are, kept over reloads, told in shadow runs only.

import { expect, it } from 'vitest';
import { FakeClock } from '../../test/support/clock.ts';
import { FakeDisk } from '../../test/support/disk.ts';
import { FakeDns } from '../../test/support/dns.ts';
import { FakeHttp } from '../../test/support/http.ts';
import { CollectingLog } from '../../test/support/log.ts';
import { seededRandom } from '../../test/support/random.ts';
import { MemoryState } from '../../test/support/state.ts';
import { type Config, loadConfig } from '../config/index.ts';
import { type Alert, fingerprint, labelsFrom, MetricRegistry } from '../model/index.ts';
import { type JoinedRelay, joinRelay, relaySettingsOf } from './relay.ts';
import { REGISTRIES } from './settings.ts';

const labels = labelsFrom({ alertname: 'High' });
const ALERT: Alert = {
  labels,
  fingerprint: fingerprint(labels),
  annotations: labelsFrom({}),
  state: 'firing',
  activeAtMs: 0,
  firedAtMs: 0,
  reason: '',
  value: 1,
  rule: { file: 'r.yml', group: 'g', name: 'High', labelsKey: '' },
  expr: 'up',
  generatorUrl: '',
};

interface Bench {
  readonly clock: FakeClock;
  readonly http: FakeHttp;
  readonly relay: JoinedRelay;
  write(path: string, text: string): Promise<void>;
  config(text: string): Promise<Config>;
  urls(): readonly string[];
}

function bench(): Bench {
  const clock = new FakeClock();
  const disk = new FakeDisk({ nowMs: () => clock.nowMs() });
  const http = new FakeHttp(clock);
  const dns = new FakeDns();
  dns.set('A', 'am.example', [{ name: '10.0.0.1' }, { name: '10.0.0.2' }]);
  const log = new CollectingLog();
  const state = new MemoryState({ clock });
  const ports = { clock, random: seededRandom(1), disk, http, dns, log };
  const relay = joinRelay(ports, { state, metrics: new MetricRegistry(), effects: 'live' });
  const write = async (path: string, text: string): Promise<void> => {
    await disk.remove(path);
    const file = await disk.open(path, 'create');
    if (!file.ok) throw new Error(file.error.message);
    await file.value.write(new TextEncoder().encode(text));
    await file.value.close();
  };
  return {
    clock,
    http,
    relay,
    write,
    async config(text) {
      await write('/watchkeeper.yml', text);
      const paths = { watchkeeper: '/watchkeeper.yml' };
      const loaded = await loadConfig({ disk, env: {}, paths, registries: REGISTRIES });
      if (loaded.config === undefined) throw new Error(JSON.stringify(loaded.diagnostics));
      return loaded.config;
    },
    urls: () => relay.status().active.map(({ url }) => url),
  };
}

it('they are found by every kind of discovery that finds targets', async () => {
  const b = bench();
  await b.write('/am.json', '[{"targets": ["file:9093"]}]');
  b.http.on('http://sd/', {
    headers: { 'content-type': 'application/json' },
    body: '[{"targets": ["http:9093"], "labels": {"__alerts_path__": "/other"}}]',
  });
  b.relay.load(
    await b.config(`
alerting:
  alertmanagers:
    - static_configs: [{ targets: ['static:9093'] }]
      file_sd_configs: [{ files: [am.json] }]
      http_sd_configs: [{ url: http://sd/ }]
    - dns_sd_configs: [{ names: [am.example], type: A, port: 9093 }]
      scheme: https
`),
    'v1',
  );
  // What stands in the configuration is known at once.
  expect(b.urls()).toEqual(['http://static:9093/api/v2/alerts']);
  await b.clock.advance(10_000);
  expect(b.urls()).toEqual([
    'http://static:9093/api/v2/alerts',
    'http://file:9093/api/v2/alerts',
    'http://http:9093/other',
    'https://10.0.0.1:9093/api/v2/alerts',
    'https://10.0.0.2:9093/api/v2/alerts',
  ]);
  await b.write('/am.json', '[]');
  await b.clock.advance(10 * 60_000);
  expect(b.urls()).not.toContain('http://file:9093/api/v2/alerts');
  await b.relay.stop(0);
});

it('a reload keeps what waits where nothing changed, and no request goes to one that was taken out', async () => {
  const b = bench();
  const text = (more: string): string =>
    `alerting: { alertmanagers: [{ static_configs: [{ targets: ['a:9093'] }] }${more}] }\n`;
  b.relay.load(await b.config(text(", { static_configs: [{ targets: ['b:9093'] }] }")), 'v1');
  b.relay.alerts({ atMs: b.clock.nowMs(), alerts: [ALERT], validUntilMs: b.clock.nowMs() + 240_000 });
  await b.clock.advance(0);
  expect(b.http.requests.map(({ url }) => url)).toEqual([
    'http://a:9093/api/v2/alerts',
    'http://b:9093/api/v2/alerts',
  ]);
  b.relay.load(await b.config(text('')), 'v2');
  await b.clock.advance(0);
  // The one that was taken out got its last chance.
  const before = b.http.requests.length;
  expect(b.relay.status().active).toMatchObject([{ waiting: 1 }]);
  b.http.on('http://a:9093/', { status: 200 });
  await b.clock.advance(60_000);
  expect(b.http.requests.slice(before).map(({ url }) => url)).toEqual(['http://a:9093/api/v2/alerts']);
  expect(b.relay.status().active).toMatchObject([{ waiting: 0, lastError: '' }]);
});

it('relay.enabled turns them off, whatever the section says', async () => {
  const b = bench();
  const text = (enabled: boolean): string =>
    `relay: { enabled: ${enabled} }\nalerting: { alertmanagers: [{ static_configs: [{ targets: ['a:9093'] }] }] }\n`;
  b.relay.load(await b.config(text(false)), 'v1');
  b.relay.alerts({ atMs: b.clock.nowMs(), alerts: [ALERT], validUntilMs: b.clock.nowMs() + 240_000 });
  await b.clock.advance(60_000);
  expect(b.urls()).toEqual([]);
  expect(b.http.requests).toEqual([]);
  b.relay.load(await b.config(text(true)), 'v2');
  expect(b.urls()).toEqual(['http://a:9093/api/v2/alerts']);
  await b.relay.stop(0);
});

it('two sets that are alike are told apart', async () => {
  const one = "{ static_configs: [{ targets: ['a:9093'] }] }";
  const config = await bench().config(`alerting: { alertmanagers: [${one}, ${one}] }\n`);
  const keys = relaySettingsOf(config, 'v1').sets.map(({ key }) => key);
  expect(new Set(keys).size).toBe(2);
});
