// The settings of the JavaScript heap reach the engine: its young generation stays as small as src/os/heap.ts says.

import { afterEach, expect, it } from 'vitest';
import { startProgram, temporaryFolder, until } from './support.ts';

const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const clean of cleanUp.splice(0).reverse()) await clean();
});

/** Both halves, and what a collection under way needs besides; 32 without the settings. */
const YOUNG_MIB_MAX = 18;
/** Makes what a large query would: objects that live for a while. Then says how large the young generation is. */
const PRELOAD = `
  const { getHeapSpaceStatistics } = require('node:v8');
  if (require('node:worker_threads').isMainThread) setTimeout(() => {
    const lists = [];
    for (let i = 0; i < 200; i++) lists.push(Array.from({ length: 10_000 }, (_, k) => ({ k })));
    const young = getHeapSpaceStatistics().find(space => space.space_name === 'new_space');
    console.error('young generation of MiB: ' + Math.round(young.space_size / 1048576) + ' beside ' + lists.length);
  }, 2000);
`;

it('the young generation does not grow with what lives', async () => {
  const folder = temporaryFolder();
  cleanUp.push(folder.remove);
  const preload = folder.write('preload.cjs', PRELOAD);
  const config = folder.write('watchkeeper.yml', 'host: { enabled: false }\nrule_files: []\n');
  const env = { NODE_OPTIONS: `--require ${preload}` };
  const program = await startProgram({ folder, args: ['--config', config], env });
  cleanUp.push(program.kill);
  const found = await until('the size', () => /young generation of MiB: (\d+)/.exec(program.output())?.[1], {
    withinMs: 30_000,
  });
  expect(Number(found)).toBeLessThanOrEqual(YOUNG_MIB_MAX);
});
