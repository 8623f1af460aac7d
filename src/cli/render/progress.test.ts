import { expect, it } from 'vitest';
import { progressText } from './progress.ts';

it.each([
  [
    { share: 0.25, samples: 12_345_678, elapsedMs: 10_000, columns: 80 },
    '[#######.....................]  25 %  12.3M samples  1.23M/s  0:30 left',
  ],
  [
    { share: 0, samples: 0, elapsedMs: 0, columns: 60 },
    '[...............................]   0 %  0 samples  0/s',
  ],
  [{ share: 2, samples: 5, elapsedMs: 1000, columns: 50 }, '[###########] 100 %  5 samples  5/s  0:00 left'],
  [{ share: 0.5, samples: 5, elapsedMs: 7_384_000, columns: 20 }, ' 50 %  5 samples  0'],
])('%o', (progress, text) => {
  const shown = progressText(progress);
  expect(shown.length).toBeLessThan(progress.columns);
  expect(shown.replace(/[#.]{5,}/, '')).toBe(text.replace(/[#.]{5,}/, ''));
});

it('tells hours', () => {
  expect(progressText({ share: 0.5, samples: 5, elapsedMs: 3_909_000, columns: 100 })).toContain(
    '1:05:09 left',
  );
});
