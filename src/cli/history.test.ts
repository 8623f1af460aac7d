// The commands that move history: what they ask for, what they tell, and how they end.

import { describe, expect, it } from 'vitest';
import { FakeDisk } from '../../test/support/disk.ts';
import { samplesRecord, seriesRecord, walSegment } from '../interchange/testdata/wal-writer.ts';
import {
  contents,
  copyOf,
  exported,
  fill,
  HOUR,
  history,
  openAt,
  START,
  THEIRS,
  turningClock,
} from '../interchange/testdata/world.ts';
import { labelsFrom } from '../model/index.ts';
import type { CommandContext, ExitCode } from './command.ts';
import { importPrometheusCommand } from './import-prometheus.ts';
import { storageExport } from './storage-export.ts';

interface Ran {
  readonly code: ExitCode;
  readonly out: string;
  readonly told: string;
}

async function run(
  command: { run(context: CommandContext): Promise<ExitCode> },
  disk: FakeDisk,
  args: readonly string[],
  over: Partial<CommandContext> = {},
): Promise<Ran> {
  let out = '';
  let told = '';
  const code = await command.run({
    ...{ args, env: {}, cwd: '/home', clock: turningClock(START + 20 * HOUR), disk: disk.mount() },
    http: { request: () => Promise.reject(new Error('nobody is asked')) },
    ...{ isTerminal: false, columns: 80, timeZone: 'UTC' },
    out: text => {
      out += text;
    },
    warn: text => {
      told += text;
    },
    whenAskedToEnd: () => new Promise(() => {}),
    onHangUp: () => {},
    ...over,
  });
  return { code, out, told };
}

/** One block as it is, behind the head of a frame that says how long it is. */
function zstdFrame(plain: Uint8Array): Uint8Array {
  const block = 1 | (plain.length << 3);
  const head = [0x28, 0xb5, 0x2f, 0xfd, 0x20, plain.length, block & 255, block >>> 8, 0];
  return Uint8Array.from([...head, ...plain]);
}

const ready = (async () => {
  const disk = new FakeDisk();
  const store = await openAt(disk);
  await fill(store, history(8, { series: 6, hours: 5, stepMs: 600_000 }));
  await exported(disk, store);
  const before = await contents(store);
  await store.close();
  return { disk, before };
})();

async function folder(): Promise<FakeDisk> {
  const copy = copyOf((await ready).disk);
  copy.putFolder('/proc');
  copy.putFolder('/home');
  return copy;
}

