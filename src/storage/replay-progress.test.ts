import { expect, it } from 'vitest';
import { FakeClock } from '../../test/support/clock.ts';
import { CollectingLog } from '../../test/support/log.ts';
import { ReplayProgress } from './replay-progress.ts';

it('a long start says how far it is every two seconds, a short one nothing', async () => {
  const clock = new FakeClock();
  const log = new CollectingLog();
  const progress = new ReplayProgress({ clock, log });
  progress.begin(10);
  for (let file = 1; file <= 10; file++) {
    await clock.advance(700);
    progress.fileDone();
  }
  expect(log.lines.map(({ fields }) => fields)).toEqual([
    { filesRead: 3, files: 10 },
    { filesRead: 6, files: 10 },
    { filesRead: 9, files: 10 },
  ]);
  const short = new ReplayProgress({ clock, log });
  short.begin(3);
  for (let file = 0; file < 3; file++) short.fileDone();
  expect(log.lines).toHaveLength(3);
});
