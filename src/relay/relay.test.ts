// The relay over fake HTTP and a fake clock: what Alertmanagers get, when, in which order, and what happens when one is away.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../test/support/clock.ts';
import { type FakeAnswer, FakeHttp } from '../../test/support/http.ts';
import { CollectingLog } from '../../test/support/log.ts';
import { seededRandom } from '../../test/support/random.ts';
import { MemoryState } from '../../test/support/state.ts';
import { RELABEL_DEFAULTS } from '../exposition/index.ts';
import { type Alert, fingerprint, labelsFrom, MetricRegistry } from '../model/index.ts';
import { createRelay, type Relay, type RelaySet, type RelaySettings } from './index.ts';
import { relayMetrics } from './metrics.ts';

const A = 'http://a:9093/api/v2/alerts';
const B = 'http://b:9093/api/v2/alerts';
const T0 = Date.UTC(2026, 0, 1);

const SET: RelaySet = {
  key: 'one',
  scheme: 'http',
  pathPrefix: '',
  timeoutMs: 10_000,
  request: { headers: { authorization: 'Bearer abc' }, followRedirects: true },
  relabel: [],
  alertRelabel: [],
};
const SETTINGS: RelaySettings = {
  sets: [SET],
  externalLabels: labelsFrom({ cluster: 'c1', host: 'external' }),
  alertRelabel: [],
  resendDelayMs: 60_000,
  queueMax: 100,
  batchMax: 10,
  configVersion: 'v1',
};

interface Posted {
  readonly labels: Record<string, string>;
  readonly annotations: Record<string, string>;
  readonly startsAt: string;
  readonly endsAt: string;
  readonly generatorURL: string;
}

interface World {
  readonly clock: FakeClock;
  readonly http: FakeHttp;
  readonly state: MemoryState;
  readonly relay: Relay;
  readonly log: CollectingLog;
  /** What one address was sent, request by request, taken or not. */
  posted(url: string): readonly (readonly Posted[])[];
  names(url: string): readonly (readonly string[])[];
  metric(name: string, url?: string): number | undefined;
  /** An evaluation now. */
  evaluate(...alerts: readonly Alert[]): Promise<void>;
  journal(): Promise<readonly string[]>;
}

function world(settings: Partial<RelaySettings> = {}, effects: 'live' | 'shadow' = 'live'): World {
  const clock = new FakeClock(T0);
  const http = new FakeHttp(clock).on(A, { status: 200 }).on(B, { status: 200 });
  const state = new MemoryState();
  const log = new CollectingLog();
  const registry = new MetricRegistry();
  const random = seededRandom(7);
  const relay = createRelay({ clock, random, http, log, state, metrics: registry, effects });
  relay.load({ ...SETTINGS, ...settings });
  relay.setGroups('one', [{ targets: [{ __address__: 'a:9093' }], labels: {} }]);
  const posted = (url: string) =>
    http.requests
      .filter(request => request.url === url)
      .map(request => JSON.parse(new TextDecoder().decode(request.body)) as readonly Posted[]);
  return {
    clock,
    http,
    state,
    relay,
    log,
    posted,
    names: url =>
      posted(url).map(batch =>
        batch.map(one => {
          const ended = Date.parse(one.endsAt) <= clock.nowMs();
          return `${one.labels['alertname']}${ended ? ' resolved' : ''}`;
        }),
      ),
    metric: (name, url) => {
      const family = registry.families().find(one => one.name === `watchkeeper_alertmanager${name}`);
      const sample = family?.samples.find(
        ({ labels }) => url === undefined || labels.some(text => text === url),
      );
      return sample?.value;
    },
    async evaluate(...alerts) {
      const atMs = clock.nowMs();
      relay.alerts({ atMs, alerts, validUntilMs: atMs + 240_000 });
      await clock.advance(0);
    },
    async journal() {
      const read = await state.journal({ limit: 100, newestFirst: false });
      return read.ok ? read.value.map(event => `${event.verdict}: ${event.reason}`) : [];
    },
  };
}

