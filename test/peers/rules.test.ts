// The same rules over the same page in the real program and in Debian's Prometheus: states, errors, series, and what each
// sends to its Alertmanager.

import { afterEach, describe, expect, it } from 'vitest';
import type { AlertJson, QueryData, RulesData } from '../../src/api/contract.ts';
import { type HttpSink, openHttp, startProgram, temporaryFolder, until } from '../e2e/support.ts';
import { isSkipped, PEER_NAME, startPrometheus } from './prometheus.ts';

const TEST_MS_MAX = 240_000;
const WITHIN_MS = 60_000;
const EXTERNAL_URL = 'http://rules.example/';

const RULES = `groups:
- name: chain
  rules:
  - record: load:double
    expr: load * 2
    labels: { kind: twice }
  - alert: High
    expr: load:double > 10
    for: 2s
    labels: { severity: page, who: '{{ $labels.host | toUpper }}' }
    annotations:
      summary: '{{ $labels.host }} at {{ $value }} in {{ $externalLabels.cluster }}'
      asked: '{{ with query "load{host=''a''}" }}{{ . | first | value | humanize }}{{ end }}'
      url: '{{ externalURL }} {{ $externalURL }}'
      broken: '{{ template "nobody" }}'
  - alert: Twins
    expr: load > 5
    labels: { host: all }
- name: kept
  rules:
  - alert: Kept
    expr: load > 5
    keep_firing_for: 3s
  - alert: Never
    expr: load > 100
- name: limited
  limit: 1
  rules:
  - record: load:limited
    expr: load > 5
`;

interface Posted {
  readonly labels: Readonly<Record<string, string>>;
  /** Prometheus leaves it out where there is none. */
  readonly annotations?: Readonly<Record<string, string>>;
  readonly startsAt: string;
  readonly endsAt: string;
  readonly generatorURL: string;
}

interface Receiver {
  readonly http: HttpSink;
  /** In the order in which they came; each with whether it had ended by then. */
  readonly words: (Posted & { readonly resolved: boolean })[];
}

const opened: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

/** An Alertmanager that takes everything. */
async function openReceiver(): Promise<Receiver> {
  const words: Receiver['words'] = [];
  const http = await openHttp(({ body }) => {
    for (const one of JSON.parse(body) as readonly Posted[])
      words.push({ ...one, resolved: Date.parse(one.endsAt) <= Date.now() });
    return { body: '' };
  });
  opened.push(http.close);
  return { http, words };
}

const configOf = (page: number, alertmanager: number): string => `
global:
  scrape_interval: 1s
  scrape_timeout: 1s
  evaluation_interval: 1s
  external_labels: { cluster: c1, replica: one }
rule_files: [rules.yml]
scrape_configs:
  - job_name: page
    static_configs: [{ targets: ['127.0.0.1:${page}'], labels: { instance: box } }]
alerting:
  alert_relabel_configs: [{ action: labeldrop, regex: replica }]
  alertmanagers: [{ static_configs: [{ targets: ['127.0.0.1:${alertmanager}'] }] }]
`;

async function dataOf<T>(url: string, path: string): Promise<T> {
  const response = await fetch(`${url}${path}`, { signal: AbortSignal.timeout(15_000) });
  return ((await response.json()) as { readonly data: T }).data;
}

const sorted = (values: readonly unknown[]): readonly string[] =>
  values.map(value => withoutColumn(JSON.stringify(value))).sort();

function keyed(record: Readonly<Record<string, string>>): readonly (readonly [string, string])[] {
  return Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1));
}

/** In a template's error the column counts from the user's text here, and there from texts put in front of it. */
const withoutColumn = (text: string): string => text.replace(/(__alert_\w+:\d+):\d+:/g, '$1:');

/** What both must show, without times. */
async function stateOf(
  url: string,
): Promise<{ readonly alerts: readonly string[]; readonly rules: readonly string[] }> {
  const { alerts } = await dataOf<{ readonly alerts: readonly AlertJson[] }>(url, '/api/v1/alerts');
  const { groups } = await dataOf<RulesData>(url, '/api/v1/rules');
  return {
    alerts: sorted(
      alerts.map(({ labels, annotations, state, value }) => [
        keyed(labels),
        keyed(annotations),
        state,
        value,
      ]),
    ),
    rules: groups.flatMap(group =>
      group.rules.map(rule => {
        const { name, type, query, duration, labels, annotations, health, lastError, state } = rule;
        const texts = [keyed(labels ?? {}), keyed(annotations ?? {})];
        return JSON.stringify([
          group.name,
          name,
          type,
          query,
          duration,
          texts,
          health,
          lastError ?? '',
          state,
        ]);
      }),
    ),
  };
}

