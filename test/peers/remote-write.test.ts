// Debian's Prometheus scrapes itself and writes all of it to the real program: both then answer alike.

import { afterEach, describe, expect, it } from 'vitest';
import type { QueryData } from '../../src/api/index.ts';
import { type Program, startProgram, temporaryFolder, until } from '../e2e/support.ts';
import { isSkipped, PEER_NAME, startPrometheus } from './prometheus.ts';

const TEST_MS_MAX = 120_000;
/** Prometheus sends what it gathered after this long at the latest. */
const BATCH_DEADLINE = '500ms';

const opened: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

const configOf = (own: number, sink: string): string => `
global: { scrape_interval: 1s, scrape_timeout: 1s, external_labels: { replica: one } }
scrape_configs:
  - job_name: prometheus
    static_configs: [{ targets: ['127.0.0.1:${own}'] }]
remote_write:
  - url: ${sink}/api/v1/write
    metadata_config: { send_interval: 1s }
    queue_config: { batch_send_deadline: ${BATCH_DEADLINE} }
`;

/** "labels value" of an instant vector, without the label that Prometheus adds for outsiders. */
function linesOf(data: QueryData): readonly string[] {
  if (data.resultType !== 'vector') throw new Error(`${data.resultType} instead of a vector`);
  return data.result
    .map(({ metric, value }) => {
      const { replica: _, ...labels } = metric as Readonly<Record<string, string>>;
      return `${JSON.stringify(Object.entries(labels).sort())} ${value?.[1]}`;
    })
    .sort();
}

describe.skipIf(isSkipped)(PEER_NAME, () => {
  it('what it writes to us is what it has itself', { timeout: TEST_MS_MAX }, async () => {
    const folder = temporaryFolder();
    opened.push(folder.remove);
    const config = folder.write('watchkeeper.yml', 'host: { enabled: false }\nrule_files: []\n');
    const program: Program = await startProgram({ folder, args: ['--config', config] });
    opened.push(program.kill);
    const peer = await startPrometheus(folder, port => configOf(port, program.url));
    opened.push(peer.stop);
    const theirs = async (path: string): Promise<QueryData> => {
      const response = await fetch(`${peer.url}${path}`);
      return ((await response.json()) as { readonly data: QueryData }).data;
    };
    const scrapes = 'count_over_time(up{job="prometheus"}[5m]) >= 6';
    await until(
      'six scrapes',
      async () => {
        const data = await program.api<QueryData>('/api/v1/query', { query: scrapes });
        return data.resultType === 'vector' && data.result.length > 0;
      },
      { withinMs: 60_000, seen: () => program.output().slice(-1000) },
    );
    // Between scrapes, and long enough ago that all of it was sent.
    const time = (Math.floor(Date.now() / 1000) - 2).toString();
    const queries = [
      '{job="prometheus"}',
      'sum by (handler) (prometheus_http_requests_total)',
      'histogram_quantile(0.9, sum by (le) (prometheus_http_request_duration_seconds_bucket))',
    ];
    for (const query of queries) {
      const asked = `/api/v1/query?${new URLSearchParams({ query, time }).toString()}`;
      const [mine, other] = [
        await program.api<QueryData>('/api/v1/query', { query, time }),
        await theirs(asked),
      ];
      expect(linesOf(mine)).toEqual(linesOf(other));
    }
    const all = linesOf(await program.api<QueryData>('/api/v1/query', { query: '{job="prometheus"}', time }));
    expect(all.length).toBeGreaterThan(300);
  });
});
