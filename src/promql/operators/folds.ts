// The aggregations that fold one value after the other, each a small state over (group, step) entries.
// Sums are Kahan–Neumaier's as in Prometheus: a compensation column runs beside the sum.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file, indices are within typed arrays by construction.

import { isInfinite, lostIn } from '../../model/index.ts';
import { putNth } from './nth.ts';
import type { VectorValue } from './values.ts';

export interface FoldState {
  /** Folds a row into the group whose column starts at `base`. */
  add(vector: VectorValue, row: number, base: number): void;
  finish(): void;
}

/** Starts a fold into the result's own columns, which are zero. */
export type Fold = (result: VectorValue, cells: number) => FoldState;

export const FOLDS: Readonly<Record<string, Fold>> = {
  sum: foldSum,
  avg: foldAvg,
  min: result => foldExtreme(result, (value, best) => value < best),
  max: result => foldExtreme(result, (value, best) => value > best),
  count: foldCount,
  group: foldGroup,
  stddev: (result, cells) => foldDeviation(result, cells, Math.sqrt),
  stdvar: (result, cells) => foldDeviation(result, cells, variance => variance),
};

function foldSum(result: VectorValue, cells: number): FoldState {
  const { values: sums, present: seen } = result;
  const lost = new Float64Array(cells);
  return {
    add: ({ values, present, steps }, row, base) => {
      const offset = row * steps;
      for (let i = 0; i < steps; i++) {
        if (present[offset + i] === 0) continue;
        const at = base + i;
        const inc = values[offset + i]!;
        const sum = sums[at]!;
        const total = sum + inc;
        lost[at] = isInfinite(total) ? 0 : lost[at]! + lostIn(total, sum, inc);
        sums[at] = total;
        seen[at] = 1;
      }
    },
    finish: () => {
      for (let at = 0; at < cells; at++) sums[at] = sums[at]! + lost[at]!;
    },
  };
}

/** The direct mean while the sum is finite, the incremental one from where it would overflow. */
function foldAvg(result: VectorValue, cells: number): FoldState {
  const { values: sums, present: seen } = result;
  const lost = new Float64Array(cells);
  const counts = new Float64Array(cells);
  const incremental = new Uint8Array(cells);
  const addOne = (at: number, inc: number): void => {
    const count = counts[at]! + 1;
    counts[at] = count;
    seen[at] = 1;
    if (incremental[at] === 0) {
      const sum = sums[at]!;
      const total = sum + inc;
      if (!isInfinite(total) || count === 1) {
        lost[at] = isInfinite(total) ? 0 : lost[at]! + lostIn(total, sum, inc);
        sums[at] = total;
        return;
      }
      incremental[at] = 1;
      sums[at] = sum / (count - 1);
      lost[at] = lost[at]! / (count - 1);
    }
    const share = (count - 1) / count;
    const sum = share * sums[at]!;
    const total = sum + inc / count;
    lost[at] = isInfinite(total) ? 0 : share * lost[at]! + lostIn(total, sum, inc / count);
    sums[at] = total;
  };
  return {
    add: ({ values, present, steps }, row, base) => {
      for (let i = 0; i < steps; i++) {
        if (present[row * steps + i] === 1) addOne(base + i, values[row * steps + i]!);
      }
    },
    finish: () => {
      for (let at = 0; at < cells; at++) {
        const count = counts[at]!;
        if (count === 0) continue;
        sums[at] = incremental[at] === 1 ? sums[at]! + lost[at]! : sums[at]! / count + lost[at]! / count;
      }
    },
  };
}

function foldExtreme(result: VectorValue, better: (value: number, best: number) => boolean): FoldState {
  const { values: bests, present: seen } = result;
  return {
    add: ({ values, present, steps }, row, base) => {
      for (let i = 0; i < steps; i++) {
        if (present[row * steps + i] === 0) continue;
        const value = values[row * steps + i]!;
        const at = base + i;
        // A NaN gives way to any number.
        if (seen[at] === 0 || better(value, bests[at]!) || Number.isNaN(bests[at])) bests[at] = value;
        seen[at] = 1;
      }
    },
    finish: () => {},
  };
}

function foldCount({ values: counts, present: seen }: VectorValue): FoldState {
  return {
    add: ({ present, steps }, row, base) => {
      for (let i = 0; i < steps; i++) {
        if (present[row * steps + i] === 0) continue;
        counts[base + i] = counts[base + i]! + 1;
        seen[base + i] = 1;
      }
    },
    finish: () => {},
  };
}

function foldGroup({ values, present: seen }: VectorValue): FoldState {
  return {
    add: ({ present, steps }, row, base) => {
      for (let i = 0; i < steps; i++) {
        if (present[row * steps + i] === 0) continue;
        values[base + i] = 1;
        seen[base + i] = 1;
      }
    },
    finish: () => {},
  };
}

/** Welford's method. */
function foldDeviation(result: VectorValue, cells: number, last: (variance: number) => number): FoldState {
  const { values: squares, present: seen } = result;
  const means = new Float64Array(cells);
  const counts = new Float64Array(cells);
  return {
    add: ({ values, present, steps }, row, base) => {
      for (let i = 0; i < steps; i++) {
        if (present[row * steps + i] === 0) continue;
        const at = base + i;
        const value = values[row * steps + i]!;
        const count = counts[at]! + 1;
        const delta = value - means[at]!;
        const mean = means[at]! + delta / count;
        squares[at] = squares[at]! + delta * (value - mean);
        means[at] = mean;
        counts[at] = count;
        seen[at] = 1;
      }
    },
    finish: () => {
      for (let at = 0; at < cells; at++) {
        if (seen[at] === 1) squares[at] = last(squares[at]! / counts[at]!);
      }
    },
  };
}

/** Interpolated between the two nearest ranks; NaN counts as the smallest. Changes the order of `values`. */
export function quantileOf(q: number, values: Float64Array): number {
  if (!(q >= 0 && q <= 1) || values.length === 0 || hasNaN(values)) return quantileOfSorted(q, values.sort());
  const rank = q * (values.length - 1);
  const lower = Math.floor(rank);
  putNth(values, lower);
  const below = values[lower]!;
  // Which of several zeros it is depends on their order.
  if (below === 0) return quantileOfSorted(q, values.sort());
  let above = lower + 1 < values.length ? values[lower + 1]! : below;
  for (let i = lower + 2; i < values.length; i++) if (values[i]! < above) above = values[i]!;
  const weight = rank - lower;
  return below * (1 - weight) + above * weight;
}

function hasNaN(values: Float64Array): boolean {
  for (let i = 0; i < values.length; i++) if (Number.isNaN(values[i]!)) return true;
  return false;
}

/** The same of values that are sorted already, NaN at their end. */
export function quantileOfSorted(q: number, values: Float64Array): number {
  if (values.length === 0 || Number.isNaN(q)) return Number.NaN;
  if (q < 0) return Number.NEGATIVE_INFINITY;
  if (q > 1) return Number.POSITIVE_INFINITY;
  // The engine sorts NaN to the end.
  let nans = 0;
  while (nans < values.length && Number.isNaN(values[values.length - 1 - nans])) nans++;
  const at = (rank: number): number => (rank < nans ? Number.NaN : values[rank - nans]!);
  const rank = q * (values.length - 1);
  const lower = Math.max(0, Math.floor(rank));
  const upper = Math.min(values.length - 1, lower + 1);
  const weight = rank - Math.floor(rank);
  return at(lower) * (1 - weight) + at(upper) * weight;
}
