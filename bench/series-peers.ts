// Claims: a new series costs less CPU than in Prometheus and VictoriaMetrics, and a million active series take less memory
// than in Prometheus. Each on one core, the sender on another. BENCH_HOSTS (default 5000; 25000 for the figures) of 20 series.

import { setTimeout as sleep } from 'node:timers/promises';
import { bodies, loadOf, sendAll } from './peers/push-load.ts';
import {
  cpuSeconds,
  keepOff,
  pinnable,
  presentSystems,
  residentMb,
  type System,
  withSystem,
} from './peers/systems.ts';

const HOSTS = Number(process.env['BENCH_HOSTS'] ?? 5000);
const STEPS = 8;
const STEP_MS = 15_000;
const SERIES_EACH = 2000;
/** What is done behind the answers belongs to the cost. */
const SETTLE_MS = 10_000;

interface Figures {
  readonly newSeriesCpu: number;
  readonly laterCpu: number;
  readonly megabytes: number;
  readonly idleMegabytes: number;
}

const load = loadOf(HOSTS);

async function measure(system: System): Promise<Figures> {
  return withSystem(system, async ({ at, pid }) => {
    const idleMegabytes = residentMb(pid);
    const endMs = Math.floor(Date.now() / STEP_MS) * STEP_MS;
    const timeMs = (step: number): number => endMs - (STEPS - step) * STEP_MS;
    const send = async (fromStep: number): Promise<number> => {
      const before = cpuSeconds(pid);
      const part = { fromStep, steps: 1, timeMs, packing: 'snappy', seriesEach: SERIES_EACH } as const;
      await sendAll({ port: at.port, path: system.writePath }, bodies(load, part));
      await sleep(SETTLE_MS);
      return cpuSeconds(pid) - before;
    };
    const newSeriesCpu = await send(0);
    let later = 0;
    for (let step = 1; step < STEPS; step++) later += await send(step);
    const millions = load.series / 1e6;
    return {
      newSeriesCpu: newSeriesCpu / millions,
      laterCpu: later / (millions * (STEPS - 1)),
      megabytes: residentMb(pid) / millions,
      idleMegabytes,
    };
  });
}

keepOff();
process.stdout.write(
  `${load.series} new series, then ${STEPS - 1} samples more of each; ${pinnable ? 'pinned to a core' : 'not pinned'}\n`,
);
let ours: Figures | undefined;
for (const system of presentSystems()) {
  const found = await measure(system);
  if (system.name === 'watchkeeper') ours = found;
  const ratio = (pick: (figures: Figures) => number): string =>
    ours === undefined ? '' : ` (x${(pick(found) / pick(ours)).toFixed(2)} of ours)`;
  process.stdout.write(
    `${system.name.padEnd(18)} ${found.newSeriesCpu.toFixed(1)} CPU s/M new series${ratio(one => one.newSeriesCpu)}, then ${found.laterCpu.toFixed(2)} CPU s/M samples, ${(found.megabytes / 1024).toFixed(2)} GiB/M series${ratio(one => one.megabytes)} (idle ${found.idleMegabytes.toFixed(0)} MB)\n`,
  );
}
