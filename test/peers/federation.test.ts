// Debian's Prometheus scrapes what the real program gives at /federate.

import { afterEach, describe, expect, it } from 'vitest';
import type { QueryData } from '../../src/api/index.ts';
import { type Program, startProgram, temporaryFolder, until } from '../e2e/support.ts';
import { isSkipped, PEER_NAME, startPrometheus } from './prometheus.ts';

const TEST_MS_MAX = 90_000;

const opened: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

const configOf = (target: string): string => `
global: { scrape_interval: 1s, scrape_timeout: 1s }
scrape_configs:
  - job_name: federate
    honor_labels: true
    metrics_path: /federate
    params: { 'match[]': ['{job="watchkeeper"}', 'up'] }
    static_configs: [{ targets: ['${target}'] }]
`;

/** "labels value" of each. */
function linesOf(data: QueryData): readonly string[] {
  if (data.resultType !== 'vector') throw new Error(`${data.resultType} instead of a vector`);
  return data.result
    .map(({ metric, value }) => `${JSON.stringify(Object.entries(metric).sort())} ${value?.[1]}`)
    .sort();
}

describe.skipIf(isSkipped)(PEER_NAME, () => {
  it('what we federate it has, with our times and labels', { timeout: TEST_MS_MAX }, async () => {
    const folder = temporaryFolder();
    opened.push(folder.remove);
    const settings =
      'host: { enabled: false }\nrule_files: []\nglobal: { external_labels: { region: eu } }\n';
    const config = folder.write('watchkeeper.yml', settings);
    const program: Program = await startProgram({ folder, args: ['--config', config] });
    opened.push(program.kill);
    const peer = await startPrometheus(folder, () => configOf(new URL(program.url).host));
    opened.push(peer.stop);
    const theirs = async (query: string, time?: string): Promise<readonly string[]> => {
      const params = new URLSearchParams({ query, ...(time === undefined ? {} : { time }) });
      const response = await fetch(`${peer.url}/api/v1/query?${params.toString()}`);
      return linesOf(((await response.json()) as { readonly data: QueryData }).data);
    };
    const federated = '{region="eu",job="watchkeeper"}';
    await until('Prometheus has what is federated', async () => {
      const lines = await theirs(`count(${federated})`).catch(() => []);
      return lines.length > 0;
    });
    // The newest samples lie at the same time in both.
    const [newest = ''] = await theirs(`max(timestamp(up${federated}))`);
    const time = newest.split(' ').at(-1) ?? '';
    const mine = linesOf(
      await program.api<QueryData>('/api/v1/query', { query: '{job="watchkeeper"}', time }),
    );
    const other = await theirs(federated, time);
    expect(other.length).toBeGreaterThan(20);
    const added = (line: string): string =>
      line.replace('["region","eu"],', '').replace(',["region","eu"]', '');
    expect(other.map(added).filter(line => !mine.includes(line))).toEqual([]);
    expect((await theirs('up{job="federate"}'))[0]).toMatch(/ 1$/);
  });
});
