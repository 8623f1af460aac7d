// The storage commands over fakes: what they print, their exit codes, and wrong usage.

import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../test/support/clock.ts';
import type { FakeDisk } from '../../test/support/disk.ts';
import { type FakeAnswer, FakeHttp } from '../../test/support/http.ts';
import { diskWith, filed, overwrite } from '../storage/testdata/filled.ts';
import type { CommandContext } from './command.ts';
import { storageCommand } from './storage.ts';

const ready = filed(5, { hours: 5, series: 6 });

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly warned: string;
  readonly http: FakeHttp;
}

async function run(disk: FakeDisk, args: readonly string[], answer?: FakeAnswer): Promise<Ran> {
  const clock = new FakeClock();
  const http = new FakeHttp(clock);
  if (answer !== undefined) http.on('http', answer);
  let [out, warned] = ['', ''];
  const context: CommandContext = {
    args,
    env: {},
    cwd: '/',
    clock,
    disk,
    http,
    isTerminal: false,
    columns: 80,
    timeZone: 'UTC',
    out: text => {
      out += text;
    },
    warn: text => {
      warned += text;
    },
    whenAskedToEnd: () => new Promise(() => {}),
    onHangUp: () => {},
  };
  return { code: await storageCommand.run(context), out, warned, http };
}

const fresh = async (): Promise<FakeDisk> => diskWith((await ready).files);

describe('storage', () => {
  it('names its subcommands to who names none, or another', async () => {
    const disk = await fresh();
    const none = await run(disk, []);
    expect([none.code, none.out]).toEqual([2, '']);
    expect(none.warned).toContain('"verify"');
    const other = await run(disk, ['verfy']);
    expect([other.code, other.warned]).toEqual([2, expect.stringContaining('not "verfy"')]);
    expect(storageCommand.helpOf?.(['restore', '--help'])).toMatch(
      /^usage: watchkeeper storage restore SNAPSHOT/,
    );
    expect(storageCommand.helpOf?.(['--help'])).toBe(undefined);
  });

  it.each([
    [['verify', 'a', 'b'], '"b" is too much'],
    [['verify', '--fix'], '--fix'],
    [['stats', '--by', 'size'], '--by is one of bytes, series, samples, not "size"'],
    [['stats', '--top', 'all'], '--top is a whole number'],
    [['snapshot', 'now'], '"now" is too much'],
    [['restore'], 'which snapshot'],
  ])('%j is wrong usage', async (args, says) => {
    const ran = await run(await fresh(), args);
    expect([ran.code, ran.out]).toEqual([2, '']);
    expect(ran.warned).toContain(says);
    expect(ran.warned).toContain(`usage: watchkeeper storage ${args[0]}`);
  });
});

describe('storage verify', () => {
  it('says that all is sound, of a data folder and of a store by itself', async () => {
    const disk = await fresh();
    for (const folder of ['data', '/data/store']) {
      const ran = await run(disk, ['verify', folder]);
      expect([ran.code, ran.warned]).toEqual([0, '']);
      expect(ran.out).toMatch(/^\/data\/store: \d+ blocks with [\d ]+ samples, .*\nall is sound\n$/);
    }
  });

  it('tells damage with its place, repairs it, and says what is lost', async () => {
    const disk = await fresh();
    const path = [...(await ready).files.keys()].filter(one => one.endsWith('/data')).at(-1) as string;
    await overwrite(disk, path, 20, Uint8Array.of(1, 2, 3, 4, 5));
    const found = await run(disk, ['verify']);
    expect(found.code).toBe(1);
    expect(found.out).toContain(`error: ${path}:0: block-damaged: The checksum of a page is wrong (--repair`);
    expect(found.out).toMatch(/\n1 problem\n$/);
    const repaired = await run(disk, ['verify', '--repair']);
    expect(repaired.code).toBe(1);
    expect(repaired.out).toMatch(
      /\nrepaired: \S+: [\d]+ samples are saved in "block-\d+"; .*lost: \d+ samples of \d+ series\n/,
    );
    expect(repaired.out).toMatch(/something lost in 1 of them; all is sound now\n$/);
    const again = await run(disk, ['verify', '--json']);
    expect(again.code).toBe(0);
    expect(JSON.parse(again.out)).toMatchObject({
      mode: 'alone',
      findings: [{ severity: 'note' }],
      repairs: [],
    });
  });

  it('refuses what is no store', async () => {
    const ran = await run(await fresh(), ['verify', '/nowhere']);
    expect([ran.code, ran.out]).toEqual([1, '']);
    expect(ran.warned).toContain('Cannot verify "/nowhere": it is no store');
  });
});

describe('storage stats', () => {
  it('prints tables of parts, metrics and labels, and the forecast', async () => {
    const ran = await run(await fresh(), ['stats', '--by', 'series', '--top', '3']);
    expect([ran.code, ran.warned]).toEqual([0, '']);
    const lines = ran.out.split('\n');
    expect(lines[0]).toMatch(/^\d+ series, [\d ]+ samples, [\d.]+ kB$/);
    expect(lines[1]).toMatch(/^part +from +to +series +samples +bytes +B\/sample +new series\/h/);
    expect(ran.out).toMatch(/\nhead +2026-01-01T/);
    expect(ran.out).toContain('\nmetrics by series (3 of 4)\n');
    expect(ran.out).toContain('\nlabels by values (3 of 4)\n');
    expect(ran.out).toMatch(/\ngrowth +[\d.]+ [kM]B and [\d ]+ samples a day, /);
    expect(ran.out).toMatch(/\nretention +15 days: reached in 15 days, with /);
  });

  it('takes limits from a configuration, and gives everything as JSON', async () => {
    const disk = await fresh();
    const file = await disk.open('/limits.yml', 'create');
    if (file.ok)
      await file.value.write(new TextEncoder().encode('storage: { retention: 30d, retention_size: 10KB }\n'));
    const ran = await run(disk, ['stats', '--config', 'limits.yml', '--json', '--top', '0']);
    expect([ran.code, ran.warned]).toEqual([0, '']);
    const report: unknown = JSON.parse(ran.out);
    expect(report).toMatchObject({
      metricCount: 4,
      limits: { retentionMs: 30 * 86_400_000 },
      forecast: { sizeInDays: 0 },
    });
    const bad = await run(disk, ['stats', '--config', 'none.yml']);
    expect([bad.code, bad.out]).toEqual([1, '']);
    expect(bad.warned).toContain('none.yml');
  });
});

describe('storage snapshot', () => {
  it('prints where it lies, or why there is none', async () => {
    const disk = await fresh();
    const folder = '/data/snapshots/20260101T000000-000Z';
    const answer = {
      body: JSON.stringify({ status: 'success', data: { name: '20260101T000000-000Z', folder } }),
    };
    const ran = await run(disk, ['snapshot', '--skip-head', '--url', 'http://there:1'], answer);
    expect([ran.code, ran.out]).toEqual([0, `${folder}\n`]);
    expect(ran.http.requests.map(({ method, url }) => `${method} ${url}`)).toEqual([
      'POST http://there:1/api/v1/admin/tsdb/snapshot?skip_head=true',
    ]);
    const refusal = {
      status: 'error',
      errorType: 'unavailable',
      error: 'admin APIs disabled; set web.admin_api: true',
    };
    const refused = await run(disk, ['snapshot'], { status: 503, body: JSON.stringify(refusal) });
    expect([refused.code, refused.warned]).toEqual([1, `Cannot take a snapshot: ${refusal.error}\n`]);
  });
});
