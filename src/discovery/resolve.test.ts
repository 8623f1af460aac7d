// Target groups into targets: Prometheus's defaults, relabelling, what is refused.

import { describe, expect, it } from 'vitest';
import { RELABEL_DEFAULTS, type RelabelRule } from '../exposition/index.ts';
import { formatLabels } from '../model/index.ts';
import { discoveryKinds, resolveTargets, type TargetDefaults, type TargetGroup } from './index.ts';

const DEFAULTS: TargetDefaults = {
  jobName: 'node',
  intervalMs: 15_000,
  timeoutMs: 10_000,
  metricsPath: '/metrics',
  scheme: 'http',
  params: new Map(),
  honorLabels: false,
  honorTimestamps: true,
  sampleLimit: 0,
  bodyBytesMax: 0,
  headers: {},
  relabel: [],
};

function group(address: string, labels: Record<string, string> = {}): TargetGroup {
  return { source: 'static', targets: [{ __address__: address }], labels };
}

function rule(changes: Partial<RelabelRule>): RelabelRule {
  return { ...RELABEL_DEFAULTS, ...changes };
}

/** URL and labels of each target, or why it is none. */
function check(changes: Partial<TargetDefaults>, groups: readonly TargetGroup[], wanted: readonly string[]) {
  const { targets, dropped } = resolveTargets({ ...DEFAULTS, ...changes }, groups);
  expect([
    ...targets.map(target => `${target.url} ${formatLabels(target.labels)}`),
    ...dropped.map(one => `dropped: ${one.problem}`),
  ]).toEqual(wanted);
}

describe('resolveTargets', () => {
  it('fills in what discovery did not say', () => {
    check(
      {},
      [group('h:9100', { env: 'x' })],
      ['http://h:9100/metrics {env="x", instance="h:9100", job="node"}'],
    );
    check({}, [group('h')], ['http://h/metrics {instance="h", job="node"}']);
  });

  it('labels of a group may replace job, instance, path, scheme and times', () => {
    const labels = {
      job: 'other',
      instance: 'me',
      __metrics_path__: 'm x',
      __scheme__: 'https',
      __scrape_interval__: '1m',
      __scrape_timeout__: '30s',
      __param_x: 'y z',
    };
    check({}, [group('h:1', labels)], ['https://h:1/m%20x?x=y+z {instance="me", job="other"}']);
    const [target] = resolveTargets(DEFAULTS, [group('h:1', labels)]).targets;
    expect([target?.intervalMs, target?.timeoutMs, target?.job]).toEqual([60_000, 30_000, 'other']);
  });

  it('the blackbox pattern: the address becomes a parameter and a label', () => {
    const relabel = [
      rule({ sourceLabels: ['__address__'], targetLabel: '__param_target' }),
      rule({ sourceLabels: ['__param_target'], targetLabel: 'instance' }),
      rule({ targetLabel: '__address__', replacement: '127.0.0.1:9115' }),
    ];
    check(
      { relabel, metricsPath: '/probe', params: new Map([['module', ['http_2xx']]]) },
      [group('example.org')],
      ['http://127.0.0.1:9115/probe?module=http_2xx&target=example.org {instance="example.org", job="node"}'],
    );
  });

  it('says why a target is none', () => {
    check(
      { relabel: [rule({ action: 'drop', sourceLabels: ['__address__'], regex: 'h.*' })] },
      [group('h')],
      ['dropped: '],
    );
    check({}, [group('')], ['dropped: no address']);
    check({}, [group('http://h/')], ['dropped: "http://h/" is not a valid address: host:port expected']);
    check(
      {},
      [group('h', { __scheme__: 'ftp' })],
      ['dropped: "ftp" is not a scheme: http or https expected'],
    );
    check(
      {},
      [group('h', { __scrape_timeout__: '1m' })],
      ['dropped: the scrape timeout cannot be greater than the scrape interval (1m > 15s)'],
    );
    check(
      {},
      [group('h', { __scrape_interval__: 'x' })],
      [expect.stringContaining('scrape interval: not a duration')],
    );
  });

  it('a target named twice is scraped once, and its id lasts', () => {
    const ids = (address: string) =>
      resolveTargets(DEFAULTS, [group(address), group(address)]).targets.map(t => t.id);
    expect(ids('h:1')).toHaveLength(1);
    expect(ids('h:1')).toEqual(ids('h:1'));
    expect(ids('h:1')).not.toEqual(ids('h:2'));
  });
});

describe('static_configs', () => {
  it('hands over its groups at once', () => {
    const kind = discoveryKinds.find(one => one.key === 'static_configs');
    const seen: TargetGroup[] = [];
    const settings = { targets: ['a:1', 'b:2'], labels: new Map([['env', 'x']]) };
    kind?.start(settings, {} as never, groups => seen.push(...groups))?.stop();
    expect(seen).toEqual([
      { source: 'static', targets: [{ __address__: 'a:1' }, { __address__: 'b:2' }], labels: { env: 'x' } },
    ]);
  });
});
