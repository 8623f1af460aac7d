// What every clock must do.

import { describe, expect, it } from 'vitest';
import type { Clock } from '../../../src/base/index.ts';

export interface ClockPeer {
  readonly clock: Clock;
  /** Lets at least so much time pass. */
  pass(ms: number): Promise<void>;
}

export function clockContract(name: string, make: () => ClockPeer): void {
  describe(`clock contract: ${name}`, () => {
    it('fires once, when its time has come and not before', async () => {
      const { clock, pass } = make();
      const startMs = clock.monotonicMs();
      const fired: number[] = [];
      clock.after(20, () => fired.push(clock.monotonicMs() - startMs));
      await pass(5);
      await pass(60);
      expect(fired).toHaveLength(1);
      expect(fired[0]).toBeGreaterThanOrEqual(20);
    });

    it('fires in the order of the delays, then of the calls', async () => {
      const { clock, pass } = make();
      const fired: string[] = [];
      clock.after(30, () => fired.push('late'));
      clock.after(10, () => fired.push('first'));
      clock.after(10, () => fired.push('second'));
      await pass(80);
      expect(fired).toEqual(['first', 'second', 'late']);
    });

    it('never fires once cancelled, and cancels twice without harm', async () => {
      const { clock, pass } = make();
      let fired = 0;
      const timer = clock.after(5, () => fired++);
      timer.cancel();
      timer.cancel();
      await pass(30);
      expect(fired).toBe(0);
    });

    it('takes a negative delay for none, and fires only after the call has returned', async () => {
      const { clock, pass } = make();
      let fired = 0;
      clock.after(-100, () => fired++);
      expect(fired).toBe(0);
      await pass(5);
      expect(fired).toBe(1);
    });

    it('does not take a very long delay for a short one', async () => {
      const { clock, pass } = make();
      let fired = 0;
      const timers = [2 ** 31, 2 ** 40].map(delayMs => clock.after(delayMs, () => fired++));
      await pass(20);
      for (const timer of timers) timer.cancel();
      expect(fired).toBe(0);
    });

    it('has a wall time in this century and a monotonic time that does not go back', async () => {
      const { clock, pass } = make();
      expect(clock.nowMs()).toBeGreaterThan(Date.UTC(2020, 0, 1));
      expect(clock.nowMs()).toBeLessThan(Date.UTC(2100, 0, 1));
      const before = clock.monotonicMs();
      await pass(3);
      expect(clock.monotonicMs()).toBeGreaterThanOrEqual(before + 3);
    });
  });
}
