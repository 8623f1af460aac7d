import { expect, it } from 'vitest';
import { lazily } from './lazily.ts';

it('loads once for all who ask, and again after a failure', async () => {
  let loads = 0;
  let isBroken = true;
  const load = lazily(async () => {
    loads++;
    if (isBroken) throw new Error('no such file');
    return 'library';
  });
  expect(loads).toBe(0);
  await expect(Promise.all([load(), load()])).rejects.toThrow('no such file');
  expect(loads).toBe(1);
  isBroken = false;
  expect(await Promise.all([load(), load()])).toEqual(['library', 'library']);
  expect(await load()).toBe('library');
  expect(loads).toBe(2);
});
