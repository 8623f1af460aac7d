// Turns at the one thread, on a loop of our own: timers first, then what was put behind them.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Clock, Timer } from './ports.ts';
import { type Lane, nextLane, sortInTurns, Turns } from './turns.ts';

/** An event loop whose time passes only where work is done. */
class Loop implements Clock {
  #nowMs = 0;
  #soon: (() => void)[] = [];
  #timers: { readonly dueMs: number; readonly fire: () => void }[] = [];

  nowMs(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, fire: () => void): Timer {
    if (delayMs <= 0) {
      this.#soon.push(fire);
      return { cancel: () => {} };
    }
    this.#timers.push({ dueMs: this.#nowMs + delayMs, fire });
    return { cancel: () => {} };
  }

  work(ms: number): void {
    this.#nowMs += ms;
  }

  /** As Node's: due timers, then what was put behind this turn, each with its microtasks. */
  async turn(): Promise<void> {
    this.#nowMs += 0.01;
    const due = this.#timers.filter(timer => timer.dueMs <= this.#nowMs);
    this.#timers = this.#timers.filter(timer => timer.dueMs > this.#nowMs);
    for (const { fire } of due) await this.#run(fire);
    for (const fire of this.#soon.splice(0)) await this.#run(fire);
  }

  async #run(fire: () => void): Promise<void> {
    fire();
    await new Promise(resolve => setImmediate(resolve));
  }
}

async function worker(
  loop: Loop,
  turns: Turns,
  job: { readonly lane: Lane; readonly ms: number; readonly onDone?: () => void },
): Promise<void> {
  const work = turns.start(job.lane);
  await turns.take(work);
  for (let done = 0; done < job.ms; done++) {
    loop.work(1);
    if (turns.isDue()) await turns.next(work);
  }
  job.onDone?.();
}

describe('turns', () => {
  it('let a timer wait for one slice, however many work', async () => {
    const loop = new Loop();
    const turns = new Turns(loop);
    let left = 20;
    for (let i = 0; i < 20; i++) {
      const onDone = (): void => {
        left--;
      };
      // Each comes by itself, as requests do.
      loop.after(0, () => void worker(loop, turns, { lane: 'usual', ms: 200, onDone }));
    }
    const late: number[] = [];
    const tick = (): void => {
      const dueMs = loop.monotonicMs() + 15;
      loop.after(15, () => {
        late.push(loop.monotonicMs() - dueMs);
        tick();
      });
    };
    tick();
    while (left > 0) await loop.turn();
    expect(late.length).toBeGreaterThan(100);
    expect(Math.max(...late)).toBeLessThan(12);
  });

  it('let a single work go on within its slice, and wait a turn once that is used up', async () => {
    const loop = new Loop();
    const turns = new Turns(loop);
    const work = turns.start('usual');
    await turns.between(work);
    loop.work(9);
    await turns.between(work);
    loop.work(1);
    let isBack = false;
    const back = turns.between(work).then(() => {
      isBack = true;
    });
    await Promise.resolve();
    expect(isBack).toBe(false);
    await loop.turn();
    await back;
    expect(isBack).toBe(true);
    loop.work(9);
    await turns.between(work);
  });

  it('let what is urgent go first: it waits for one slice, not for all who wait', async () => {
    const loop = new Loop();
    const turns = new Turns(loop);
    for (let i = 0; i < 20; i++) void worker(loop, turns, { lane: 'usual', ms: 1000 });
    for (let i = 0; i < 30; i++) await loop.turn();
    const beganMs = loop.monotonicMs();
    let tookMs = -1;
    const onDone = (): void => {
      tookMs = loop.monotonicMs() - beganMs;
    };
    void worker(loop, turns, { lane: 'urgent', ms: 35, onDone });
    while (tookMs < 0) await loop.turn();
    // Its own 35 ms in four slices, and at most one of the others'.
    expect(tookMs).toBeLessThan(60);
  });

  it('begin at once where nobody works', async () => {
    const loop = new Loop();
    const turns = new Turns(loop);
    let done = false;
    void worker(loop, turns, {
      lane: 'usual',
      ms: 5,
      onDone: () => {
        done = true;
      },
    });
    await Promise.resolve();
    await Promise.resolve();
    expect(done).toBe(true);
  });

  it('do long work one after the other, and what is short before it', async () => {
    const loop = new Loop();
    const turns = new Turns(loop);
    const done: string[] = [];
    const begin = (name: string, ms: number): void =>
      void worker(loop, turns, { lane: 'usual', ms, onDone: () => done.push(name) });
    for (const name of ['a', 'b', 'c']) loop.after(0, () => begin(name, 300));
    for (let i = 0; i < 30; i++) await loop.turn();
    const sinceMs = loop.monotonicMs();
    begin('short', 15);
    while (!done.includes('short')) await loop.turn();
    expect(loop.monotonicMs() - sinceMs).toBeLessThan(50);
    while (done.length < 4) await loop.turn();
    expect(done.filter(name => name !== 'short')).toEqual(['a', 'b', 'c']);
  });

  it('go to whoever waits, and nobody waits for ever behind others', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(3), fc.nat(3), fc.nat(3)), { minLength: 1 }), arrivals => {
        let [urgent, usual, long, urgentInARow, shortInARow] = [0, 0, 0, 0, 0];
        for (const [moreUrgent, moreUsual, moreLong] of arrivals) {
          urgent += moreUrgent;
          usual += moreUsual;
          long += moreLong;
          const waiting = { urgent, usual, long };
          const lane = nextLane({ ...waiting, urgentInARow, shortInARow });
          expect(lane === undefined).toBe(urgent + usual + long === 0);
          if (lane === undefined) continue;
          expect(waiting[lane]).toBeGreaterThan(0);
          if (lane === 'urgent') urgent--;
          else if (lane === 'usual') usual--;
          else long--;
          urgentInARow = lane === 'urgent' && waiting.usual > 0 ? urgentInARow + 1 : 0;
          shortInARow = lane !== 'long' && waiting.long > 0 ? shortInARow + 1 : 0;
          expect(urgentInARow).toBeLessThanOrEqual(4);
          expect(shortInARow).toBeLessThanOrEqual(8);
        }
      }),
      { seed: 1 },
    );
  });
});

describe('sorting in turns', () => {
  const goOn = { isDue: () => true, pause: async () => true };

  it('is the stable sort', async () => {
    const items = fc.array(fc.tuple(fc.nat(20), fc.nat()), { maxLength: 2000 });
    await fc.assert(
      fc.asyncProperty(items, async pairs => {
        const byFirst = (a: readonly number[], b: readonly number[]): number => (a[0] ?? 0) - (b[0] ?? 0);
        expect(await sortInTurns(pairs, byFirst, goOn)).toEqual([...pairs].sort(byFirst));
      }),
      { seed: 2, numRuns: 50 },
    );
  });

  it('ends where the pace says so, in either phase', async () => {
    const items = Array.from({ length: 1000 }, (_, i) => (i * 7919) % 1000);
    for (const stopAt of [1, 3, 5]) {
      let asked = 0;
      const pace = { isDue: () => true, pause: async () => ++asked < stopAt };
      expect(await sortInTurns(items, (a, b) => a - b, pace)).toBeUndefined();
      expect(asked).toBe(stopAt);
    }
  });
});
