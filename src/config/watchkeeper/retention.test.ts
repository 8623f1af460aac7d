// storage.retention in both of its forms.

import { describe, expect, it } from 'vitest';
import { FakeDisk } from '../../../test/support/disk.ts';
import { loadConfig } from '../load.ts';

async function load(storage: string) {
  const disk = new FakeDisk();
  const file = await disk.open('/w.yml', 'create');
  if (!file.ok) throw new Error(file.error.message);
  await file.value.write(new TextEncoder().encode(`storage:\n${storage}`));
  const loaded = await loadConfig({ disk, env: {}, paths: { watchkeeper: '/w.yml' }, registries: {} });
  return { storage: loaded.config?.storage, diagnostics: loaded.diagnostics };
}

const DAY_MS = 86_400_000;

describe('storage.retention', () => {
  it('is one duration for all', async () => {
    expect((await load('  retention: 30d\n')).storage).toMatchObject({
      retentionMs: 30 * DAY_MS,
      policies: [],
    });
    expect((await load('  retention_size: 1GB\n')).storage).toMatchObject({
      retentionMs: 15 * DAY_MS,
      policies: [],
    });
  });

  it('is a list of what is kept how long, in its order, with one entry for all others', async () => {
    const { storage } = await load(`  retention:
    - { match: '{__name__=~"debug_.*"}', keep: 2d }
    - { match: 'slo:errors{team="web", zone!="a"}', keep: 365d }
    - { keep: 30d }
`);
    expect(storage?.retentionMs).toBe(30 * DAY_MS);
    expect(storage?.policies).toEqual([
      {
        match: '{__name__=~"debug_.*"}',
        matchers: [{ name: '__name__', op: '=~', value: 'debug_.*' }],
        keepMs: 2 * DAY_MS,
      },
      {
        match: 'slo:errors{team="web", zone!="a"}',
        matchers: [
          { name: '__name__', op: '=', value: 'slo:errors' },
          { name: 'team', op: '=', value: 'web' },
          { name: 'zone', op: '!=', value: 'a' },
        ],
        keepMs: 365 * DAY_MS,
      },
    ]);
    expect((await load('  retention: [{ match: up, keep: 1h }]\n')).storage?.retentionMs).toBe(15 * DAY_MS);
  });

  it.each([
    ['  retention: soon\n', 'w.yml', 'duration'],
    ["  retention: [{ match: '{', keep: 2d }]\n", '2:24', 'Cannot use the selector "{"'],
    ['  retention: [{ match: \'{a=~"("}\', keep: 2d }]\n', '2:24', 'Cannot use the selector'],
    ["  retention: [{ match: '{}', keep: 2d }]\n", '2:24', 'Cannot use the selector "{}"'],
    ['  retention: [{ match: \'{a!="b"}\', keep: 2d }]\n', '2:24', 'Cannot use the selector'],
    ['  retention: [{ match: up }]\n', '2:', 'keep'],
    ['  retention: [{ match: up, keep: 1s }]\n', '2:34', 'at least 60000'],
    ['  retention: [{ keep: 1d }, { keep: 2d }]\n', '2:', 'two entries have no "match"'],
    ['  retention: [{ match: up, keeps: 1d }]\n', '2:', 'keeps'],
  ])('refuses %j with its place', async (text, place, says) => {
    const { storage, diagnostics } = await load(text);
    expect(storage).toBe(undefined);
    const told = diagnostics.map(one => `${one.file}:${one.line}:${one.column}: ${one.message}`).join('\n');
    expect(told).toContain(place);
    expect(told).toContain(says);
  });
});
