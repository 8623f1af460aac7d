import { expect, it } from 'vitest';
import { labelsFrom, type TargetStatus, targetId } from '../model/index.ts';
import { ScrapeStandstill } from './standstill.ts';

function target(name: string, lastScrapeMs: number): TargetStatus {
  return {
    id: targetId(name),
    job: 'j',
    url: `http://${name}/`,
    labels: labelsFrom({}),
    discoveredLabels: labelsFrom({}),
    health: 'up',
    lastError: '',
    lastScrapeMs,
    lastDurationMs: 1,
    lastSamples: 1,
    intervalMs: 10_000,
    timeoutMs: 5_000,
  };
}

it('is how long the target that waits least has waited beyond its turn', () => {
  const standstill = new ScrapeStandstill();
  expect(standstill.seconds([target('a', 1_000), target('b', 4_000)], 5_000)).toBe(0);
  expect(standstill.seconds([target('a', 1_000), target('b', 4_000)], 19_000)).toBe(0);
  expect(standstill.seconds([target('a', 1_000), target('b', 4_000)], 27_000)).toBe(7);
  // Another one is scraped: the stage works.
  expect(standstill.seconds([target('a', 20_000), target('b', 4_000)], 27_000)).toBe(0);
});

it('gives a new target the time that it has, and is no standstill where there is nothing to scrape', () => {
  const standstill = new ScrapeStandstill();
  expect(standstill.seconds([], 1_000_000)).toBe(0);
  expect(standstill.seconds([target('new', 0)], 1_000_000)).toBe(0);
  expect(standstill.seconds([target('new', 0)], 1_015_000)).toBe(0);
  expect(standstill.seconds([target('new', 0)], 1_025_000)).toBe(10);
});
