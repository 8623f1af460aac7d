// The reference pages tell the limits and metrics of queries as the code has them.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { REGISTRIES } from '../src/app/index.ts';
import { type Config, loadConfig } from '../src/config/index.ts';
import { MetricRegistry } from '../src/model/index.ts';
import { createQueryEngine, DEFAULT_ENGINE_SETTINGS } from '../src/promql/index.ts';
import { FakeClock } from '../test/support/clock.ts';
import { FakeDisk } from '../test/support/disk.ts';
import { memorySeriesReader } from '../test/support/series.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const page = (name: string): string => readFileSync(join(root, 'docs/reference', name), 'utf8');

async function queryOf(text: string): Promise<Config['query']> {
  const disk = new FakeDisk();
  const file = await disk.open('/watchkeeper.yml', 'create');
  if (!file.ok) throw new Error(file.error.message);
  await file.value.write(new TextEncoder().encode(text));
  const paths = { watchkeeper: '/watchkeeper.yml' };
  const { config, diagnostics } = await loadConfig({ disk, env: {}, paths, registries: REGISTRIES });
  if (config === undefined) throw new Error(JSON.stringify(diagnostics));
  return config.query;
}

it('the defaults of "query" are those of the page, which has all of them, and those of the engine', async () => {
  const rows = [...page('configuration.md').matchAll(/^\| `query\.(\w+)` \| `(\w+)` \|/gm)];
  const told = await queryOf(`query:\n${rows.map(([, key, value]) => `  ${key}: ${value}\n`).join('')}`);
  const stock = await queryOf('');
  expect(told).toEqual(stock);
  expect(rows).toHaveLength(Object.keys(stock).length);
  expect(DEFAULT_ENGINE_SETTINGS).toMatchObject(stock);
});

it('the metrics of queries stand on the page with their types and texts', () => {
  const metrics = new MetricRegistry();
  createQueryEngine({ reader: memorySeriesReader([]), clock: new FakeClock(), metrics });
  const rows = metrics.families().map(({ name, type, help }) => `| \`${name}\` | ${type} | ${help} |`);
  expect(rows.length).toBeGreaterThan(5);
  const lines = page('metrics.md').split('\n');
  expect(rows.filter(row => !lines.includes(row))).toEqual([]);
});
