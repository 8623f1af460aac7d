// `npm run soak -- store`: days of scrapes into a real store on a real disk, at full speed: 200 targets of 100 series
// every 15 seconds. What is stored is a formula of series and time, so that any answer can be judged: while it goes on,
// before and after sealing, compaction and a restart. Memory must stay flat and the folder as small as it should be.

import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Clock } from '../src/base/index.ts';
import { labelsFrom, MetricRegistry, type SeriesColumns, targetId } from '../src/model/index.ts';
import { systemDisk } from '../src/os/index.ts';
import { DEFAULT_STORE_SETTINGS, openStore, type Store } from '../src/storage/index.ts';
import { seededRandom } from '../test/support/random.ts';

const TARGETS = 200;
const SERIES = 100;
const STEP_MS = 15_000;
const STEPS_AN_HOUR = 3_600_000 / STEP_MS;
const START_MS = Date.UTC(2026, 0, 1);
/** Simulated minutes between two looks of the store at what is due. */
const MAINTAIN_STEPS = 20;
const COMPACT_STEPS = 4;
/** Series judged in each look; each over all of its time. */
const JUDGED = 40;
/**
 * The mean of the last third may be so much above that of the middle third: of what is alive after a collection, which says
 * whether anything is kept that should not be, and of what is resident, which goes up and down with the blocks that are
 * merged and with what malloc gives back.
 */
const ALIVE_GROWTH_MAX = 0.1;
const RESIDENT_GROWTH_MAX = 0.25;
const BYTES_A_SAMPLE_MAX = 1.6;

let nowMs = START_MS;
const clock: Clock = {
  nowMs: () => nowMs,
  monotonicMs: () => nowMs - START_MS,
  after: (delayMs, fire) => {
    // The store's own timers are the loop below; its pauses between slices must pass.
    const timer = delayMs > 0 ? undefined : setImmediate(fire);
    return { cancel: () => (timer === undefined ? undefined : clearImmediate(timer)) };
  },
};

const problems: string[] = [];
const random = seededRandom(1);
const below = (max: number): number => Math.floor(random.float() * max);

/** A counter with a rate of its own, a gauge in hundredths, a constant: what exporters serve. */
function sampleOf(target: number, i: number, step: number): number {
  const mixed = Math.imul(step + 1, 0x9e3779b1 ^ (target * 131 + i * 7919)) >>> 0;
  if (i % 4 === 0) return 50;
  if (i % 4 === 1) return Math.round((i + (mixed % 500) / 10) * 10) / 10;
  return step * (i + 1) + (mixed % (i + 1));
}

const offsetOf = (target: number): number => (target * 73) % STEP_MS;

async function open(folder: string): Promise<Store> {
  const opened = await openStore({
    disk: systemDisk(),
    folder,
    clock,
    log: { log: (level, message, fields) => level !== 'info' && console.log(level, message, fields) },
    metrics: new MetricRegistry(),
    settings: { ...DEFAULT_STORE_SETTINGS, maxAgeMs: 400 * 86_400_000 },
  });
  if (!opened.ok) throw new Error(opened.error.message);
  return opened.value;
}

function refsOf(store: Store): Uint32Array[] {
  return Array.from({ length: TARGETS }, (_, target) =>
    Uint32Array.from({ length: SERIES }, (_, i) => {
      const ref = store.intern(
        labelsFrom({ __name__: `metric_${i}`, instance: `host-${target}:9100`, job: 'node' }),
      );
      if (!ref.ok) throw new Error(ref.error);
      return ref.value;
    }),
  );
}

/** Whether the answer for some series is what was put in, up to and without `steps`. */
async function judge(store: Store, steps: number, when: string): Promise<void> {
  for (let n = 0; n < JUDGED; n++) {
    const target = below(TARGETS);
    const i = below(SERIES);
    const found = await store.select(
      [
        { name: '__name__', op: '=', value: `metric_${i}` },
        { name: 'instance', op: '=', value: `host-${target}:9100` },
      ],
      { fromMs: 0, toMs: nowMs + STEP_MS, stepMs: 0, rangeMs: 0, func: '', limit: 0 },
    );
    const [one, ...more] = found.ok ? found.value : [];
    if (one === undefined || more.length > 0 || !isAsPut(one, { target, i, steps }))
      problems.push(`${when}: metric_${i} of host-${target} is not what was put in`);
  }
}

function isAsPut(
  { timesMs, values, from, to }: SeriesColumns,
  put: { readonly target: number; readonly i: number; readonly steps: number },
): boolean {
  if (to - from !== put.steps) return false;
  for (let step = 0; step < put.steps; step++) {
    if (timesMs[from + step] !== START_MS + step * STEP_MS + offsetOf(put.target)) return false;
    if (values[from + step] !== sampleOf(put.target, put.i, step)) return false;
  }
  return true;
}

