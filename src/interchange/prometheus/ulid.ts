// Names of Prometheus's blocks: 48 bits of time and 80 of chance in Crockford's base 32, so that they sort by age.

import type { Random } from '../../base/index.ts';

const DIGITS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const TIME_DIGITS = 10;
const RANDOM_DIGITS = 16;

export function ulidOf(timeMs: number, random: Random): string {
  let text = '';
  let rest = timeMs;
  for (let i = 0; i < TIME_DIGITS; i++) {
    text = `${DIGITS[rest % 32]}${text}`;
    rest = Math.floor(rest / 32);
  }
  for (let i = 0; i < RANDOM_DIGITS; i++) text += DIGITS[random.uint32() % 32];
  return text;
}