async function seriesOf(url: string, selector: string): Promise<readonly string[]> {
  const params = new URLSearchParams({
    query: `count by (__name__, alertname, alertstate, host, kind, severity, who) (last_over_time(${selector}[10m]))`,
  });
  const data = await dataOf<QueryData>(url, `/api/v1/query?${params.toString()}`);
  if (data.resultType !== 'vector') throw new Error(`${data.resultType} instead of a vector`);
  return sorted(data.result.map(({ metric }) => keyed(metric)));
}

/** Each thing that was said at least once. */
function said({ words }: Receiver): readonly string[] {
  const all = words.map(({ labels, annotations, generatorURL, resolved }) =>
    withoutColumn(JSON.stringify([keyed(labels), keyed(annotations ?? {}), generatorURL, resolved])),
  );
  return [...new Set(all)].sort();
}

describe.skipIf(isSkipped)(PEER_NAME, () => {
  it('rules have the same states, errors and series, and the same is sent', {
    timeout: TEST_MS_MAX,
  }, async () => {
    const load = { a: 9, b: 1 };
    const page = await openHttp(() => ({ body: `load{host="a"} ${load.a}\nload{host="b"} ${load.b}\n` }));
    opened.push(page.close);
    const [mine, other] = [await openReceiver(), await openReceiver()];

    const ourFolder = temporaryFolder();
    opened.push(ourFolder.remove);
    ourFolder.write('rules.yml', RULES);
    const prometheus = ourFolder.write('prometheus.yml', configOf(page.port, mine.http.port));
    const own = ourFolder.write(
      'watchkeeper.yml',
      `host: { enabled: false }\nweb: { external_url: '${EXTERNAL_URL}' }\nrules: { resend_delay: 5s }\n`,
    );
    const theirFolder = temporaryFolder();
    opened.push(theirFolder.remove);
    theirFolder.write('rules.yml', RULES);
    const peer = await startPrometheus(theirFolder, () => configOf(page.port, other.http.port), [
      `--web.external-url=${EXTERNAL_URL}`,
      '--rules.alert.resend-delay=5s',
    ]);
    opened.push(peer.stop);
    const program = await startProgram({
      folder: ourFolder,
      args: ['--config', own, '--prometheus', prometheus],
    });
    opened.push(program.kill);

    const agree = async (
      what: string,
      isThere: (alerts: readonly string[], rules: readonly string[]) => boolean,
    ) => {
      let seen: unknown;
      await until(
        what,
        async () => {
          const [ours, theirs] = await Promise.all([stateOf(program.url), stateOf(peer.url)]);
          seen = { ours, theirs };
          return JSON.stringify(ours) === JSON.stringify(theirs) && isThere(ours.alerts, ours.rules);
        },
        { withinMs: WITHIN_MS, seen: () => seen },
      );
    };
    const firing = (alerts: readonly string[], name: string): number =>
      alerts.filter(text => text.includes(`["alertname","${name}"]`) && text.includes('"firing"')).length;

    await agree('one of each fires', alerts =>
      ['High', 'Twins', 'Kept'].every(name => firing(alerts, name) === 1),
    );
    load.b = 8;
    await agree(
      'two fire, twins and the limit are errors',
      (alerts, rules) =>
        firing(alerts, 'High') === 2 && rules.filter(text => text.includes('"err"')).length === 2,
    );
    load.a = 1;
    load.b = 1;
    await agree('nothing fires', alerts => alerts.length === 0);

    for (const selector of ['ALERTS', 'ALERTS_FOR_STATE', 'load:double', 'load:limited'])
      expect(await seriesOf(program.url, selector), selector).toEqual(await seriesOf(peer.url, selector));
    expect(await seriesOf(program.url, 'ALERTS')).not.toEqual([]);

    // The last word on each may be on its way.
    await until('the same was sent', () => JSON.stringify(said(mine)) === JSON.stringify(said(other)), {
      withinMs: WITHIN_MS,
      seen: () => ({ ours: said(mine), theirs: said(other) }),
    });
    expect(said(mine).length).toBeGreaterThan(6);
    for (const { words } of [mine, other]) {
      const lives = words
        .filter(one => !one.resolved)
        .map(one => Date.parse(one.endsAt) - Date.parse(one.startsAt));
      // The first word on an alert is of the evaluation at which it began to fire.
      expect(Math.min(...lives)).toBe(20_000);
    }
  });
});
