import { describe, expect, it } from 'vitest';
import { formatDuration, parseDuration } from './duration.ts';

const GOOD: readonly (readonly [text: string, ms: number, printed: string])[] = [
  ['0', 0, '0s'],
  ['0s', 0, '0s'],
  ['250ms', 250, '250ms'],
  ['30s', 30_000, '30s'],
  ['5m', 300_000, '5m'],
  ['1h30m', 5_400_000, '1h30m'],
  ['90m', 5_400_000, '1h30m'],
  ['15d', 1_296_000_000, '15d'],
  ['2w', 1_209_600_000, '2w'],
  ['1y', 31_536_000_000, '1y'],
  ['1d1h', 90_000_000, '25h'],
  ['1s500ms', 1500, '1s500ms'],
];

describe('durations', () => {
  it.each(GOOD)('%s is %d ms and prints as %s', (text, ms, printed) => {
    expect(parseDuration(text)).toEqual({ ok: true, value: ms });
    expect(formatDuration(ms)).toBe(printed);
  });

  it.each(['', '5', '-5m', '1.5h', '5 m', '1m1h', '5x', 'm', '300y'])('"%s" is refused', text => {
    expect(parseDuration(text).ok).toBe(false);
  });
});
