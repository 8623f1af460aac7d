// The runner of measurements: which it runs, and that a failed one is not forgotten.

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const program = fileURLToPath(new URL('./bench.mjs', import.meta.url));

function check(
  names: readonly string[],
  want: { readonly status: number; readonly says: readonly string[] },
) {
  const done = spawnSync(process.execPath, [program, '--folder', 'tools/testdata/bench', ...names], {
    encoding: 'utf8',
  });
  const said = done.stdout + done.stderr;
  for (const part of want.says) expect(said).toContain(part);
  expect(done.status).toBe(want.status);
  return said;
}

it('compiles a measurement and shows what it prints', () => {
  const said = check(['passes'], { status: 0, says: ['== passes\n', 'passes: 1m30s\n'] });
  expect(said).not.toContain('== fails');
});

it('runs all without names, and goes on after one that fails', () => {
  check([], { status: 1, says: ['== fails\n', 'passes: 1m30s\n', 'bench: failed: fails\n'] });
});

it('refuses a name that it does not know, and says which there are', () => {
  check(['pases'], { status: 2, says: ['no measurement "pases"', 'fails, passes'] });
});
