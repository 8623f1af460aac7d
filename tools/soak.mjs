// Long runs, any number of them:
//   npm run soak -- sim    [--seeds 200] [--minutes 30] [--from 1] [--jobs CORES]   |  --seed S [--watch TEXT]
//   npm run soak -- memory [--minutes 30] [--targets 100] [--series 1000] [--interval 1s]
//   npm run soak -- store  [--hours 24]
// All end in one line: "N passed, N failed".

import { parseArgs } from 'node:util';
import { soakMemory } from './soak-memory.mjs';
import { soakSim } from './soak-sim.mjs';
import { soakStore } from './soak-store.mjs';

const USAGE = `usage: npm run soak -- sim    [--seeds 200] [--minutes 30] [--from 1] [--jobs N]
       npm run soak -- sim    --seed S [--minutes 30] [--watch TEXT]
       npm run soak -- memory [--minutes 30] [--targets 100] [--series 1000]
       npm run soak -- store  [--hours 24]
`;

const [kind, ...rest] = process.argv.slice(2);
process.exit(await main());

async function main() {
  const kinds = { sim: soakSim, memory: soakMemory, store: soakStore };
  const run = kinds[kind];
  if (run === undefined) return usage(`"${kind ?? ''}" is no kind of soak`);
  try {
    const { values } = parseArgs({
      args: rest,
      options: Object.fromEntries(
        ['seeds', 'minutes', 'from', 'jobs', 'seed', 'watch', 'targets', 'series', 'hours'].map(name => [
          name,
          { type: 'string' },
        ]),
      ),
    });
    return await run(values);
  } catch (error) {
    if (error?.code?.startsWith('ERR_PARSE_ARGS')) return usage(error.message);
    throw error;
  }
}

function usage(problem) {
  process.stderr.write(`soak: ${problem}\n${USAGE}`);
  return 2;
}
