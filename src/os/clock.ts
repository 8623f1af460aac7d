// The real clock.

import type { Clock } from '../base/index.ts';

/** What a timer of Node can wait at most; it takes a longer delay for 1 ms. */
const TIMER_MS_MAX = 2 ** 31 - 1;

export function systemClock(): Clock {
  return {
    nowMs: () => Date.now(),
    monotonicMs: () => performance.now(),
    after: (delayMs, fire) => {
      // Behind the timers and sockets of this turn of the event loop, where a timer would wait for a whole millisecond.
      if (delayMs <= 0) {
        const soon = setImmediate(fire);
        return { cancel: () => clearImmediate(soon) };
      }
      const dueMs = performance.now() + Math.max(0, delayMs);
      let timer: NodeJS.Timeout;
      const wait = (): void => {
        const leftMs = dueMs - performance.now();
        // A delay beyond what one timer can hold is waited for in parts; Node may fire a fraction of a ms early.
        if (leftMs <= 0) fire();
        else timer = setTimeout(wait, Math.min(Math.ceil(leftMs), TIMER_MS_MAX));
      };
      timer = setTimeout(wait, Math.min(Math.max(0, Math.ceil(delayMs)), TIMER_MS_MAX));
      return { cancel: () => clearTimeout(timer) };
    },
  };
}
