// The simulation over many seeds: bundled once, then spread over processes, one a core.

import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { pathToFileURL } from 'node:url';
import { withBundle } from './soak-bundle.mjs';

/** From 100 half hours on, each fault and each promise must have been exercised. */
const ENFORCED_FROM_MINUTES = 3000;
/** A line of progress this often. */
const PROGRESS_MS = 15_000;

export async function soakSim(options) {
  const one = options.seed === undefined ? undefined : Number(options.seed);
  const seeds = one === undefined ? Number(options.seeds ?? 200) : 1;
  const from = one ?? Number(options.from ?? 1);
  const minutes = Number(options.minutes ?? 30);
  const jobs = Math.min(seeds, Number(options.jobs ?? availableParallelism()));
  if (![seeds, from, minutes, jobs].every(value => Number.isFinite(value) && value >= 1)) {
    process.stderr.write('soak: --seeds, --from, --seed, --minutes and --jobs are numbers of at least 1\n');
    return 2;
  }
  const task = { minutes, verbose: one !== undefined, watch: options.watch };
  return withBundle('soak-sim', program => runAll({ program, from, seeds, jobs, task }));
}

async function runAll({ program, from, seeds, jobs, task }) {
  const { tallyTable, untouched } = await import(pathToFileURL(program).href);
  const startedMs = performance.now();
  const total = { faults: {}, promises: {} };
  let next = from;
  let passed = 0;
  let failed = 0;
  const progress = setInterval(() => {
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(0);
    process.stdout.write(`${seconds} s: ${passed + failed} of ${seeds} seeds, ${failed} failed\n`);
  }, PROGRESS_MS);
  await Promise.all(Array.from({ length: jobs }, () => worker()));
  clearInterval(progress);

  function worker() {
    return new Promise(resolve => {
      const child = fork(program, {
        execArgv: ['--max-semi-space-size=64'],
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      });
      let seed = 0;
      const give = () => {
        if (next >= from + seeds) {
          seed = 0;
          child.disconnect();
          return;
        }
        seed = next++;
        child.send({ seed, ...task });
      };
      child.on('message', result => {
        if (result.failed) failed += 1;
        else passed += 1;
        if (result.text !== '') process.stdout.write(`${result.text}\n`);
        for (const part of ['faults', 'promises']) {
          for (const [name, count] of Object.entries(result.tally[part])) {
            total[part][name] = (total[part][name] ?? 0) + count;
          }
        }
        give();
      });
      child.on('exit', code => {
        if (seed !== 0) {
          failed += 1;
          process.stdout.write(`FAILED seed ${seed}: its process ended with exit code ${code}\n`);
        }
        // What the dead worker would have run is left to the others; the last one alive finds none.
        resolve();
      });
      give();
    });
  }

  process.stdout.write(`${tallyTable(total)}\n`);
  // A few seeds cannot meet everything: they say so, and only a run of some size fails by it.
  const isLarge = seeds * task.minutes >= ENFORCED_FROM_MINUTES;
  const rare = untouched(total);
  if (!isLarge && rare.length > 0) process.stdout.write(`never exercised: ${rare.join(', ')}\n`);
  const missing = isLarge ? rare : [];
  for (const name of missing) process.stdout.write(`FAILED never exercised: ${name}\n`);
  const left = from + seeds - next;
  if (left > 0) process.stdout.write(`FAILED ${left} seeds did not run: their workers died\n`);
  const seconds = (performance.now() - startedMs) / 1000;
  process.stdout.write(
    `${seeds} seeds of ${task.minutes} minutes in ${seconds.toFixed(1)} s, ${(seconds / seeds).toFixed(2)} s a seed\n`,
  );
  const failures = failed + missing.length + left;
  process.stdout.write(`${passed} passed, ${failures} failed\n`);
  return failures === 0 ? 0 : 1;
}
