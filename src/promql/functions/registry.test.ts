// The table of functions that are carried out against the table of those that the parser knows.

import { expect, it } from 'vitest';
import { SIGNATURES } from '../parser/index.ts';
import { FUNCTIONS } from './index.ts';

it('carries out every function that the parser knows, and no other', () => {
  expect([...FUNCTIONS.keys()].sort()).toEqual([...SIGNATURES.keys()].sort());
});
