// Claims: remote write costs less CPU than Prometheus and VictoriaMetrics need for it, with one sample a series and
// request and with ten; and after kill -9 the program is ready sooner. Each on one core, the sender on another.
// BENCH_HOSTS (default 200; 1000 for the figures) of 20 series, BENCH_STEPS (default 240; 1440 are six hours) of 15 s.

import { bodies, loadOf, type Packing, sendAll } from './peers/push-load.ts';
import {
  cpuSeconds,
  keepOff,
  pinnable,
  presentSystems,
  residentMb,
  type System,
  withSystem,
} from './peers/systems.ts';

const HOSTS = Number(process.env['BENCH_HOSTS'] ?? 200);
const STEPS = Number(process.env['BENCH_STEPS'] ?? 240);
const STEP_MS = 15_000;
/** Of the steps, those sent one by one. */
const SINGLE_STEPS = Math.max(20, Math.floor(STEPS / 12));
const SERIES_EACH = { single: 2000, ten: 500 };

interface Row {
  readonly what: string;
  readonly cpuSecondsAMillion: number;
  readonly samplesASecond: number;
}

const load = loadOf(HOSTS);

async function measure(
  system: System,
): Promise<{ rows: Row[]; peakMb: number; readyMs: number; samples: number }> {
  return withSystem(system, async ({ at, pid, restart }) => {
    // Everything lies in the past: nothing is from the future, nothing too old.
    const endMs = Math.floor(Date.now() / STEP_MS) * STEP_MS;
    const totalSteps = STEPS + 2 * SINGLE_STEPS;
    const timeMs = (step: number): number => endMs - (totalSteps - step) * STEP_MS;
    const rows: Row[] = [];
    let step = 0;
    let all = 0;
    const phase = async (what: string, count: number, each: number, packing: Packing): Promise<void> => {
      const before = { cpu: cpuSeconds(pid), at: performance.now() };
      let samples = 0;
      const stop = step + count;
      for (; step < stop; step += each) {
        const part = { fromStep: step, steps: each, timeMs, packing };
        const seriesEach = each === 1 ? SERIES_EACH.single : SERIES_EACH.ten;
        samples += await sendAll(
          { port: at.port, path: system.writePath },
          bodies(load, { ...part, seriesEach }),
        );
      }
      all += samples;
      rows.push({
        what: `${what}, ${packing}`,
        cpuSecondsAMillion: ((cpuSeconds(pid) - before.cpu) / samples) * 1e6,
        samplesASecond: samples / ((performance.now() - before.at) / 1000),
      });
    };
    await phase('10 samples a series', STEPS / 2, 10, 'snappy');
    await phase('10 samples a series', STEPS / 2, 10, 'literals');
    await phase('1 sample a series', SINGLE_STEPS, 1, 'snappy');
    await phase('1 sample a series', SINGLE_STEPS, 1, 'literals');
    const peakMb = residentMb(pid, 'VmHWM');
    return { rows, peakMb, readyMs: await restart(), samples: all };
  });
}

keepOff();
process.stdout.write(
  `${load.series} series, ${STEPS} steps; ${pinnable ? 'pinned to a core' : 'not pinned'}; the log of Watchkeeper is synced each second\n`,
);
const ours = new Map<string, number>();
for (const system of presentSystems()) {
  const { rows, peakMb, readyMs, samples } = await measure(system);
  for (const { what, cpuSecondsAMillion, samplesASecond } of rows) {
    if (system.name === 'watchkeeper') ours.set(what, cpuSecondsAMillion);
    const ratio = cpuSecondsAMillion / (ours.get(what) ?? Number.NaN);
    process.stdout.write(
      `${system.name.padEnd(18)} ${what.padEnd(30)} ${cpuSecondsAMillion.toFixed(2)} CPU s/M samples (x${ratio.toFixed(2)} of ours), ${Math.round(samplesASecond / 1000)} k samples/s\n`,
    );
  }
  process.stdout.write(
    `${system.name.padEnd(18)} peak ${peakMb.toFixed(0)} MB; ready ${readyMs.toFixed(0)} ms after kill -9 with ${(samples / 1e6).toFixed(1)} M samples\n`,
  );
}
