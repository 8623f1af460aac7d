// Who goes on while memory is short, and who begins again.

import { describe, expect, it } from 'vitest';
import { Crowd } from './crowd.ts';
import { MemoryAccount, MemoryBudget } from './memory.ts';

const { signal } = new AbortController();

/** Whether it has resolved by now, and to what. */
async function now<T>(promise: Promise<T> | undefined): Promise<T | 'waits' | 'at once'> {
  if (promise === undefined) return 'at once';
  const soon = new Promise<'waits'>(resolve => setImmediate(() => resolve('waits')));
  return Promise.race([promise, soon]);
}

function crowd(): {
  readonly crowd: Crowd;
  hold(bytes: number): MemoryAccount;
} {
  const budget = new MemoryBudget(100);
  return {
    crowd: new Crowd(budget),
    hold: bytes => {
      const account = new MemoryAccount(budget, { bytesMax: 100, minded: true });
      expect(account.reserve(bytes)).toBeUndefined();
      return account;
    },
  };
}

describe('while much memory is held', () => {
  it('the one that began first goes on, then the next', async () => {
    const { crowd: all, hold } = crowd();
    const [one, two] = [all.join(), all.join()];
    hold(50);
    expect(await now(all.goOn(two, signal))).toBe('at once');
    hold(1);
    expect(await now(all.goOn(one, signal))).toBe('at once');
    const waiting = all.goOn(two, signal);
    expect(await now(waiting)).toBe('waits');
    all.leave(one);
    expect(await now(waiting)).toBe('go');
  });

  it('all go on again once there is room, and who leaves does not wait', async () => {
    const { crowd: all, hold } = crowd();
    const [, two, three] = [all.join(), all.join(), all.join()];
    const account = hold(60);
    const leaving = new AbortController();
    const [second, third] = [all.goOn(two, signal), all.goOn(three, leaving.signal)];
    leaving.abort();
    expect(await now(third)).toBe('left');
    expect(await now(second)).toBe('waits');
    account.end(0);
    all.wake();
    expect(await now(second)).toBe('go');
  });

  it('one that sends at the pace of its client neither waits nor is waited for', async () => {
    const { crowd: all, hold } = crowd();
    const [one, two] = [all.join(), all.join()];
    hold(60);
    const waiting = all.goOn(two, signal);
    expect(await now(waiting)).toBe('waits');
    all.sends(one);
    expect(await now(waiting)).toBe('go');
    expect(await now(all.goOn(one, signal))).toBe('at once');
  });
});

describe('who met the limit', () => {
  it('begins again when nobody else is under way, one after the other, and nobody beside it', async () => {
    const { crowd: all } = crowd();
    const [one, two, three] = [all.join(), all.join(), all.join()];
    expect(all.isClosed).toBe(false);
    const [first, second] = [all.again(one, 40, signal), all.again(two, 40, signal)];
    expect(all.isClosed).toBe(true);
    expect([await now(first), await now(second)]).toEqual(['waits', 'waits']);
    all.leave(three);
    expect([await now(first), await now(second)]).toEqual([true, 'waits']);
    expect(all.isClosed).toBe(true);
    all.leave(one);
    expect(await now(second)).toBe(true);
    all.leave(two);
    expect(all.isClosed).toBe(false);
  });

  it('alone waits for what answers hold, and not for nothing', async () => {
    const { crowd: all, hold } = crowd();
    const one = all.join();
    const account = hold(40);
    const again = all.again(one, 40, signal);
    expect(await now(again)).toBe('waits');
    all.wake();
    expect(await now(again)).toBe('waits');
    account.end(0);
    all.wake();
    expect(await now(again)).toBe(true);
    expect(await now(all.again(one, 0, signal))).toBe(false);
  });

  it('leaves when it is told to, and others come', async () => {
    const { crowd: all, hold } = crowd();
    const [one, two, three] = [all.join(), all.join(), all.join()];
    const leaving = new AbortController();
    const [first, second] = [all.again(one, 40, leaving.signal), all.again(two, 50, signal)];
    all.leave(three);
    expect(await now(first)).toBe(true);
    hold(40);
    const more = all.again(one, 40, leaving.signal);
    leaving.abort();
    expect(await now(more)).toBe(false);
    all.leave(one);
    expect(await now(second)).toBe(true);
  });
});
