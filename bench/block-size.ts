// Bytes a sample in blocks, index included, and the CPU that cutting and compacting takes. Data: hosts with ten gauges
// (whole-number walks and decimals) and ten counters (four of them histogram buckets), ten or eleven labels, a step of 15 s,
// six hours, two hosts in a hundred reset once. BENCH_HOSTS says how many hosts (100); 1000 is the full size. Blocks are made
// in a thread as in the program; BENCH_THREAD=no makes them beside everything else, in slices.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay, PerformanceObserver } from 'node:perf_hooks';
import type { Clock } from '../src/base/index.ts';
import { labelsFrom, MetricRegistry, targetId } from '../src/model/index.ts';
import { keepYoungSmall, startThread, systemDisk } from '../src/os/index.ts';
import { DEFAULT_STORE_SETTINGS, openStore, type Store, ThreadMaker } from '../src/storage/index.ts';
import { seededRandom } from '../test/support/random.ts';

const HOSTS = Number(process.env['BENCH_HOSTS'] ?? 100);
const STEPS = (6 * 3600) / 15;
const STEP_MS = 15_000;
const START_MS = Date.UTC(2026, 0, 1);

let nowMs = START_MS;
const clock: Clock = {
  nowMs: () => nowMs,
  monotonicMs: () => performance.now(),
  after: (delayMs, fire) => {
    const timer = setTimeout(fire, delayMs);
    // The store's own timers must not keep the program going, its pauses between slices must.
    if (delayMs > 0) timer.unref();
    return { cancel: () => clearTimeout(timer) };
  },
};

const random = seededRandom(1);
const BUCKETS = ['0.1', '0.5', '1', '+Inf'];

interface Host {
  readonly series: Uint32Array;
  readonly values: Float64Array;
  readonly resetAt: number;
  readonly offsetMs: number;
}

function hostOf(store: Store, h: number): Host {
  const common = {
    instance: `host-${h}.example.org:9100`,
    job: 'node',
    dc: `dc${h % 4}`,
    rack: `r${h % 40}`,
    cluster: `c${h % 8}`,
    env: h % 10 === 0 ? 'stage' : 'production',
    os: 'linux',
    arch: h % 3 === 0 ? 'arm64' : 'amd64',
    team: `team-${h % 12}`,
  };
  const names = [
    ...Array.from({ length: 10 }, (_, i) => ({ __name__: `gauge_${i}_value`, ...common })),
    ...Array.from({ length: 6 }, (_, i) => ({ __name__: `counter_${i}_total`, ...common })),
    ...BUCKETS.map(le => ({ __name__: 'request_seconds_bucket', le, ...common })),
  ];
  const series = Uint32Array.from(names, labels => {
    const ref = store.intern(labelsFrom(labels));
    if (!ref.ok) throw new Error(ref.error);
    return ref.value;
  });
  const values = Float64Array.from({ length: 20 }, (_, i) => (i < 10 ? 50 : random.uint32() % 1e6));
  const resetAt = h % 50 === 0 ? Math.floor(STEPS / 2) : -1;
  return { series, values, resetAt, offsetMs: random.uint32() % STEP_MS };
}

function step({ values, resetAt }: Host, n: number): void {
  for (let i = 0; i < 10; i++) {
    const before = values[i] as number;
    if (i < 5) values[i] = before + (random.uint32() % 7) - 3;
    else if (i < 8) values[i] = Math.round((before + random.float() - 0.5) * 10) / 10;
    else values[i] = Math.round((before + random.float() - 0.5) * 100) / 100;
  }
  if (n === resetAt) values.fill(0, 10);
  let total = 0;
  for (let i = 10; i < 16; i++) values[i] = (values[i] as number) + (random.uint32() % 10 ** (i - 9));
  for (let b = 0; b < 4; b++) {
    total += random.uint32() % 4;
    values[16 + b] = (values[16 + b] as number) + total;
  }
}

let gcMsMax = 0;
new PerformanceObserver(list => {
  for (const { duration } of list.getEntries()) gcMsMax = Math.max(gcMsMax, duration);
}).observe({ entryTypes: ['gc'] });

keepYoungSmall();
const start = startThread(new URL('../src/app/block-thread.js', import.meta.url), 'blocks');
const folder = mkdtempSync(join(tmpdir(), 'watchkeeper-bench-'));
try {
  const opened = await openStore({
    disk: systemDisk(),
    folder,
    clock,
    log: { log: (level, message) => console.log(level, message) },
    metrics: new MetricRegistry(),
    settings: DEFAULT_STORE_SETTINGS,
    ...(process.env['BENCH_THREAD'] !== 'no' && { maker: new ThreadMaker({ start, clock }) }),
  });
  if (!opened.ok) throw new Error(opened.error.message);
  const store = opened.value;
  const hosts = Array.from({ length: HOSTS }, (_, h) => hostOf(store, h));
  for (let n = 0; n < STEPS; n++) {
    nowMs = START_MS + n * STEP_MS;
    const written = hosts.map((host, h) => {
      step(host, n);
      const producer = targetId(`node/host-${h}`);
      // A scrape comes a few milliseconds around its time.
      const timestampMs = nowMs + host.offsetMs + (random.uint32() % 5);
      return store.append({ producer, timestampMs, series: host.series, values: host.values });
    });
    for (const outcome of await Promise.all(written))
      if (!outcome.ok || outcome.value.refusedCount > 0) throw new Error('refused');
    if (n % 40 === 0) await store.maintain();
  }
  const samples = HOSTS * 20 * STEPS;
  await store.sealAll();
  const sealed = store.stats().chunkBytes;
  const report = async (what: string, work: () => Promise<{ readonly ok: boolean }>): Promise<void> => {
    const loop = monitorEventLoopDelay({ resolution: 1 });
    loop.enable();
    gcMsMax = 0;
    const cpu = process.cpuUsage();
    const from = performance.now();
    const done = await work();
    const used = process.cpuUsage(cpu);
    loop.disable();
    const { blocks, blockBytes } = store.stats();
    const stored = blocks.reduce((sum, block) => sum + block.samples, 0);
    console.log(
      `${what}: ${done.ok ? 'done' : 'FAILED'} in ${((performance.now() - from) / 1000).toFixed(2)} s, ` +
        `${((used.user + used.system) / samples).toFixed(3)} µs CPU/sample, ${blocks.length} blocks, ` +
        `${stored} samples, ${(blockBytes / stored).toFixed(3)} bytes/sample, event loop at most ${(loop.max / 1e6).toFixed(1)} ms late, 99.9 % within ${(loop.percentile(99.9) / 1e6).toFixed(1)} ms, longest collection ${gcMsMax.toFixed(1)} ms`,
    );
  };
  console.log(
    `${HOSTS * 20} series, ${samples} samples, head chunks ${(sealed / samples).toFixed(3)} bytes/sample`,
  );
  await report('cut what is due', () => store.compactDue());
  await report('compact everything', () => store.compactNow());
  await report('again', () => store.compactNow());
  const { rss } = process.memoryUsage();
  const from = performance.now();
  const hints = { fromMs: START_MS, toMs: nowMs, stepMs: 0, rangeMs: 0, func: '', limit: 0 };
  const found = await store.select([{ name: '__name__', op: '=', value: 'counter_3_total' }], hints);
  const tookMs = (performance.now() - from).toFixed(1);
  console.log(
    `select of ${found.ok ? found.value.length : 0} series over 6 h: ${tookMs} ms, resident ${(rss / 1e6).toFixed(0)} MB`,
  );
  await store.close();
} finally {
  rmSync(folder, { recursive: true });
}