function alert(name: string, from: Partial<Alert> = {}): Alert {
  const labels = labelsFrom({ alertname: name, host: 'h' });
  return {
    labels,
    fingerprint: fingerprint(labels),
    annotations: labelsFrom({ summary: 'much' }),
    state: 'firing',
    activeAtMs: T0 - 60_000,
    firedAtMs: T0,
    reason: 'the condition holds',
    value: 1,
    rule: { file: 'r.yml', group: 'g', name, labelsKey: '' },
    expr: 'up == 0',
    generatorUrl: 'http://localhost:9390/graph?g0.expr=up+%3D%3D+0&g0.tab=1',
    ...from,
  };
}

const resolved = (name: string, atMs: number): Alert =>
  alert(name, { state: 'resolved', resolvedAtMs: atMs });

describe('an alert on its way', () => {
  it('has the shape of API v2, external labels where it has none of the name, and the credentials', async () => {
    const w = world();
    await w.evaluate(alert('High'), alert('Waiting', { state: 'pending' }));
    expect(w.posted(A)).toEqual([
      [
        {
          labels: { alertname: 'High', cluster: 'c1', host: 'h' },
          annotations: { summary: 'much' },
          startsAt: '2026-01-01T00:00:00.000Z',
          endsAt: '2026-01-01T00:04:00.000Z',
          generatorURL: 'http://localhost:9390/graph?g0.expr=up+%3D%3D+0&g0.tab=1',
        },
      ],
    ]);
    const { method, headers, timeoutMs } = w.http.requests[0] ?? {};
    expect({ method, timeoutMs }).toEqual({ method: 'POST', timeoutMs: 10_000 });
    expect(headers).toMatchObject({ 'content-type': 'application/json', authorization: 'Bearer abc' });
  });

  it('says why its data is missing, and fires on', async () => {
    const w = world();
    await w.evaluate(alert('High', { state: 'unknown', reason: 'target silent' }));
    expect(w.posted(A)[0]?.[0]).toMatchObject({
      annotations: { summary: 'much', watchkeeper_unknown: 'target silent' },
      endsAt: '2026-01-01T00:04:00.000Z',
    });
  });

  it('is relabelled for all with its external labels, and then for one set', async () => {
    const rule = { ...RELABEL_DEFAULTS, regex: '.*' };
    const w = world({
      alertRelabel: [{ ...rule, action: 'labeldrop', regex: 'cluster' }],
      sets: [
        SET,
        {
          ...SET,
          key: 'two',
          alertRelabel: [{ ...rule, action: 'drop', sourceLabels: ['alertname'], regex: 'Low' }],
        },
      ],
    });
    w.relay.setGroups('two', [{ targets: [{ __address__: 'b:9093' }], labels: {} }]);
    await w.evaluate(alert('High'), alert('Low'));
    expect(w.names(A)).toEqual([['High', 'Low']]);
    expect(w.names(B)).toEqual([['High']]);
    expect(w.posted(A)[0]?.[0]?.labels).toEqual({ alertname: 'High', host: 'h' });
  });
});

describe('resending', () => {
  it('waits for more than the delay, as Prometheus does', async () => {
    const w = world();
    const times: number[] = [];
    for (let i = 0; i < 8; i++) {
      const before = w.http.requests.length;
      await w.evaluate(alert('High'));
      if (w.http.requests.length > before) times.push(w.clock.nowMs() - T0);
      await w.clock.advance(30_000);
    }
    expect(times).toEqual([0, 90_000, 180_000]);
  });

  it('tells an end and a new beginning at once', async () => {
    const w = world();
    await w.evaluate(alert('High'));
    await w.clock.advance(15_000);
    const endMs = w.clock.nowMs();
    await w.evaluate(resolved('High', endMs));
    await w.clock.advance(15_000);
    await w.evaluate(resolved('High', endMs));
    await w.clock.advance(15_000);
    await w.evaluate(alert('High', { firedAtMs: w.clock.nowMs() }));
    expect(w.names(A)).toEqual([['High'], ['High resolved'], ['High']]);
    expect(w.posted(A)[1]?.[0]).toMatchObject({
      startsAt: '2026-01-01T00:00:00.000Z',
      endsAt: '2026-01-01T00:00:15.000Z',
    });
    expect(w.posted(A)[2]?.[0]?.startsAt).toBe('2026-01-01T00:00:45.000Z');
  });

  it('begins anew with an Alertmanager that is found later, and when the clock was set back', async () => {
    const w = world();
    await w.evaluate(alert('High'));
    w.relay.setGroups('one', [
      { targets: [{ __address__: 'a:9093' }, { __address__: 'b:9093' }], labels: {} },
    ]);
    await w.clock.advance(15_000);
    await w.evaluate(alert('High'));
    expect(w.names(B)).toEqual([['High']]);
    w.clock.jump(-3_600_000);
    await w.evaluate(alert('High'));
    expect(w.names(B)).toHaveLength(2);
  });
});

