// Seeded randomness: the same seed gives the same draws on every machine.

import type { Random } from '../../src/base/index.ts';

/** mulberry32: small, fast, and good enough to drive tests. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const uint32 = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  };
  return { uint32, float: () => uint32() / 0x1_0000_0000 };
}
