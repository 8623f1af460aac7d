// storage export --csv and --jsonl: the same samples as queries find, awkward labels and values, standard output, and a disk
// that fails.

import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../test/support/clock.ts';
import { FakeDisk } from '../../test/support/disk.ts';
import { FakeHttp } from '../../test/support/http.ts';
import { formatFloat } from '../exposition/index.ts';
import { formatLabels, labelsFrom, setStaleAt, targetId, wordsOf } from '../model/index.ts';
import { diskWith, filesIn, opened } from '../storage/testdata/filled.ts';
import type { CommandContext } from './command.ts';
import { storageCommand } from './storage.ts';

const START_MS = Date.UTC(2026, 0, 1);
const AWKWARD = 'a "quoted", comma\nand 汉字';

async function run(disk: FakeDisk, args: readonly string[]) {
  const clock = new FakeClock(START_MS + 8 * 3_600_000);
  let [out, warned] = ['', ''];
  const context: CommandContext = {
    ...{ args: ['export', ...args], env: {}, cwd: '/', clock, disk, http: new FakeHttp(clock) },
    ...{ isTerminal: false, columns: 80, timeZone: 'UTC' },
    out: text => {
      out += text;
    },
    warn: text => {
      warned += text;
    },
    whenAskedToEnd: () => new Promise(() => {}),
    onHangUp: () => {},
  };
  return { code: await storageCommand.run(context), out, warned };
}

/** Three series over five hours; one has all kinds of values, and ends with a marker. */
const ready = (async () => {
  const disk = new FakeDisk();
  const clock = new FakeClock(START_MS);
  const store = await opened({ clock }, disk.mount());
  const expected = new Map<string, string>();
  for (let step = 0; step < 50; step++) {
    const sets = [
      { __name__: 'up', job: 'a' },
      { __name__: 'odd', text: AWKWARD },
      { __name__: 'b', z: 'z', a: 'a' },
    ].map(labelsFrom);
    const refs = sets.map(labels => store.intern(labels)).map(ref => (ref.ok ? ref.value : 0));
    const values = Float64Array.of(step, [Number.NaN, Infinity, -Infinity, 0.1][step % 4] ?? 0, step * 1e9);
    if (step === 49) setStaleAt(wordsOf(values), 1);
    const timestampMs = clock.nowMs();
    await store.append({ producer: targetId('p'), timestampMs, series: Uint32Array.from(refs), values });
    sets.forEach((labels, i) => {
      if (!(step === 49 && i === 1))
        expected.set(`${formatLabels(labels)} ${timestampMs}`, formatFloat(values[i] ?? 0));
    });
    await clock.advance(360_000);
  }
  await store.compactDue();
  await store.close();
  return { files: await filesIn(disk, '/data'), expected };
})();

async function textOf(disk: FakeDisk, path: string): Promise<string> {
  const read = await disk.readFile(path);
  if (!read.ok) throw new Error(read.error.message);
  return new TextDecoder().decode(read.value);
}

/** RFC 4180 read by a person's eyes: no field of ours has a lone quote. */
function csvRows(text: string): readonly (readonly string[])[] {
  const rows: string[][] = [[]];
  for (const match of text.matchAll(/("(?:[^"]|"")*"|[^",\r\n]*)(,|\r\n|$)/g)) {
    const [, field = '', end = ''] = match;
    rows.at(-1)?.push(field.startsWith('"') ? field.slice(1, -1).replaceAll('""', '"') : field);
    if (end === '\r\n') rows.push([]);
    if (end === '') break;
  }
  return rows.filter(row => row.length > 1);
}

describe('storage export', () => {
  it('--jsonl gives every sample, in lines that other stores import', async () => {
    const { files, expected } = await ready;
    const disk = await diskWith(files);
    const ran = await run(disk, ['--jsonl', 'out.jsonl']);
    expect([ran.code, ran.warned, ran.out]).toEqual([
      0,
      '',
      `Exported ${expected.size} samples to "/out.jsonl".\n`,
    ]);
    const found = new Map<string, string>();
    for (const line of (await textOf(disk, '/out.jsonl')).trim().split('\n')) {
      const { metric, values, timestamps } = JSON.parse(line) as {
        readonly metric: Readonly<Record<string, string>>;
        readonly values: readonly (number | string | null)[];
        readonly timestamps: readonly number[];
      };
      values.forEach((value, i) => {
        found.set(
          `${formatLabels(labelsFrom(metric))} ${timestamps[i]}`,
          formatFloat(value === null ? Number.NaN : Number(value)),
        );
      });
    }
    expect([...found].sort()).toEqual([...expected].sort());
  });

  it('--csv gives every sample, with a column for each label', async () => {
    const { files, expected } = await ready;
    const disk = await diskWith(files);
    expect((await run(disk, ['--csv', '/out.csv'])).code).toBe(0);
    const [header = [], ...rows] = csvRows(await textOf(disk, '/out.csv'));
    expect([...header].sort()).toEqual(['__name__', 'a', 'job', 'text', 'timestamp', 'value', 'z']);
    const found = rows.map(row => {
      const cells = Object.fromEntries(header.map((name, i) => [name, row[i] ?? '']));
      const { timestamp = '', value = '', ...labels } = cells;
      return [`${formatLabels(labelsFrom(labels))} ${Date.parse(timestamp)}`, value] as const;
    });
    expect([...found].sort()).toEqual([...expected].sort());
  });

  it('picks by selector and span, and writes to standard output', async () => {
    const disk = await diskWith((await ready).files);
    const to = String((START_MS + 3_600_000) / 1000);
    const ran = await run(disk, ['--csv', '-', '--match', 'up', '--to', to]);
    expect([ran.code, ran.warned]).toEqual([0, '']);
    expect(ran.out.split('\r\n').slice(0, 2)).toEqual([
      'timestamp,value,__name__,job',
      '2026-01-01T00:00:00.000Z,0,up,a',
    ]);
    expect(ran.out.trimEnd().split('\r\n').length).toBe(12);
  });

  it('replaces no file unasked, takes one format, and leaves nothing of a file that could not be finished', async () => {
    const { files } = await ready;
    const disk = await diskWith(files);
    await run(disk, ['--csv', 'out']);
    const again = await run(disk, ['--csv', 'out']);
    expect([again.code, again.warned]).toEqual([1, expect.stringContaining('--force')]);
    expect((await run(disk, ['--csv', 'out', '--force', '--json'])).code).toBe(0);
    expect((await run(disk, ['--csv', 'out', '--jsonl', 'out'])).code).toBe(2);
    const probe = await diskWith(files);
    const before = probe.calls;
    await run(probe, ['--jsonl', 'x']);
    const calls = probe.calls - before;
    for (let n = Math.max(1, calls - 25); n <= calls; n++) {
      const failing = await diskWith(files);
      failing.failAt(n);
      const ran = await run(failing, ['--jsonl', 'x']);
      const names = await failing.list('/');
      const left = names.ok ? names.value.filter(name => name !== 'data') : [];
      expect(left, `call ${n}`).toEqual(ran.code === 0 ? ['x'] : left.filter(name => name === 'x.new'));
    }
  });
});
