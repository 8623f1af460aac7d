// The routes for stored samples: who may, what is asked of the store, and what is refused before it.

import { describe, expect, it } from 'vitest';
import { ok } from '../base/index.ts';
import type { SnapshotJson } from './contract.ts';
import type { StorageAdmin } from './deps.ts';
import { basic, bench, GUARDED, jsonOf, textOf } from './testdata/bench.ts';

describe('the routes for stored samples', () => {
  const PATH = '/api/v1/admin/tsdb';
  const storage = (asked: unknown[]): StorageAdmin => ({
    deleteSeries: async (matchers, range) => {
      asked.push({ matchers, range });
      return ok(1);
    },
    cleanTombstones: async () => ok(0),
    snapshot: async wanted => {
      asked.push(wanted);
      return ok({ folder: `/snapshots/${wanted.name}` });
    },
    compact: async () => ({ ok: false, error: { code: 'disk-full', message: 'Cannot cut: full' } }),
  });

  it.each(['delete_series', 'clean_tombstones', 'snapshot', 'compact'])(
    '%s needs web.admin_api, a POST or PUT, and the role admin',
    async name => {
      const b = await bench(GUARDED);
      const as = (user: string) => ({ headers: { authorization: basic(user) }, path: `${PATH}/${name}` });
      const admin = as('ann:correct horse');
      expect(await b.ask({ ...admin, method: 'POST' })).toMatchObject({ status: 503 });
      expect(await b.ask({ ...admin, method: 'GET' })).toMatchObject({ status: 405 });
      b.admin = storage([]);
      expect(await b.ask({ ...as('bob:battery staple'), method: 'POST' })).toMatchObject({ status: 403 });
      expect((await b.ask({ ...admin, method: 'PUT' })).status).not.toBe(503);
    },
  );

  it('delete what the selectors say, and nothing when one of them is wrong', async () => {
    const b = await bench();
    const asked: unknown[] = [];
    b.admin = storage(asked);
    const remove = (query: string) => b.ask({ method: 'POST', path: `${PATH}/delete_series`, query });
    expect((await remove('')).status).toBe(400);
    expect((await remove('match[]=up&match[]=sum(')).status).toBe(400);
    expect((await remove('match[]=sum(up)')).status).toBe(400);
    expect((await remove('match[]=up%20offset%205m')).status).toBe(400);
    expect((await remove('match[]=up&start=yesterday')).status).toBe(400);
    expect(asked).toEqual([]);
    expect((await remove('match[]=up%7Bjob%3D%22a%22%7D&start=10&end=20.5')).status).toBe(204);
    expect(asked).toEqual([
      {
        matchers: [
          { name: '__name__', op: '=', value: 'up' },
          { name: 'job', op: '=', value: 'a' },
        ],
        range: { fromMs: 10_000, toMs: 20_500 },
      },
    ]);
  });

  it('name the snapshot, and say why a compaction failed', async () => {
    const b = await bench();
    const asked: unknown[] = [];
    b.admin = storage(asked);
    const taken = await b.ask({ method: 'POST', path: `${PATH}/snapshot` });
    const { name, folder } = (jsonOf(taken) as { readonly data: SnapshotJson }).data;
    expect(folder).toBe(`/snapshots/${name}`);
    expect(asked).toEqual([{ name, skipHead: false }]);
    await b.ask({ method: 'POST', path: `${PATH}/snapshot`, query: 'skip_head=true' });
    expect(asked[1]).toMatchObject({ skipHead: true });
    const odd = await b.ask({ method: 'POST', path: `${PATH}/snapshot`, query: 'skip_head=maybe' });
    expect([odd.status, asked.length]).toEqual([400, 2]);
    const failed = await b.ask({ method: 'POST', path: `${PATH}/compact` });
    expect(failed.status).toBe(500);
    expect(textOf(failed)).toContain('Cannot cut: full');
  });
});
