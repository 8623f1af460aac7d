// The real clock, randomness and log.

import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../test/support/clock.ts';
import { clockContract } from '../../test/support/contracts/clock.ts';
import type { LogLevel } from '../base/index.ts';
import { streamLog, systemClock, systemRandom } from './index.ts';

clockContract('real', () => ({
  clock: systemClock(),
  pass: ms => new Promise(resolve => setTimeout(resolve, ms + 2)),
}));

describe('randomness', () => {
  it('stays within its bounds and does not repeat over several blocks', () => {
    const random = systemRandom();
    const words = new Set<number>();
    for (let i = 0; i < 5000; i++) {
      const word = random.uint32();
      expect(Number.isInteger(word) && word >= 0 && word < 2 ** 32).toBe(true);
      words.add(word);
      const share = random.float();
      expect(share >= 0 && share < 1).toBe(true);
    }
    expect(words.size).toBeGreaterThan(4990);
  });
});

describe('log', () => {
  const lines = (format: 'text' | 'json', level: LogLevel): [string[], ReturnType<typeof streamLog>] => {
    const list: string[] = [];
    const log = streamLog({ format, level, clock: new FakeClock(0), write: line => list.push(line) });
    return [list, log];
  };

  it('prints lines for people, quoting what is not plain', () => {
    const [list, log] = lines('text', 'info');
    log.log('info', 'started', { port: 9390, path: '/a b', none: undefined, ok: true });
    expect(list).toEqual(['1970-01-01T00:00:00.000Z INFO  started port=9390 path="/a b" ok=true\n']);
  });

  it('prints one JSON object a line', () => {
    const [list, log] = lines('json', 'debug');
    log.log('warn', 'odd "text"\n', { n: 1 });
    expect(JSON.parse(list.join(''))).toEqual({
      time: '1970-01-01T00:00:00.000Z',
      level: 'warn',
      message: 'odd "text"\n',
      n: 1,
    });
    expect(list[0]?.indexOf('\n')).toBe((list[0]?.length ?? 0) - 1);
  });

  it('leaves out what is below its level', () => {
    const [list, log] = lines('text', 'warn');
    for (const level of ['debug', 'info', 'warn', 'error'] as const) log.log(level, level);
    expect(list.map(line => line.split(' ')[1])).toEqual(['WARN', 'ERROR']);
  });

  it('lets no text from outside forge a line or move the cursor', () => {
    const [list, log] = lines('text', 'info');
    log.log('info', 'a\nb\u001b[2J', { c: 'd\r\ne' });
    expect(list.join('').trimEnd()).toBe('1970-01-01T00:00:00.000Z INFO  a\\nb\\u001b[2J c="d\\r\\ne"');
  });
});
