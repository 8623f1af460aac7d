// Claim: appending a scrape costs well below 0.5 µs of CPU a sample, sealing and log included, and about one byte on disk.
// 100 producers of 1,000 series each, as a page of node_exporter mixes them, on the real disk.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../src/base/index.ts';
import { labelsFrom, MetricRegistry, type SampleBatch, targetId } from '../src/model/index.ts';
import { systemDisk } from '../src/os/index.ts';
import { DEFAULT_STORE_SETTINGS, openStore } from '../src/storage/index.ts';

const PRODUCERS = 100;
const SERIES = 1000;
const ROUNDS = 240;
const WARM_UP = 80;

let nowMs = Date.UTC(2026, 0, 1);
const clock: Clock = { nowMs: () => nowMs, monotonicMs: () => nowMs, after: () => ({ cancel: () => {} }) };

/** Kinds of series in the shares that a node_exporter page has them. */
function nextValue(i: number, before: number): number {
  const kind = i % 20;
  if (kind < 11) return before;
  if (kind < 14) return before + (i % 37);
  if (kind < 16) return before + Math.floor(Math.random() * 5000);
  if (kind < 18) return Math.round((before + Math.random() * 15) * 100) / 100;
  return kind === 18 ? Math.random() * 100 : Math.floor(Math.random() * 1e9) * 4096;
}

const folder = mkdtempSync(join(tmpdir(), 'watchkeeper-bench-'));
try {
  const opened = await openStore({
    disk: systemDisk(),
    folder,
    clock,
    log: { log: (level, message) => console.log(level, message) },
    metrics: new MetricRegistry(),
    settings: DEFAULT_STORE_SETTINGS,
  });
  if (!opened.ok) throw new Error(opened.error.message);
  const store = opened.value;
  const pages = Array.from({ length: PRODUCERS }, (_, p) => ({
    producer: targetId(`node/${p}`),
    series: Uint32Array.from({ length: SERIES }, (_, i) => {
      const ref = store.intern(
        labelsFrom({ __name__: `m${i % 250}`, job: 'node', instance: `h${p}`, device: `d${i}` }),
      );
      if (!ref.ok) throw new Error(ref.error);
      return ref.value;
    }),
    values: Float64Array.from({ length: SERIES }, (_, i) => (i % 7) * 1000),
  }));
  const rounds: number[] = [];
  let cpuAppend = 0;
  let cpuMaintain = 0;
  for (let round = 0; round < ROUNDS; round++) {
    nowMs += 15_000;
    for (const page of pages)
      for (let i = 0; i < SERIES; i++) page.values[i] = nextValue(i, page.values[i] as number);
    const before = process.cpuUsage();
    const pending = pages.map(({ producer, series, values }) => {
      const batch: SampleBatch = { producer, timestampMs: nowMs, series, values };
      return store.append(batch);
    });
    for (const outcome of await Promise.all(pending)) if (!outcome.ok) throw new Error(outcome.error.message);
    const appended = process.cpuUsage(before);
    await store.maintain();
    const all = process.cpuUsage(before);
    if (round < WARM_UP) continue;
    cpuAppend += appended.user + appended.system;
    cpuMaintain += all.user + all.system - appended.user - appended.system;
    rounds.push((all.user + all.system) / (PRODUCERS * SERIES));
  }
  rounds.sort((a, b) => a - b);
  const samples = (ROUNDS - WARM_UP) * PRODUCERS * SERIES;
  const at = (share: number): string =>
    (rounds[Math.floor(share * (rounds.length - 1))] as number).toFixed(3);
  const { openSamples, chunkBytes, walBytes } = store.stats();
  console.log(
    `append ${(cpuAppend / samples).toFixed(3)} µs CPU/sample, maintenance ${(cpuMaintain / samples).toFixed(3)}`,
  );
  console.log(`per round: median ${at(0.5)}, 10 % ${at(0.1)}, 90 % ${at(0.9)}, worst ${at(1)} µs CPU/sample`);
  console.log(
    `sealed ${(chunkBytes / (ROUNDS * PRODUCERS * SERIES - openSamples)).toFixed(3)} bytes/sample, log ${(walBytes / 1e6).toFixed(0)} MB`,
  );
  global.gc?.();
  const { rss, heapUsed, arrayBuffers } = process.memoryUsage();
  console.log(
    `resident ${(rss / 1e6).toFixed(0)} MB, heap ${(heapUsed / 1e6).toFixed(0)} MB, buffers ${(arrayBuffers / 1e6).toFixed(0)} MB`,
  );
  const from = performance.now();
  const hints = { fromMs: nowMs - 300_000, toMs: nowMs, stepMs: 0, rangeMs: 0, func: '', limit: 0 };
  const found = await store.select([{ name: '__name__', op: '=', value: 'm1' }], hints);
  console.log(
    `select of ${found.ok ? found.value.length : 0} series over 5 min: ${(performance.now() - from).toFixed(1)} ms`,
  );
  await store.close();
  const start = performance.now();
  const again = await openStore({
    disk: systemDisk(),
    folder,
    clock,
    log: { log: console.log },
    metrics: new MetricRegistry(),
    settings: DEFAULT_STORE_SETTINGS,
  });
  console.log(
    `reopened in ${(performance.now() - start).toFixed(0)} ms: ${again.ok ? again.value.stats().series : 0} series`,
  );
  if (again.ok) await again.value.close();
} finally {
  rmSync(folder, { recursive: true });
}
