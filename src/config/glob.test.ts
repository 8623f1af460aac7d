// Patterns of file names.

import { expect, it } from 'vitest';
import { FakeDisk } from '../../test/support/disk.ts';
import { glob } from './glob.ts';

const LONG = `${'a'.repeat(200)}.yml`;

async function found(pattern: string): Promise<readonly string[]> {
  const disk = new FakeDisk();
  disk.putFolder('/etc');
  for (const name of ['a.yml', 'b1.yml', 'b-1.yml', '(c).yml', 'a+b', LONG]) disk.putFile(`/etc/${name}`, '');
  return (await glob(disk, `/etc/${pattern}`)).map(path => path.slice('/etc/'.length));
}

it.each([
  ['a.yml', ['a.yml']],
  ['?.yml', ['a.yml']],
  ['b*', ['b-1.yml', 'b1.yml']],
  ['b[0-9].yml', ['b1.yml']],
  ['b[^0-9]*', ['b-1.yml']],
  ['(?).yml', ['(c).yml']],
  ['a+*', ['a+b']],
  ['[z-a].yml', []],
  ['a*a*a*a*a*a*a*a*a*a*a*b', []],
])('%s', async (pattern, want) => {
  expect(await found(pattern)).toEqual(want);
});