describe('an Alertmanager that is away', () => {
  it('gets what it missed in order, each state of an alert once and with its newest end', async () => {
    const w = world();
    let answer: FakeAnswer = { error: 'http-refused' };
    w.http.on(A, () => answer);
    await w.evaluate(alert('One'), alert('Two'));
    for (let i = 0; i < 20; i++) {
      await w.clock.advance(30_000);
      await w.evaluate(alert('One'), i < 6 ? alert('Two') : resolved('Two', T0 + 210_000));
    }
    const tries = w.http.requests.length;
    // Backoff of at most 30 s, spread by half.
    expect(tries).toBeGreaterThan(12);
    expect(tries).toBeLessThan(50);
    answer = { status: 200 };
    await w.clock.advance(60_000);
    const last = w.posted(A).at(-1) ?? [];
    expect(last.map(one => [one.labels['alertname'], one.endsAt])).toEqual([
      // Due last at the evaluation at 9:00.
      ['One', '2026-01-01T00:13:00.000Z'],
      ['Two', '2026-01-01T00:03:30.000Z'],
    ]);
    expect(w.metric('_sent_total', A)).toBe(2);
    expect(w.metric('_queue_length', A)).toBe(0);
    // The firing word on the second one was out of date by then.
    expect(w.metric('_dropped_total', A)).toBe(1);
    expect((await w.journal()).map(line => line.split(':')[0])).toEqual(['failed', 'failed', 'sent']);
  });

  it('keeps nobody else waiting', async () => {
    const w = world();
    w.relay.setGroups('one', [
      { targets: [{ __address__: 'a:9093' }, { __address__: 'b:9093' }], labels: {} },
    ]);
    w.http.on(A, { status: 503, latencyMs: 9000 });
    await w.evaluate(alert('High'));
    expect(w.names(B)).toEqual([['High']]);
    await w.clock.advance(9000);
    expect(w.metric('_errors_total', A)).toBe(1);
    expect(w.metric('_errors_total', B)).toBe(0);
  });

  it('is asked again when it said, and no sooner', async () => {
    const w = world();
    let answer: FakeAnswer = { status: 429, headers: { 'retry-after': '20' } };
    w.http.on(A, () => answer);
    await w.evaluate(alert('High'));
    answer = { status: 200 };
    await w.clock.advance(19_000);
    expect(w.http.requests).toHaveLength(1);
    await w.clock.advance(1000);
    expect(w.metric('_sent_total', A)).toBe(1);
  });

  it('loses the oldest when too many wait, which is counted', async () => {
    const w = world({ queueMax: 3, batchMax: 2 });
    w.http.on(A, { error: 'http-timeout' });
    await w.evaluate(...['1', '2', '3', '4', '5'].map(name => alert(name)));
    expect(w.metric('_dropped_total', A)).toBe(2);
    w.http.on(A, { status: 200 });
    await w.clock.advance(5000);
    expect(w.names(A)).toEqual([['3', '4'], ['3', '4'], ['5']]);
    expect(w.metric('_queue_capacity')).toBe(3);
  });

  it('that refuses is not asked the same again', async () => {
    const w = world();
    w.http.on(A, { status: 400, body: '{"code":601,"message":"bad"}' });
    await w.evaluate(alert('High'));
    await w.clock.advance(30_000);
    expect(w.http.requests).toHaveLength(1);
    expect(w.metric('_dropped_total', A)).toBe(1);
    expect(await w.journal()).toEqual([
      'dropped: given up: status 400: {"code":601,"message":"bad"} (1 firing, 0 resolved, first {alertname="High", cluster="c1", host="h"})',
    ]);
  });
});

