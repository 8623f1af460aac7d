// A day of inhibited alerts stays small: each says once that it is inhibited, and nothing is written again. The bench
// alert-journal has the figure for 10,000 of them.

import { expect, it } from 'vitest';
import { inhibitedDay } from './journal-size.ts';

const ALERTS = 1000;
const EVENT_BYTES_MAX = 1000;

it('an inhibited alert makes three events a day, and its group some', async () => {
  const { events, repeats, bytes } = await inhibitedDay({ alerts: ALERTS, groupBy: 'alertname', hours: 24 });
  // Of each: it fires, its route, it is inhibited. Then the source's own, and those of both groups.
  expect(events).toBeGreaterThanOrEqual(3 * ALERTS);
  expect(events).toBeLessThan(3 * ALERTS + 50);
  // Every flush of a group is counted: one in five minutes.
  expect(repeats).toBeGreaterThan(250);
  expect(bytes).toBeLessThan(events * EVENT_BYTES_MAX);
}, 120_000);
