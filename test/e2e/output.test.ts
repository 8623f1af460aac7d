// What the real program does with its output where a test over fakes cannot tell.

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ROOT, temporaryFolder } from './support.ts';

it('ends as it would where nobody reads on', async () => {
  const folder = temporaryFolder();
  const checks = Array.from({ length: 500 }, (_, i) => `      - { expr: "${i}", exp_samples: [] }\n`);
  const file = folder.write('t.yml', `tests:\n  - promql_expr_test:\n${checks.join('')}`);
  const child = spawn(process.execPath, [join(ROOT, 'bin', 'watchkeeper'), 'test', 'rules', file], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child.stdout.destroy();
  let stderr = '';
  child.stderr.on('data', (data: Buffer) => {
    stderr += data.toString();
  });
  const code = await new Promise(resolve => child.on('close', resolve));
  folder.remove();
  expect([code, stderr]).toEqual([1, '']);
}, 30_000);