describe('discovery', () => {
  it('makes URLs of what it finds, drops what relabelling drops, and passes over what is no address', async () => {
    const rule = { ...RELABEL_DEFAULTS, regex: 'no:1' };
    const w = world({
      sets: [
        {
          ...SET,
          scheme: 'https',
          pathPrefix: 'prefix/',
          relabel: [{ ...rule, action: 'drop', sourceLabels: ['__address__'] }],
        },
      ],
    });
    w.relay.setGroups('one', [
      { targets: [{ __address__: 'a:1' }, { __address__: 'no:1' }, { __address__: 'http://x' }], labels: {} },
      { targets: [{ __address__: 'a:1' }], labels: {} },
      { targets: [{ __address__: 'b:1' }], labels: { __scheme__: 'http', __alerts_path__: '/other' } },
    ]);
    const { active, dropped } = w.relay.status();
    expect(active.map(({ url }) => url)).toEqual(['https://a:1/prefix/api/v2/alerts', 'http://b:1/other']);
    expect(dropped).toEqual(['https://no:1/prefix/api/v2/alerts']);
    expect(w.log.lines.map(({ fields }) => fields['problem'])).toEqual([
      '"http://x" is not a valid address: host:port expected',
    ]);
  });

  it('lets those go that are gone, with what waits for them', async () => {
    const w = world();
    w.http.on(A, { status: 500 });
    await w.evaluate(alert('High'));
    w.http.on(A, { status: 200 });
    w.relay.setGroups('one', []);
    await w.clock.advance(0);
    expect(w.metric('_sent_total', A)).toBe(1);
    await w.clock.advance(90_000);
    await w.evaluate(alert('High'));
    expect(w.http.requests).toHaveLength(2);
    expect(w.metric('s_discovered')).toBe(0);
  });
});

describe('a reload', () => {
  it('keeps what waits for a set that stays, and ends one that is gone', async () => {
    const two = { ...SET, key: 'two' };
    const w = world({ sets: [SET, two] });
    w.relay.setGroups('two', [{ targets: [{ __address__: 'b:9093' }], labels: {} }]);
    w.http.on(A, { status: 500 });
    await w.evaluate(alert('High'));
    w.relay.load({ ...SETTINGS, sets: [SET], batchMax: 1 });
    expect(w.relay.status().active).toEqual([{ url: A, waiting: 1, lastError: 'status 500: ' }]);
    w.http.on(A, { status: 200 });
    await w.clock.advance(5000);
    expect(w.metric('_sent_total', A)).toBe(1);
  });
});

it('stopping sends what waits, and gives up what is not taken in time', async () => {
  const w = world();
  w.http.on(A, { status: 200, latencyMs: 60_000 });
  await w.evaluate(alert('One'));
  await w.evaluate(alert('Two'));
  const stopped = w.relay.stop(5000);
  await w.clock.advance(5000);
  await stopped;
  expect(w.metric('_dropped_total', A)).toBe(2);
  const quick = world();
  quick.http.on(A, { status: 200, latencyMs: 1000 });
  await quick.evaluate(alert('One'));
  await quick.evaluate(alert('Two'));
  const done = quick.relay.stop(5000);
  await quick.clock.advance(2000);
  await done;
  expect(quick.names(A)).toEqual([['One'], ['Two']]);
  expect(quick.metric('_dropped_total', A)).toBe(0);
});

it('a shadow run sends nothing, and says what it would have sent', async () => {
  const w = world({}, 'shadow');
  await w.evaluate(alert('High'));
  await w.clock.advance(90_000);
  await w.evaluate(alert('High'));
  expect(w.http.requests).toEqual([]);
  expect(w.metric('_would_have_total', A)).toBe(2);
  expect(await w.journal()).toEqual([
    'would_have: a shadow run sends nothing to an Alertmanager (1 firing, 0 resolved, first {alertname="High", cluster="c1", host="h"})',
  ]);
});

it('its metrics stand on the reference page with their types and texts', () => {
  const registry = new MetricRegistry();
  relayMetrics(registry);
  const page = readFileSync(new URL('../../docs/reference/metrics.md', import.meta.url), 'utf8').split('\n');
  const rows = registry.families().map(({ name, type, help }) => `| \`${name}\` | ${type} | ${help} |`);
  expect(rows.filter(row => !page.includes(row))).toEqual([]);
  expect(rows).toHaveLength(8);
});
