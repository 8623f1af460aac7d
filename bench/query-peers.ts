// Claim: queries over the same data, asked over HTTP, are answered sooner than by Prometheus and VictoriaMetrics. Each on one
// core, who asks on another; medians. Where VictoriaMetrics means something else it still answers the same question.
// BENCH_HOSTS (default 1000) of 20 series with a sample each 15 s for BENCH_HOURS (default 6); BENCH_ROUNDS (default 10).
// BENCH_ONLY: a pattern of the queries' names; BENCH_SYSTEMS: names of programs. Cost grows with what is asked for: 500 hosts for
// 24 hours are 57.6 M samples, 5000 hosts for a tenth of an hour with BENCH_ONLY=^instant 100,000 series at one moment.

import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { bodies, loadOf, sendAll } from './peers/push-load.ts';
import { type Asked, askedOf } from './peers/query-list.ts';
import {
  cpuSeconds,
  keepOff,
  median,
  pinnable,
  presentSystems,
  resetPeak,
  residentMb,
  type System,
  withSystem,
} from './peers/systems.ts';

const HOSTS = Number(process.env['BENCH_HOSTS'] ?? 1000);
const HOURS = Number(process.env['BENCH_HOURS'] ?? 6);
const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 10);
const ONLY = new RegExp(process.env['BENCH_ONLY'] ?? '');
const STEP_MS = 15_000;
const STEPS = Math.round((HOURS * 3_600_000) / STEP_MS);
const SERIES_EACH = 500;
const WARM_UP_ROUNDS = 2;
const NAME_WIDTH = 78;
/** VictoriaMetrics would answer a range that was asked before out of its cache; the others pass over it. */
const UNCACHED = '&nocache=1';
/** What is done behind the answers of the writes is over then. */
const SETTLE_MS = 15_000;

interface Figures {
  readonly ms: ReadonlyMap<string, number>;
  readonly cpu: number;
  /** Resident before the queries, and the most while they ran. */
  readonly beforeMb: number;
  readonly peakMb: number;
}

const load = loadOf(HOSTS);
/** The same for all, and off the samples' own times: windows are open on the left here and closed there. */
const endMs = Math.floor(Date.now() / STEP_MS) * STEP_MS - 60_000;
const queries = askedOf({ endMs: endMs + 7123, hours: HOURS }).filter(({ name }) => ONLY.test(name));

async function measure(system: System): Promise<Figures> {
  return withSystem(system, async ({ at, pid }) => {
    const timeMs = (step: number): number => endMs - (STEPS - 1 - step) * STEP_MS;
    for (let fromStep = 0; fromStep < STEPS; fromStep += 10) {
      const part = {
        fromStep,
        steps: Math.min(10, STEPS - fromStep),
        timeMs,
        packing: 'snappy',
        seriesEach: SERIES_EACH,
      } as const;
      await sendAll({ port: at.port, path: system.writePath }, bodies(load, part));
    }
    await sleep(SETTLE_MS);
    const beforeMb = residentMb(pid);
    resetPeak(pid);
    const cpuBefore = cpuSeconds(pid);
    const ms = new Map<string, number>();
    for (const query of queries) {
      const times: number[] = [];
      for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round++) {
        const took = await ask(at.port, query);
        if (round >= 0) times.push(took);
      }
      ms.set(query.name, median(times));
    }
    return { ms, cpu: cpuSeconds(pid) - cpuBefore, beforeMb, peakMb: residentMb(pid, 'VmHWM') };
  });
}

/** Milliseconds until the last byte is there. */
function ask(port: number, { path, name }: Asked): Promise<number> {
  const startMs = performance.now();
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path: `${path}${UNCACHED}`, method: 'GET' }, response => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('end', () => {
        const tookMs = performance.now() - startMs;
        const text = Buffer.concat(parts).toString('utf8', 0, 300);
        if (response.statusCode === 200 && !text.includes('"result":[]')) resolve(tookMs);
        else reject(new Error(`${name} is answered ${response.statusCode}: ${text}`));
      });
    });
    sent.on('error', reject);
    sent.end();
  });
}

keepOff();
process.stdout.write(
  `${load.series} series x ${STEPS} steps; medians of ${ROUNDS}; ${pinnable ? 'pinned to a core' : 'not pinned'}\n`,
);
const all = new Map<string, Figures>();
for (const system of presentSystems()) all.set(system.name, await measure(system));
const columns = [...all.keys()];
process.stdout.write(
  `${'milliseconds'.padEnd(NAME_WIDTH)}${columns.map(name => name.padStart(18)).join('')}\n`,
);
for (const { name } of queries) {
  const row = columns.map(column => (all.get(column)?.ms.get(name) ?? Number.NaN).toFixed(1).padStart(18));
  process.stdout.write(`${name.padEnd(NAME_WIDTH)}${row.join('')}\n`);
}
const summary: readonly (readonly [string, (figures: Figures) => number])[] = [
  ['sum of medians', ({ ms }) => [...ms.values()].reduce((sum, one) => sum + one, 0)],
  [
    'geometric mean',
    ({ ms }) => Math.exp([...ms.values()].reduce((sum, one) => sum + Math.log(one), 0) / ms.size),
  ],
  ['CPU s for all', ({ cpu }) => cpu],
  ['MB before the queries', ({ beforeMb }) => beforeMb],
  ['peak MB while they ran', ({ peakMb }) => peakMb],
];
for (const [name, of] of summary) {
  const row = columns.map(column =>
    of(all.get(column) as Figures)
      .toFixed(1)
      .padStart(18),
  );
  process.stdout.write(`${name.padEnd(NAME_WIDTH)}${row.join('')}\n`);
}