describe('import prometheus', () => {
  const take = (disk: FakeDisk, args: readonly string[], over?: Partial<CommandContext>): Promise<Ran> =>
    run(importPrometheusCommand, disk, args, over);

  it('brings a folder in, says how much, and has nothing to do the second time', async () => {
    const disk = await folder();
    const first = await take(disk, [THEIRS]);
    expect([first.code, first.told]).toEqual([0, '']);
    expect(first.out).toMatch(
      /^Imported 180 samples in \d+\.\d s: 3 blocks, and 0 samples that were in none yet\.\n$/,
    );
    const store = await openAt(disk, '/home/data/store');
    expect(await contents(store)).toEqual((await ready).before);
    await store.close();
    const second = await take(disk, [THEIRS, '--json']);
    expect(JSON.parse(second.out)).toMatchObject({ samples: 0, blocks: 0, blocksDone: 3, damageCount: 0 });
    const told = await take(disk, [THEIRS, '--data', 'data']);
    expect(told.out).toContain('Brought in before, and passed over: 3 blocks.\n');
    const again = await take(disk, [THEIRS, '--again', '--json']);
    expect(JSON.parse(again.out)).toMatchObject({ samples: 180, blocks: 3 });
  });

  it('reads logs that are compressed with zstd', async () => {
    const disk = new FakeDisk();
    disk.putFolder('/proc');
    const frames = [
      seriesRecord([[1, labelsFrom({ __name__: 'up' })]]),
      samplesRecord([{ ref: 1, timeMs: START, bits: 7n }]),
    ].map(zstdFrame);
    const segment = walSegment(frames);
    // The bit that says so, in both fragments' heads; it is not part of the sum.
    for (const at of [0, 7 + (frames[0]?.length ?? 0)]) segment[at] = (segment[at] ?? 0) | 16;
    disk.putFile(`${THEIRS}/wal/00000000`, segment);
    const { code, out } = await take(disk, [THEIRS, '--json']);
    expect([code, JSON.parse(out)]).toMatchObject([0, { headSamples: 1, damageCount: 0 }]);
  });

  it('shows a bar on a terminal only', async () => {
    const onTerminal = await take(await folder(), [THEIRS], { isTerminal: true });
    expect(onTerminal.told).toMatch(/\r\u001b\[2K\[[#.]+\] +\d+ % .*\r\u001b\[2K$/s);
    expect((await take(await folder(), [THEIRS, '--json'], { isTerminal: true })).told).toBe('');
  });

  it('leaves out what the retention would drop, and says how to keep it', async () => {
    const short = await take(await folder(), [THEIRS, '--retention', '2h']);
    expect([short.code, short.out]).toEqual([
      1,
      expect.stringMatching(
        /older than the retention of 2h: \d blocks?, and all before 20\d\d-.*--retention here/,
      ),
    ]);
    const disk = await folder();
    disk.putFile('/home/watchkeeper.yml', 'storage: { retention: 2h }\n');
    expect((await take(disk, [THEIRS])).out).toContain('older than the retention of 2h');
    disk.putFile('/home/watchkeeper.yml', 'storage: { retention: soon }\n');
    const wrong = await take(disk, [THEIRS]);
    expect([wrong.code, wrong.told]).toEqual([
      2,
      expect.stringContaining('cannot be read for storage.retention'),
    ]);
  });

  it('names what cannot be read by file and place', async () => {
    const disk = await folder();
    const path = disk.paths(THEIRS).find(one => one.endsWith('/chunks/000001')) ?? '';
    const bytes = disk.bytesOf(path) ?? new Uint8Array(0);
    disk.putFile(
      path,
      bytes.map((byte, i) => (i === 12 ? byte ^ 1 : byte)),
    );
    const { code, out } = await take(disk, [THEIRS]);
    expect(code).toBe(1);
    expect(out).toContain(
      `Left out, as it cannot be read: 1 place.\n  ${path}:8: import-damaged: the checksum of a chunk is wrong\n`,
    );
  });

  it.each<[string, readonly string[], string]>([
    ['no folder', [], 'one folder of a Prometheus expected'],
    ['two folders', ['a', 'b'], 'one folder of a Prometheus expected'],
    ['a time that is none', [THEIRS, '--from', 'noon'], '--from "noon" is no time'],
    ['a span that ends before it begins', [THEIRS, '--from', '10', '--to', '5'], '--from lies behind --to'],
    [
      'a selector that is none',
      [THEIRS, '--match', 'sum(up)'],
      '--match: "sum(up)" is not a series selector',
    ],
    ['a retention that is none', [THEIRS, '--retention', 'long'], '--retention is a duration'],
    ['an option that is not known', [THEIRS, '--fast'], '--fast'],
  ])('refuses %s', async (_, args, problem) => {
    const { code, told } = await take(await folder(), args);
    expect([code, told]).toEqual([2, expect.stringContaining(problem)]);
  });

  it('takes only what is asked for', async () => {
    const from = String((START + HOUR) / 1000);
    const to = new Date(START + 2 * HOUR).toISOString();
    const { out } = await take(await folder(), [
      THEIRS,
      '--match',
      'm1',
      '--match',
      '{i="2"}',
      '--from',
      from,
      '--to',
      to,
      '--json',
    ]);
    expect((JSON.parse(out) as { samples: number }).samples).toBeGreaterThan(10);
    expect((JSON.parse(out) as { samples: number }).samples).toBeLessThan(15);
  });

  it('says what stands in its way: no folder, a running Prometheus, a running Watchkeeper', async () => {
    const disk = await folder();
    const missing = await take(disk, ['/nowhere']);
    expect([missing.code, missing.told]).toEqual([1, expect.stringContaining('Cannot import "/nowhere"')]);
    disk.putLink('/proc/77/fd/3', `${THEIRS}/wal/00000000`);
    const held = await take(disk, [THEIRS]);
    expect([held.code, held.told]).toEqual([
      1,
      expect.stringContaining('a running Prometheus has it (process 77). Stop it, or import a snapshot'),
    ]);
    const forced = await take(disk, [THEIRS, '--force']);
    expect([forced.code, forced.told]).toEqual([0, expect.stringContaining('it is read all the same')]);
    const store = await openAt(disk, '/home/data/store');
    const busy = await take(disk, [THEIRS, '--force']);
    expect([busy.code, busy.told]).toEqual([
      1,
      expect.stringContaining('a running Watchkeeper has to be stopped'),
    ]);
    await store.close();
  });

  it('that is interrupted ends with a whole store, and goes on later', async () => {
    const disk = await folder();
    const stopped = await take(disk, [THEIRS], { whenAskedToEnd: async () => 'SIGINT' });
    expect([stopped.code, stopped.told]).toEqual([
      1,
      'The import was stopped; the same command goes on where it was.\n',
    ]);
    expect((await take(disk, [THEIRS])).code).toBe(0);
    const store = await openAt(disk, '/home/data/store');
    expect(await contents(store)).toEqual((await ready).before);
    await store.close();
  });
});

describe('storage export', () => {
  const give = (disk: FakeDisk, args: readonly string[]): Promise<Ran> => run(storageExport, disk, args);

  async function stored(): Promise<FakeDisk> {
    const disk = await folder();
    await run(importPrometheusCommand, disk, [THEIRS]);
    return disk;
  }

  it('writes what is stored, and refuses a folder that has blocks', async () => {
    const disk = await stored();
    const first = await give(disk, ['--prometheus', 'out', '--custom-buckets']);
    expect([first.code, first.out, first.told]).toEqual([
      0,
      'Exported 180 samples in 3 blocks to "/home/out".\n',
      '',
    ]);
    const second = await give(disk, ['--prometheus', 'out', '--custom-buckets']);
    expect([second.code, second.told]).toEqual([1, expect.stringContaining('it has blocks already')]);
    const forced = await give(disk, [
      '--prometheus',
      'out',
      '--custom-buckets',
      '--force',
      '--match',
      'm1',
      '--json',
    ]);
    expect(JSON.parse(forced.out)).toMatchObject({ blocks: 3, samples: 30 });
  });

  it('counts what 2.42 cannot read', async () => {
    const { code, out } = await give(await stored(), ['--prometheus', '/out']);
    expect([code, out]).toEqual([
      1,
      expect.stringMatching(/Left out: \d+ histograms? with bounds of their own.*--custom-buckets/),
    ]);
  });

  it('takes the store of a snapshot, too, and a span of it', async () => {
    const disk = await stored();
    const from = String(START / 1000 + 3600);
    const { code, out } = await give(disk, [
      '--prometheus',
      '/out',
      '--data',
      'data/store',
      '--from',
      from,
      '--custom-buckets',
      '--json',
    ]);
    expect([code, JSON.parse(out)]).toMatchObject([0, { samples: 144 }]);
  });

  it.each<[string, readonly string[], ExitCode, string]>([
    ['without a format', [], 2, 'one of --prometheus, --csv, --jsonl expected'],
    ['without a store', ['--prometheus', '/out', '--data', '/none'], 1, 'there is no store in "/none/store"'],
    ['with a word too many', ['--prometheus', '/out', 'x'], 2, '"x" is too much'],
  ])('%s is refused', async (_, args, code, problem) => {
    const ran = await give(await folder(), args);
    expect([ran.code, ran.told]).toEqual([code, expect.stringContaining(problem)]);
  });

  it('of a store that is in use names the way out', async () => {
    const disk = await stored();
    const store = await openAt(disk, '/home/data/store');
    const { code, told } = await give(disk, ['--prometheus', '/out']);
    expect([code, told]).toEqual([1, expect.stringContaining('export a snapshot of it')]);
    await store.close();
  });
});
