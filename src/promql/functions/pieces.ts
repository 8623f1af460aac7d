// One row in pieces: where the windows of a single series hold very many samples together, the kernel gets some steps at a
// time, so that others have their turn between. What it gives for a step depends on that step's window only.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file, indices are within typed arrays by construction.

import type { Grid, RangeSeries } from '../operators/index.ts';

/** In the windows of a piece together: some milliseconds for most kernels, and some ten for those that sort. */
const PIECE_SAMPLES = 200_000;

/** What goes by steps of a kernel's context. */
interface Stepwise {
  readonly endsMs: Float64Array;
  readonly grid: Grid;
  readonly params: readonly Float64Array[];
}

export interface Piece<Column extends { readonly offset: number }, Context extends Stepwise> {
  readonly series: RangeSeries;
  readonly column: Column;
  readonly context: Context;
}

/** Nearly always: the kernel gets all of it at once. */
export function isSmall({ first, end }: Pick<RangeSeries, 'first' | 'end'>): boolean {
  const steps = first.length;
  // Windows only move forward: none is wider than from the first to the last.
  if (steps === 0 || steps * (end[steps - 1]! - first[0]!) <= PIECE_SAMPLES) return true;
  let samples = 0;
  for (let step = 0; step < steps; step++) samples += end[step]! - first[step]!;
  return samples <= PIECE_SAMPLES;
}

/** If there is one only it is what was given. */
export function* piecesOf<Column extends { readonly offset: number }, Context extends Stepwise>(
  whole: Piece<Column, Context>,
): Generator<Piece<Column, Context>> {
  const { first, end } = whole.series;
  const steps = first.length;
  if (isSmall(whole.series)) return yield whole;
  let from = 0;
  let samples = 0;
  for (let step = 0; step < steps; step++) {
    const own = end[step]! - first[step]!;
    if (step > from && samples + own > PIECE_SAMPLES) {
      yield stepsOf(whole, from, step);
      from = step;
      samples = 0;
    }
    samples += own;
  }
  // What was given is passed on as it is: kernels know by their windows what series share.
  yield from === 0 ? whole : stepsOf(whole, from, steps);
}

function stepsOf<Column extends { readonly offset: number }, Context extends Stepwise>(
  { series, column, context }: Piece<Column, Context>,
  from: number,
  to: number,
): Piece<Column, Context> {
  const { grid, endsMs, params } = context;
  return {
    series: { ...series, first: series.first.subarray(from, to), end: series.end.subarray(from, to) },
    column: { ...column, offset: column.offset + from },
    context: {
      ...context,
      endsMs: endsMs.subarray(from, to),
      grid: { ...grid, startMs: grid.startMs + from * grid.stepMs, steps: to - from },
      params: params.map(values => values.subarray(from, to)),
    },
  };
}
