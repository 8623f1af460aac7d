import { describe, expect, it } from 'vitest';
import { MemoryAccount, MemoryPool } from './memory.ts';

const accountOf = (pool: MemoryPool, minded = true): MemoryAccount =>
  new MemoryAccount(pool, { bytesMax: 100, minded });

describe('the account of a query', () => {
  it('says which limit stands in the way, and then has taken nothing', () => {
    const pool = new MemoryPool(150);
    const [one, other] = [accountOf(pool), accountOf(pool)];
    expect(one.reserve(100, 'end')).toBeUndefined();
    expect(one.reserve(1, 'settled')).toBe('query');
    expect(other.reserve(51, 'settled')).toBe('total');
    expect(pool.held).toBe(100);
    expect(other.reserve(50, 'settled')).toBeUndefined();
  });

  it('counts the program itself in the pool without refusing it', () => {
    const pool = new MemoryPool(10);
    const own = accountOf(pool, false);
    expect(own.reserve(50, 'end')).toBeUndefined();
    expect(accountOf(pool).reserve(1, 'end')).toBe('total');
    expect(own.reserve(51, 'end')).toBe('query');
  });

  it('gives back what a node needed when its result is there, never what is kept to the end', () => {
    const pool = new MemoryPool(1000);
    const account = accountOf(pool);
    account.reserve(20, 'end');
    const before = account.passing;
    account.reserve(30, 'settled');
    account.reserve(40, 'settled');
    account.settle(before, 40);
    expect([account.held, account.peak, pool.held]).toEqual([60, 90, 60]);
    // A result that is larger than what was reserved for it has parts of what others hold.
    account.settle(before, 500);
    expect(account.held).toBe(60);
  });

  it('holds an answer until it is handed back, once', () => {
    const pool = new MemoryPool(1000);
    const account = accountOf(pool);
    account.reserve(20, 'end');
    account.reserve(30, 'settled');
    const handBack = account.end(10);
    expect(pool.held).toBe(10);
    handBack();
    handBack();
    expect(pool.held).toBe(0);
  });
});
