// From a query's answer to the aligned columns that a chart draws.

import type { QueryData } from '../../src/api/contract.ts';

export const COLOURS = [
  '#147d64',
  '#c2572b',
  '#2b6cb0',
  '#8a4fbe',
  '#b08a1e',
  '#c0366b',
  '#4a7a1e',
  '#5b6472',
];

export type Loaded =
  | { readonly kind: 'waiting' }
  | { readonly kind: 'error'; readonly error: string }
  | {
      readonly kind: 'data';
      readonly data: [number[], ...(number | null)[][]];
      readonly names: readonly string[];
    };

/** Lines of the answer as aligned columns; more lines than colours would be unreadable, the largest are kept. */
export function columnsOf(
  answer: QueryData,
  ask: { readonly by: string; readonly startS: number; readonly endS: number; readonly stepS: number },
): Loaded {
  if (answer.resultType !== 'matrix') return { kind: 'error', error: answer.resultType };
  const count = Math.round((ask.endS - ask.startS) / ask.stepS) + 1;
  const times = Array.from({ length: count }, (_, i) => ask.startS + i * ask.stepS);
  const lines = answer.result.map(row => {
    const values: (number | null)[] = new Array(count).fill(null);
    for (const [atS, text] of row.values ?? []) {
      const value = Number(text);
      if (Number.isFinite(value)) values[Math.round((atS - ask.startS) / ask.stepS)] = value;
    }
    const largest = values.reduce<number>((top, value) => Math.max(top, value ?? 0), 0);
    return { name: row.metric[ask.by] ?? '', values, largest };
  });
  const shown = lines.sort((a, b) => b.largest - a.largest).slice(0, COLOURS.length);
  shown.sort((a, b) => (a.name < b.name ? -1 : 1));
  const first = firstShown(shown.map(line => line.values));
  return {
    kind: 'data',
    data: [times.slice(first), ...shown.map(line => line.values.slice(first))],
    names: shown.map(line => line.name),
  };
}

/** Fewer columns than this make a chart of a few fat dots. */
const COLUMNS_MIN = 24;

/** Where mostly emptiness goes before the first value (the program has just started) the chart begins nearer to it. */
function firstShown(lines: readonly (readonly (number | null)[])[]): number {
  const count = lines[0]?.length ?? 0;
  const starts = lines.map(values => values.findIndex(value => value !== null)).filter(at => at >= 0);
  const start = Math.min(count, ...starts);
  return start * 2 < count ? 0 : Math.max(0, Math.min(start, count - COLUMNS_MIN));
}

/** The last value of a line, for a legend that nobody points at. */
export function latest(values: readonly (number | null | undefined)[]): number | null {
  return values.findLast(value => value !== null && value !== undefined) ?? null;
}

export function formatPercent(value: number): string {
  return `${Math.round(value * 10) / 10} %`;
}

/** Bytes a second, in powers of 1024. */
export function formatRate(value: number): string {
  const units = ['B/s', 'KiB/s', 'MiB/s', 'GiB/s', 'TiB/s'];
  let rest = value;
  let unit = 0;
  while (Math.abs(rest) >= 1024 && unit < units.length - 1) {
    rest /= 1024;
    unit += 1;
  }
  return `${Math.round(rest * 10) / 10} ${units[unit]}`;
}
