// The whole system on fakes, driven by seeds: the first half, and that a seed gives the same run each time.

import { expect, it } from 'vitest';
import { checkSeeds } from './check-seeds.ts';
import { runSimulation } from './run.ts';

checkSeeds(1, 100);

it('gives the same run for the same seed', async () => {
  const [first, second] = [await runSimulation(7, 30), await runSimulation(7, 30)];
  expect(second.tally).toEqual(first.tally);
  expect(second.log).toEqual(first.log);
});
