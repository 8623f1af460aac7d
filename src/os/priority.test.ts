import { once } from 'node:events';
import { getPriority } from 'node:os';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Compiled, compileSources } from '../../test/support/compiled.ts';

describe('a thread that gives way', () => {
  let built: Compiled;
  beforeAll(() => {
    built = compileSources(['os/priority.ts']);
  }, 120_000);
  afterAll(() => built.remove());

  it('has a lower priority than before, and nobody else has', async () => {
    const before = getPriority();
    const code = `
      import { getPriority } from 'node:os';
      import { parentPort } from 'node:worker_threads';
      import { giveWay } from ${JSON.stringify(built.url('os/priority.js').href)};
      const before = getPriority();
      giveWay();
      giveWay();
      parentPort.postMessage([before, getPriority()]);
    `;
    const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`));
    const [priorities] = await once(worker, 'message');
    await worker.terminate();
    const lower = process.platform === 'linux' ? Math.max(before, 5) : before;
    expect(priorities).toEqual([before, lower]);
    expect(getPriority()).toBe(before);
  });
});
