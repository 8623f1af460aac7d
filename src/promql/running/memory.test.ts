import { describe, expect, it } from 'vitest';
import { MemoryAccount, MemoryBudget } from './memory.ts';

const accountOf = (pool: MemoryBudget, minded = true): MemoryAccount =>
  new MemoryAccount(pool, { bytesMax: 100, minded });

describe('the account of a query', () => {
  it('says which limit stands in the way, and then has taken nothing', () => {
    const pool = new MemoryBudget(150);
    const [one, other] = [accountOf(pool), accountOf(pool)];
    expect(one.reserve(100)).toBeUndefined();
    expect(one.reserve(1)).toBe('query');
    expect(other.reserve(51)).toBe('total');
    expect(pool.held).toBe(100);
    expect(other.reserve(50)).toBeUndefined();
  });

  it('counts the program itself in the budget without refusing it', () => {
    const pool = new MemoryBudget(10);
    const own = accountOf(pool, false);
    expect(own.reserve(50)).toBeUndefined();
    expect(accountOf(pool).reserve(1)).toBe('total');
    expect(own.reserve(51)).toBe('query');
  });

  it('holds an answer until it is handed back, once', () => {
    const pool = new MemoryBudget(1000);
    const account = accountOf(pool);
    account.reserve(20);
    account.reserve(30);
    const handBack = account.end(10);
    expect(pool.held).toBe(10);
    handBack();
    handBack();
    expect(pool.held).toBe(0);
  });
});
