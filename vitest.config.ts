// How tests run: Node environment, tests beside the code and under test/, in three projects.

import { defineConfig } from 'vitest/config';

const common = {
  pool: 'threads',
  // What only hangs ends; what is slow on a busy machine passes.
  testTimeout: 90_000,
  hookTimeout: 60_000,
} as const;

/** Real processes, and the simulation. */
const WHOLE = ['test/e2e/**/*.test.ts', 'test/sim/**/*.test.ts'];
/** Beside other programs, which not every machine has. */
const PEERS = ['test/peers/**/*.test.ts', 'test/browser/**/*.test.ts'];

export default defineConfig({
  test: {
    projects: [
      // First, since they are long.
      { test: { ...common, name: 'whole', include: WHOLE, sequence: { groupOrder: 0 } } },
      {
        test: {
          ...common,
          name: 'parts',
          include: [
            'src/**/*.test.ts',
            'test/**/*.test.ts',
            'tools/**/*.test.ts',
            'ui/**/*.test.ts',
            'ui/**/*.test.tsx',
          ],
          exclude: ['**/node_modules/**', ...WHOLE, ...PEERS],
          // Modules have no state that changes, so that files share them: to load them for each takes a third of the time.
          isolate: false,
          sequence: { groupOrder: 1 },
        },
      },
      { test: { ...common, name: 'peers', include: PEERS, sequence: { groupOrder: 2 } } },
    ],
  },
});
