// A duration for people, from milliseconds: the largest whole unit.

const UNITS: readonly (readonly [ms: number, unit: string])[] = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
  [1000, 's'],
];

export function formatDuration(durationMs: number): string {
  const [ms, unit] = UNITS.find(([size]) => durationMs >= size) ?? [1, 'ms'];
  return `${Math.round((durationMs / ms) * 10) / 10} ${unit}`;
}
