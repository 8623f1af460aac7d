// Real randomness, drawn in blocks since each draw from the system costs a call.

import { randomFillSync } from 'node:crypto';
import type { Random } from '../base/index.ts';

const BLOCK_WORDS = 1024;

export function systemRandom(): Random {
  const block = new Uint32Array(BLOCK_WORDS);
  let next = BLOCK_WORDS;
  const uint32 = (): number => {
    if (next === BLOCK_WORDS) {
      randomFillSync(block);
      next = 0;
    }
    return block[next++] ?? 0;
  };
  return { uint32, float: () => uint32() / 0x1_0000_0000 };
}
