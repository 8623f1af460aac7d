import { describe, expect, it } from 'vitest';
import { readArgs } from './command.ts';
import { QUERY_FLAGS, readQueryFlags } from './query-flags.ts';

function read(...args: string[]): unknown {
  const parsed = readArgs(args, QUERY_FLAGS);
  if (!parsed.ok) return parsed.error;
  const flags = readQueryFlags(parsed.value);
  return flags.ok ? flags.value : flags.error;
}

describe("Prometheus's flags of queries", () => {
  it('are read as there', () => {
    expect(
      read(
        '--query.max-samples=1000',
        '--query.timeout=90s',
        '--query.max-concurrency',
        '4',
        '--query.lookback-delta=1m',
      ),
    ).toEqual({ samplesMax: 1000, timeoutMs: 90_000, runningMax: 4, lookbackMs: 60_000 });
    expect(read()).toEqual({});
  });

  it.each([
    ['--query.max-samples=0', '--query.max-samples is a whole number above 0'],
    ['--query.max-concurrency=many', '--query.max-concurrency is a whole number above 0'],
    ['--query.timeout=0s', '--query.timeout is a duration above 0, such as 2m'],
    ['--query.lookback-delta=soon', '--query.lookback-delta is a duration above 0, such as 2m'],
  ])('refuse %s', (flag, message) => {
    expect(read(flag)).toBe(message);
  });
});
