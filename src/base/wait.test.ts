import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../test/support/clock.ts';
import { sleep, withDeadline } from './wait.ts';

describe('waiting', () => {
  it('sleeps for the time asked', async () => {
    const clock = new FakeClock();
    let woken: boolean | undefined;
    void sleep(clock, 1000).then(value => {
      woken = value;
    });
    await clock.advance(999);
    expect(woken).toBeUndefined();
    await clock.advance(1);
    expect(woken).toBe(true);
  });

  it('wakes early with false when aborted, and leaves no timer', async () => {
    const clock = new FakeClock();
    const controller = new AbortController();
    const slept = sleep(clock, 1000, controller.signal);
    controller.abort();
    expect(await slept).toBe(false);
    expect(clock.nextDueMs()).toBeUndefined();
  });

  it('aborts work at its deadline', async () => {
    const clock = new FakeClock();
    const work = withDeadline(clock, 50, signal => sleep(clock, 1000, signal));
    await clock.advance(50);
    expect(await work).toBe(false);
  });

  it('aborts work with the outer signal', async () => {
    const clock = new FakeClock();
    const outer = new AbortController();
    const work = withDeadline(clock, 5000, signal => sleep(clock, 1000, signal), outer.signal);
    outer.abort();
    expect(await work).toBe(false);
  });
});
