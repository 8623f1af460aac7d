// Pages of OpenMetrics into a store: what is stored afterwards, what is left out and counted, where a page is wrong, and any bytes.

import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../test/support/clock.ts';
import { FakeDisk } from '../../test/support/disk.ts';
import { seededRandom } from '../../test/support/random.ts';
import type { Store } from '../storage/index.ts';
import { opened, samplesOf } from '../storage/testdata/filled.ts';
import { importOpenMetrics } from './openmetrics.ts';

const NOW_MS = Date.UTC(2026, 0, 10);
const HOUR_MS = 3_600_000;
const text = (page: string): Uint8Array => new TextEncoder().encode(page);
const at = (hours: number): string => String((NOW_MS + hours * HOUR_MS) / 1000);

async function newStore(disk = new FakeDisk()): Promise<Store> {
  return opened({ clock: new FakeClock(NOW_MS) }, disk.mount());
}

function run(store: Store, bytes: Uint8Array, maxAgeMs = 240 * HOUR_MS) {
  const latestMs = NOW_MS + 600_000;
  return importOpenMetrics({ store, bytes, maxAgeMs, latestMs, storeNewestMs: store.stats().newestMs });
}

describe('a page of OpenMetrics', () => {
  it('is stored whole, over many stretches and in any order, and counts once', async () => {
    const store = await newStore();
    const page = text(
      `# TYPE up gauge\nup{job="a"} 1 ${at(-1)}\nup{job="a"} 0 ${at(-30)}\nup{job="b"} NaN ${at(-30)}\n` +
        `# TYPE http counter\nhttp_total{code="200"} 7 ${at(-5)} # {trace="x"} 1\n# TYPE h histogram\n` +
        `h_bucket{le="1"} 1 ${at(-2)}\nh_bucket{le="+Inf"} 2 ${at(-2)}\nh_count 2 ${at(-2)}\nh_sum +Inf ${at(-2)}\n# EOF\n`,
    );
    const first = await run(store, page);
    expect(first).toEqual({
      ok: true,
      value: { samples: 8, series: 7, tooOld: 0, fromFuture: 0, conflicts: 0 },
    });
    const stored = await samplesOf(store);
    expect(stored.size).toBe(8);
    expect([...stored.keys()]).toContain(`http_total{code="200"} ${NOW_MS - 5 * HOUR_MS}`);
    expect([...stored.keys()]).toContain(`h_bucket{le="1.0"} ${NOW_MS - 2 * HOUR_MS}`);
    expect((await run(store, page)).ok).toBe(true);
    expect(await samplesOf(store)).toEqual(stored);
    await store.compactNow();
    expect(await samplesOf(store)).toEqual(stored);
    await store.close();
  });

  it('leaves out, and counts, what is too old, from the future, or there twice', async () => {
    const store = await newStore();
    const page = text(`a 1 ${at(-1)}\na 2 ${at(-1)}\na 1 ${at(-1)}\na 3 ${at(-300)}\na 4 ${at(5)}\n# EOF\n`);
    expect(await run(store, page)).toEqual({
      ok: true,
      value: { samples: 1, series: 1, tooOld: 1, fromFuture: 1, conflicts: 1 },
    });
    expect([...(await samplesOf(store)).keys()]).toEqual([`a ${NOW_MS - HOUR_MS}`]);
    await store.close();
  });

  it.each([
    [`a 1 ${at(-1)}\nb 2\n# EOF\n`, 2, 'history needs a timestamp'],
    [`a 1 ${at(-1)}\nb 2 x\n# EOF\n`, 2, 'b 2 x'],
    [`a 1 ${at(-1)}\n`, 0, ''],
    ['', 0, ''],
  ])('%j is refused with its place, and nothing of it is stored', async (page, line, says) => {
    const store = await newStore();
    const done = await run(store, text(page));
    if (done.ok || done.error.kind !== 'page') throw new Error('it was taken');
    if (line > 0) expect(done.error.failure.line).toBe(line);
    expect(done.error.failure.message).toContain(says);
    expect((await samplesOf(store)).size).toBe(0);
    await store.close();
  });

  it('of any bytes is stored or refused', async () => {
    const page = text(`# TYPE a gauge\na{x="y"} 1 ${at(-1)}\na{x="z"} 2.5 ${at(-2)}\n# EOF\n`);
    const random = seededRandom(9);
    for (let n = 0; n < 300; n++) {
      const changed = page.slice();
      for (let k = 0; k < 1 + (n % 3); k++) changed[random.uint32() % changed.length] = random.uint32() % 256;
      const store = await newStore();
      const done = await run(store, changed);
      const { size } = await samplesOf(store);
      if (done.ok) expect(size).toBe(done.value.samples);
      else expect(size).toBe(0);
      await store.close();
    }
  });

  it('is all there after a second run, whichever call of the disk failed in the first', async () => {
    const lines = Array.from({ length: 40 }, (_, i) => `a{i="${i % 4}"} ${i} ${at(-1 - i / 2)}\n`);
    const page = text(`${lines.join('')}# EOF\n`);
    const probe = new FakeDisk();
    const whole = await newStore(probe);
    const before = probe.calls;
    await run(whole, page);
    const calls = probe.calls - before;
    const expected = await samplesOf(whole);
    expect(expected.size).toBe(40);
    await whole.close();
    for (let n = 1; n <= calls; n += 1 + Math.floor(calls / 40)) {
      const disk = new FakeDisk();
      const store = await newStore(disk);
      disk.failAt(n);
      await run(store, page);
      expect((await run(store, page)).ok, `call ${n}`).toBe(true);
      await store.compactDue();
      expect(await samplesOf(store), `call ${n}`).toEqual(expected);
      await store.close();
    }
  });
});
