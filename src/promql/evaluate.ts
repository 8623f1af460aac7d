// Walks the plan: inputs first, then the node's operator over all steps at once.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file, indices are within typed arrays by construction.

import { never } from '../base/index.ts';
import { multiplied, type NativeHistogram } from '../model/index.ts';
import { FUNCTIONS } from './functions/index.ts';
import {
  aggregate,
  binary,
  FOLDS,
  type Grid,
  NAME_LABELS,
  needStartTimestamps,
  type Run,
  type ScalarValue,
  selectInstants,
  selectRanges,
  subqueryWindows,
  type Value,
  type VectorValue,
  windowsOver,
  withHistograms,
} from './operators/index.ts';
import { COMPARISONS } from './parser/index.ts';
import type { AggregateNode, BinaryNode, CallNode, Planned, RepeatNode, SubqueryNode } from './plan/index.ts';

export function evaluate(run: Run, node: Planned, grid: Grid): Promise<Value> {
  const { measure } = run.inputs;
  if (measure === undefined) return carryOut(run, node, grid);
  return measure.of(
    { run, node, grid },
    () => carryOut(run, node, grid),
    value => value,
  );
}

async function carryOut(run: Run, node: Planned, grid: Grid): Promise<Value> {
  run.beginsAnew();
  if (run.isDue()) await run.pause();
  switch (node.op) {
    case 'number':
      return { kind: 'scalar', values: new Float64Array(grid.steps).fill(Number(node.settings.value)) };
    case 'string':
      return { kind: 'string', text: node.settings.text };
    case 'select':
      return selectInstants(run, node.settings, { grid, take: 'value' });
    case 'select-times':
      if (node.settings.of !== 'start') return selectInstants(run, node.settings, { grid, take: 'time' });
      needStartTimestamps(run, node.settings.span);
      return selectInstants(run, node.settings, { grid, take: 'start' });
    case 'select-range':
      return selectRanges(run, node, grid);
    case 'subquery':
      return evaluateSubquery(run, node, grid);
    case 'call':
      return evaluateCall(run, node, grid);
    case 'aggregate':
      return evaluateAggregate(run, node, grid);
    case 'negate':
      return negate(run, await evaluate(run, node.inputs[0], grid), node.settings.span);
    case 'binary': {
      const left = await evaluate(run, node.inputs[0], grid);
      const right = await evaluate(run, node.inputs[1], grid);
      return binary(run, node, { left, right, mode: node.settings.bool ? 'bool' : 'filter' });
    }
    case 'repeat':
      return repeat(run, await evaluate(run, node.inputs[0], firstStep(grid)), grid);
    default:
      return never(node);
  }
}

export interface RootValue {
  readonly value: Value;
  /** What a filtering comparison at the root saw on its left before it filtered. */
  readonly unfiltered: VectorValue | undefined;
}

/** Evaluates the root; where that is wanted a comparison there is answered twice from one evaluation of its sides. */
export async function evaluateRoot(run: Run, node: Planned, grid: Grid): Promise<RootValue> {
  if (!run.inputs.wantUnfiltered || (node.op !== 'repeat' && !isFilter(node))) {
    return { value: await evaluate(run, node, grid), unfiltered: undefined };
  }
  const { measure } = run.inputs;
  if (measure === undefined) return carryOutRoot(run, node, grid);
  return measure.of(
    { run, node, grid },
    () => carryOutRoot(run, node, grid),
    root => root.value,
  );
}

function isFilter(node: Planned): node is BinaryNode {
  return node.op === 'binary' && COMPARISONS.has(node.settings.operator) && !node.settings.bool;
}

async function carryOutRoot(run: Run, node: RepeatNode | BinaryNode, grid: Grid): Promise<RootValue> {
  if (node.op === 'repeat') {
    const once = await evaluateRoot(run, node.inputs[0], firstStep(grid));
    const unfiltered = once.unfiltered === undefined ? undefined : repeatVector(run, once.unfiltered, grid);
    return { value: repeat(run, once.value, grid), unfiltered };
  }
  const left = await evaluate(run, node.inputs[0], grid);
  const right = await evaluate(run, node.inputs[1], grid);
  const value = await binary(run, node, { left, right, mode: 'filter' });
  const unfiltered = await binary(run, node, { left, right, mode: 'unfiltered' });
  return { value, unfiltered: unfiltered.kind === 'vector' ? unfiltered : undefined };
}

