// Durations in Prometheus's notation: "1h30m", "5m", "250ms"; units must come from large to small.

import { err, ok, type Result } from './result.ts';

const UNITS: readonly (readonly [unit: string, ms: number])[] = [
  ['y', 365 * 86_400_000],
  ['w', 7 * 86_400_000],
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
  ['ms', 1],
];

const PATTERN = /^(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?$/;

/** Longest duration accepted: what Prometheus's signed 64-bit nanoseconds hold, some 292 years. */
const DURATION_MS_MAX = 9_223_372_036_854;

/** Parses "1h30m" into milliseconds. "0" is zero; an empty text, a sign or a fraction is an error. */
export function parseDuration(text: string): Result<number, string> {
  if (text === '0') return ok(0);
  const match = PATTERN.exec(text);
  if (text === '' || match === null) {
    return err(`not a duration: "${text}": write a number and a unit, such as 30s, 5m, 1h30m or 15d`);
  }
  let totalMs = 0;
  UNITS.forEach(([, ms], i) => {
    totalMs += Number(match[i + 1] ?? 0) * ms;
  });
  if (totalMs > DURATION_MS_MAX) return err(`duration too long: "${text}": at most 292 years`);
  return ok(totalMs);
}

/** Formats whole milliseconds the way Prometheus does: 90000 → "1m30s"; years, weeks and days only where they divide evenly. */
export function formatDuration(durationMs: number): string {
  if (durationMs === 0) return '0s';
  if (durationMs < 0) return `-${formatDuration(-durationMs)}`;
  let restMs = Math.round(durationMs);
  let text = '';
  for (const [unit, ms] of UNITS) {
    const exactOnly = unit === 'y' || unit === 'w' || unit === 'd';
    if (exactOnly && (text !== '' || restMs % ms !== 0)) continue;
    const count = Math.floor(restMs / ms);
    if (count === 0) continue;
    text += `${count}${unit}`;
    restMs -= count * ms;
  }
  return text;
}
