// Time: of the evaluation, of samples, and the parts of a date (UTC). Also what turns scalars to vectors and back.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file, indices are within typed arrays by construction.

import { NO_LABELS } from '../../model/index.ts';
import {
  type Grid,
  needStartTimestamps,
  queryTimes,
  type ScalarValue,
  type VectorValue,
} from '../operators/index.ts';
import { type CallInput, elementwise, type FunctionImpl, scalarArg, vectorArg } from './call.ts';

export const TIME_FUNCTIONS: Readonly<Record<string, FunctionImpl>> = {
  day_of_month: datePart(date => date.getUTCDate()),
  day_of_week: datePart(date => date.getUTCDay()),
  day_of_year: datePart(
    date => Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear(), 0, 1)) / 86_400_000) + 1,
  ),
  days_in_month: datePart(date =>
    new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate(),
  ),
  hour: datePart(date => date.getUTCHours()),
  minute: datePart(date => date.getUTCMinutes()),
  month: datePart(date => date.getUTCMonth() + 1),
  year: datePart(date => date.getUTCFullYear()),
  end: ({ run, grid }) => constant(grid, run.inputs.endMs / 1000),
  max_of: pairwise(Math.max),
  min_of: pairwise(Math.min),
  pi: ({ grid }) => constant(grid, Math.PI),
  range: ({ run, grid }) => constant(grid, queryTimes(run).rangeMs / 1000),
  scalar: toScalar,
  start: ({ run, grid }) => constant(grid, run.inputs.startMs / 1000),
  // Of an expression nothing is known; a selector's samples are asked where they are selected.
  start_timestamp: ({ run, node, grid }) => {
    needStartTimestamps(run, node.settings.span);
    return run.newVector([], grid.steps);
  },
  step: ({ run, grid }) => constant(grid, queryTimes(run).stepMs / 1000),
  time: ({ grid }) => ({ kind: 'scalar', values: evaluationTimes(grid) }),
  timestamp,
  vector: toVector,
};

function evaluationTimes(grid: Grid): Float64Array {
  return Float64Array.from({ length: grid.steps }, (_, i) => (grid.startMs + i * grid.stepMs) / 1000);
}

function constant(grid: Grid, value: number): ScalarValue {
  return { kind: 'scalar', values: new Float64Array(grid.steps).fill(value) };
}

/** Of the value taken as seconds since the epoch, or of the evaluation time without an argument. */
function datePart(part: (date: Date) => number): FunctionImpl {
  const read = (seconds: number): number => part(new Date(Math.trunc(seconds) * 1000));
  const ofValues = elementwise(read);
  return input => {
    if (input.args.length > 0) return ofValues(input);
    return single(input, evaluationTimes(input.grid).map(read));
  };
}

function pairwise(pick: (a: number, b: number) => number): FunctionImpl {
  return input => {
    const right = scalarArg(input, 1);
    return { kind: 'scalar', values: scalarArg(input, 0).map((left, i) => pick(left, right[i] as number)) };
  };
}

/** A vector of one series without labels, at every step. */
function single({ run, grid }: CallInput, column: Float64Array): VectorValue {
  const result = run.newVector([{ labels: NO_LABELS, dropName: false, producer: null }], grid.steps);
  result.values.set(column);
  result.present.fill(1);
  return result;
}

function toVector(input: CallInput): VectorValue {
  return single(input, scalarArg(input, 0));
}

/** The value of the one series that exists at a step, NaN where none or several do. */
function toScalar(input: CallInput): ScalarValue {
  const { series, present, values, histograms } = vectorArg(input, 0);
  const { steps } = input.grid;
  const column = new Float64Array(steps).fill(Number.NaN);
  for (let i = 0; i < steps; i++) {
    let found = 0;
    for (let at = i; at < series.length * steps; at += steps) {
      if (present[at] === 0 || histograms?.has(at)) continue;
      column[i] = values[at]!;
      found++;
    }
    if (found > 1) column[i] = Number.NaN;
  }
  return { kind: 'scalar', values: column };
}

/** Of a computed vector: the evaluation time (that of a selector's samples is read where they are selected). */
function timestamp(input: CallInput): Promise<VectorValue> {
  const { run, node, grid } = input;
  const vector = vectorArg(input, 0);
  const times = evaluationTimes(grid);
  const result = run.newVector(run.dropNames(vector.series), grid.steps);
  result.present.set(vector.present);
  for (let row = 0; row < vector.series.length; row++) result.values.set(times, row * grid.steps);
  return run.uniqueAfterDrop(result, node.settings.span);
}