function firstStep(grid: Grid): Grid {
  return { ...grid, steps: Math.min(1, grid.steps), ...(grid.counts && { counts: 'all' }) };
}

function repeat(run: Run, value: Value, grid: Grid): Value {
  if (value.kind === 'scalar') {
    return { kind: 'scalar', values: new Float64Array(grid.steps).fill(value.values[0] ?? Number.NaN) };
  }
  if (value.kind !== 'vector') return value;
  return repeatVector(run, value, grid);
}

function repeatVector(run: Run, value: VectorValue, grid: Grid): VectorValue {
  if (grid.steps === value.steps) return value;
  const result = run.newVector(value.series, grid.steps);
  const histograms = new Map<number, NativeHistogram>();
  for (let row = 0; row < value.series.length; row++) {
    if (value.present[row] === 0) continue;
    result.values.fill(value.values[row]!, row * grid.steps, (row + 1) * grid.steps);
    result.present.fill(1, row * grid.steps, (row + 1) * grid.steps);
    const histogram = value.histograms?.get(row);
    if (histogram === undefined) continue;
    for (let i = 0; i < grid.steps; i++) histograms.set(row * grid.steps + i, histogram);
  }
  return withHistograms(result, histograms);
}

async function negate(
  run: Run,
  value: Value,
  span: { readonly start: number; readonly end: number },
): Promise<Value> {
  if (value.kind === 'scalar') return negateScalar(value);
  if (value.kind !== 'vector') throw new Error('negation of a wrong type');
  const result = run.newVector(run.dropNames(value.series), value.steps);
  result.present.set(value.present);
  for (let at = 0; at < result.values.length; at++) result.values[at] = -value.values[at]!;
  const histograms = new Map<number, NativeHistogram>();
  for (const [at, one] of value.histograms ?? []) {
    run.reserveHistogram(one);
    histograms.set(at, multiplied(one, -1));
  }
  return run.uniqueAfterDrop(withHistograms(result, histograms), span);
}

function negateScalar({ values }: ScalarValue): ScalarValue {
  return { kind: 'scalar', values: values.map(value => -value) };
}

async function evaluateSubquery(run: Run, node: SubqueryNode, grid: Grid): Promise<Value> {
  const windows = subqueryWindows(run, node, grid);
  const [inner] = node.inputs;
  const empty = {
    kind: 'vector',
    steps: 0,
    series: [],
    values: new Float64Array(),
    present: new Uint8Array(),
  } as const;
  const points = windows.inner.steps === 0 ? empty : await evaluate(run, inner, windows.inner);
  if (points.kind !== 'vector') throw new Error('subquery of a wrong type');
  return windowsOver(run, windows, points);
}

async function evaluateCall(run: Run, node: CallNode, grid: Grid): Promise<Value> {
  const args: Value[] = [];
  // Its own result is what is looked at without names, not those of its arguments.
  const { namesUnseen: _, ...seen } = grid;
  for (const input of node.inputs) args.push(await evaluate(run, input, seen));
  const implementation = FUNCTIONS.get(node.settings.func);
  if (implementation === undefined) throw new Error(`function ${node.settings.func} is not in the registry`);
  return implementation({ run, node, args, grid });
}

async function evaluateAggregate(run: Run, node: AggregateNode, grid: Grid): Promise<Value> {
  const [inner, paramNode] = node.inputs;
  if (inner === undefined) throw new Error('aggregation without an input');
  const vector = await evaluate(
    run,
    inner,
    hidesNames(run, node, inner) ? { ...grid, namesUnseen: true } : grid,
  );
  const param = paramNode === undefined ? undefined : await evaluate(run, paramNode, grid);
  if (vector.kind !== 'vector') throw new Error('aggregation of a wrong type');
  return aggregate(run, node, { vector, param });
}

/** Aggregations whose result has no series of the input as it was. */
const FOLDING: ReadonlySet<string> = new Set([...Object.keys(FOLDS), 'quantile']);

/** Whether nobody sees what a function below an aggregation does to the names of metrics. */
function hidesNames(run: Run, { settings }: AggregateNode, inner: Planned): boolean {
  if (run.inputs.settings.delayedNameRemoval || inner.op !== 'call' || !FOLDING.has(settings.func))
    return false;
  return settings.without || !settings.grouping.some(name => NAME_LABELS.has(name));
}
