// A stretch of seeds as one vitest test: they share two files, so that they run on two threads.

import { expect, it } from 'vitest';
import { failureText } from './report.ts';
import { runSimulation } from './run.ts';
import { addTally, newTally, tallyTable, untouched } from './tally.ts';

const MINUTES = 30;
/** On a machine that is several times slower than ours, or busy. */
const TIMEOUT_MS = 600_000;

export function checkSeeds(from: number, to: number): void {
  it(
    `keeps every promise in ${MINUTES} simulated minutes of each seed from ${from} to ${to}`,
    async () => {
      const tally = newTally();
      const failed: string[] = [];
      const startedMs = performance.now();
      for (let seed = from; seed <= to; seed++) {
        const result = await runSimulation(seed, MINUTES);
        addTally(tally, result.tally);
        if (result.failures.length > 0) failed.push(failureText(result, { withLog: false }));
      }
      const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
      process.stdout.write(`simulation, seeds ${from} to ${to}, ${seconds} s\n${tallyTable(tally)}\n`);
      expect(failed.join('\n\n')).toBe('');
      expect(untouched(tally), 'faults and promises that no seed exercised').toEqual([]);
    },
    TIMEOUT_MS,
  );
}
