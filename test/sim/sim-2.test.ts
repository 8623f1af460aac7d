// The whole system on fakes, driven by seeds: the second half.

import { checkSeeds } from './check-seeds.ts';

checkSeeds(101, 200);
