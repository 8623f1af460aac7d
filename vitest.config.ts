// How tests run: Node environment, one project, tests beside the code and under test/.
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: [
      'src/**/*.test.ts',
      'test/**/*.test.ts',
      'tools/**/*.test.ts',
      'ui/**/*.test.ts',
      'ui/**/*.test.tsx',
    ],
    pool: 'threads',
    // What only hangs ends; what is slow on a busy machine passes.
    testTimeout: 90_000,
    hookTimeout: 60_000,
  },
});