const mean = (numbers: readonly number[]): number =>
  numbers.reduce((sum, one) => sum + one, 0) / Math.max(1, numbers.length);

interface Memory {
  readonly resident: number[];
  readonly alive: number[];
}

/** Bytes of objects and buffers that something still holds. */
function aliveBytes(collect: () => void): number {
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

function collector(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}

async function fill(store: Store, steps: number): Promise<Memory> {
  const refs = refsOf(store);
  const resident: number[] = [];
  const alive: number[] = [];
  const collect = collector();
  for (let step = 0; step < steps; step++) {
    nowMs = START_MS + step * STEP_MS;
    const outcomes = await Promise.all(
      refs.map((series, target) =>
        store.append({
          producer: targetId(`node/host-${target}`),
          timestampMs: nowMs + offsetOf(target),
          series,
          values: Float64Array.from({ length: SERIES }, (_, i) => sampleOf(target, i, step)),
        }),
      ),
    );
    if (outcomes.some(one => !one.ok || one.value.refusedCount > 0)) problems.push(`step ${step}: refused`);
    if (step % MAINTAIN_STEPS === 0) await store.maintain();
    if (step % COMPACT_STEPS === 0) await store.compactDue();
    if (step % (STEPS_AN_HOUR / 4) === 0) resident.push(process.memoryUsage().rss);
    if (step % STEPS_AN_HOUR === 0) alive.push(aliveBytes(collect));
    if ((step + 1) % (STEPS_AN_HOUR * 2) === 0) {
      await judge(store, step + 1, `after ${(step + 1) / STEPS_AN_HOUR} hours`);
      const { blocks, blockBytes, walBytes, chunkBytes } = store.stats();
      const mb = (bytes: number): string => (bytes / 1e6).toFixed(0);
      console.log(
        `${(step + 1) / STEPS_AN_HOUR} h: resident ${mb(process.memoryUsage().rss)} MB, ${blocks.length} blocks ` +
          `of ${mb(blockBytes)} MB, chunks ${mb(chunkBytes)} MB, log ${mb(walBytes)} MB, ${problems.length} problems`,
      );
    }
  }
  return { resident, alive };
}

/** A third is warming up: caches fill, and the first blocks come after three hours. */
function growthOf(bytes: readonly number[]): { readonly growth: number; readonly text: string } {
  const third = Math.floor(bytes.length / 3);
  const middle = mean(bytes.slice(third, 2 * third));
  const last = mean(bytes.slice(2 * third));
  const mb = (one: number): string => (one / 1e6).toFixed(0);
  return {
    growth: last / middle - 1,
    text: `${mb(middle)} MB in the middle third, ${mb(last)} MB in the last`,
  };
}

async function main(hours: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'watchkeeper-soak-'));
  try {
    const startedMs = performance.now();
    const steps = Math.round(hours * STEPS_AN_HOUR);
    const samples = steps * TARGETS * SERIES;
    let store = await open(folder);
    const memory = await fill(store, steps);
    await judge(store, steps, 'before sealing');
    await store.sealAll();
    await judge(store, steps, 'after sealing');
    const compacted = await store.compactNow();
    if (!compacted.ok) problems.push(`compaction: ${compacted.error.message}`);
    await judge(store, steps, 'after compaction');
    const { blockBytes, blocks } = store.stats();
    await store.close();
    store = await open(folder);
    await judge(store, steps, 'after a restart');
    await store.close();
    const stored = blocks.reduce((sum, block) => sum + block.samples, 0);
    if (stored !== samples) problems.push(`${stored} of ${samples} samples are in blocks`);
    const left = readdirSync(folder).filter(name => /\.(new|gone|bad)$/.test(name));
    if (left.length > 0) problems.push(`left over: ${left.join(', ')}`);
    if (blockBytes / samples > BYTES_A_SAMPLE_MAX)
      problems.push(`${(blockBytes / samples).toFixed(2)} bytes a sample`);
    const resident = growthOf(memory.resident);
    const alive = growthOf(memory.alive);
    // Below six hours the head itself is still growing.
    if (hours >= 6 && alive.growth > ALIVE_GROWTH_MAX)
      problems.push(`what is alive grew by ${(alive.growth * 100).toFixed(0)} %`);
    if (hours >= 6 && resident.growth > RESIDENT_GROWTH_MAX)
      problems.push(`resident memory grew by ${(resident.growth * 100).toFixed(0)} %`);
    for (const problem of problems.slice(0, 20)) console.log(`FAILED ${problem}`);
    console.log(
      `${samples} samples in ${((performance.now() - startedMs) / 1000).toFixed(0)} s: ` +
        `${(blockBytes / samples).toFixed(3)} bytes a sample, resident ${resident.text}, alive ${alive.text}`,
    );
    console.log(problems.length === 0 ? '1 passed, 0 failed' : '0 passed, 1 failed');
    process.exitCode = problems.length === 0 ? 0 : 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

await main(Number(process.argv[2] ?? 24));
