// The shape that all functions share, and the two common makings: over windows, and element by element.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file, indices are within typed arrays by construction.

import type { NativeHistogram } from '../../model/index.ts';
import {
  type Grid,
  haveOneName,
  type MatrixValue,
  type RangeSeries,
  type Run,
  type Value,
  type VectorValue,
  withHistograms,
} from '../operators/index.ts';
import type { CallNode, PlannedSpan } from '../plan/index.ts';
import {
  type CountedSeries,
  counted,
  eachMixedWindow,
  floatView,
  type MixedSeries,
  type MixedWindow,
  type MixedWork,
  mixedWork,
  noteIgnored,
} from './mixed.ts';
import { isSmall, piecesOf } from './pieces.ts';

export interface CallInput {
  readonly run: Run;
  readonly node: CallNode;
  readonly args: readonly Value[];
  readonly grid: Grid;
}

export type FunctionImpl = (input: CallInput) => Promise<Value> | Value;

export function vectorArg({ args }: CallInput, i: number): VectorValue {
  const value = args[i];
  if (value?.kind !== 'vector') throw new Error(`argument ${i} is not a vector`);
  return value;
}

export function matrixArg({ args }: CallInput, i: number): MatrixValue {
  const value = args[i];
  if (value?.kind !== 'matrix') throw new Error(`argument ${i} is not a range vector`);
  return value;
}

/** A scalar argument's column, one entry a step. */
export function scalarArg({ args }: CallInput, i: number): Float64Array {
  const value = args[i];
  if (value?.kind !== 'scalar') throw new Error(`argument ${i} is not a scalar`);
  return value.values;
}

export function textArg({ args }: CallInput, i: number): string {
  const value = args[i];
  if (value?.kind !== 'string') throw new Error(`argument ${i} is not a string`);
  return value.text;
}

export function argSpan({ node }: CallInput, i: number): PlannedSpan {
  return node.settings.argSpans[i] ?? node.settings.span;
}

// --- over windows ---------------------------------------------------------------------------------

/** Where a kernel writes: entry `offset + step`. */
export interface Column {
  readonly values: Float64Array;
  readonly present: Uint8Array;
  readonly offset: number;
}

/** Fills one series' column from its windows. */
export type WindowKernel = (series: RangeSeries, column: Column, context: WindowContext) => void;

export interface WindowContext {
  readonly rangeMs: number;
  readonly endsMs: Float64Array;
  /** Whether windows are widened; see extended.ts. */
  readonly modifier: MatrixValue['modifier'];
  readonly grid: Grid;
  /** The scalar arguments in order, one entry a step. */
  readonly params: readonly Float64Array[];
}

/** Of one window with at least one native histogram; undefined: nothing comes of it. */
export type MixedReduce = (
  window: MixedWindow,
  work: MixedWork,
  at: { readonly step: number; readonly context: WindowContext },
) => NativeHistogram | number | undefined;

export interface WindowSettings {
  /**
   * What native histograms are to it: without this nothing, the kernel sees floats only; `alike` a sample like any other; else
   * what comes of the windows that have any.
   */
  readonly histograms?: 'alike' | MixedReduce;
  /** Whether the result still is the metric's own value (last_over_time). */
  readonly keepsName?: boolean;
  /** What it gives is called with each series that gave a result: annotations. */
  readonly inspect?: (input: CallInput) => (series: RangeSeries) => void;
  /** Called once before: checks of parameters. */
  readonly check?: (input: CallInput) => void;
}

/** `begin` gives the kernel of one call: it may remember what series share. */
export function overWindows(
  work: WindowKernel | { readonly begin: () => WindowKernel },
  settings: WindowSettings = {},
): FunctionImpl {
  return async input => {
    const kernel = typeof work === 'function' ? work : work.begin();
    settings.check?.(input);
    const inspect = settings.inspect?.(input);
    const { run, node, args, grid } = input;
    const matrix = matrixArg(
      input,
      args.findIndex(arg => arg.kind === 'matrix'),
    );
    const params = args.flatMap(arg => (arg.kind === 'scalar' ? [arg.values] : []));
    const keepsName =
      settings.keepsName === true || (grid.namesUnseen === true && haveOneName(matrix.series));
    const metas = keepsName ? matrix.metas : run.dropNames(matrix.metas);
    const result = run.newVector(metas, grid.steps);
    const context: WindowContext = {
      rangeMs: matrix.rangeMs,
      endsMs: matrix.endsMs,
      modifier: matrix.modifier,
      grid,
      params,
    };
    const histograms = new Map<number, NativeHistogram>();
    let latest: Int32Array | undefined;
    let isWhole = true;
    for (let row = 0; row < matrix.series.length; row++) {
      const series = matrix.series[row]!;
      const offset = row * grid.steps;
      const column = { values: result.values, present: result.present, offset };
      const mixed = settings.histograms !== 'alike' && isMixed(series) ? counted(series) : undefined;
      const floats = mixed === undefined ? series : floatView(mixed);
      // Series that share their windows follow one another.
      if (floats.first !== latest) {
        latest = floats.first;
        isWhole = isSmall(floats);
      }
      if (isWhole) kernel(floats, column, context);
      else {
        for (const piece of piecesOf({ series: floats, column, context })) {
          kernel(piece.series, piece.column, piece.context);
          if (run.isDue()) await run.pause();
        }
      }
      if (inspect !== undefined && hasEntry(result.present, offset, grid.steps)) inspect(series);
      if (mixed !== undefined)
        overMixedWindows(input, mixed, { column, context, reduce: settings.histograms, histograms });
      if (run.isDue()) await run.pause();
    }
    const all = withHistograms(result, histograms);
    return keepsName ? all : run.uniqueAfterDrop(all, node.settings.span);
  };
}

function isMixed(series: RangeSeries): series is MixedSeries {
  return series.histograms !== undefined;
}

/** What the kernel has made of the floats is put right where a window has histograms. */
function overMixedWindows(
  input: CallInput,
  mixed: CountedSeries,
  work: {
    readonly column: Column;
    readonly context: WindowContext;
    readonly reduce: WindowSettings['histograms'];
    readonly histograms: Map<number, NativeHistogram>;
  },
): void {
  const { column, context, reduce, histograms } = work;
  const span = argSpan(
    input,
    input.args.findIndex(arg => arg.kind === 'matrix'),
  );
  const noting = mixedWork({ run: input.run, span }, mixed.series);
  eachMixedWindow(mixed, (window, step) => {
    if (typeof reduce !== 'function') {
      if (window.floats > 0) noteIgnored(noting);
      return;
    }
    const at = column.offset + step;
    const reduced = reduce(window, noting, { step, context });
    column.present[at] = reduced === undefined ? 0 : 1;
    if (typeof reduced === 'number') column.values[at] = reduced;
    else if (reduced !== undefined) {
      input.run.reserveHistogram(reduced);
      histograms.set(at, reduced);
    }
  });
}

function hasEntry(present: Uint8Array, offset: number, steps: number): boolean {
  for (let i = offset; i < offset + steps; i++) if (present[i] === 1) return true;
  return false;
}

/** A kernel from a function of one window; it is not called for an empty one. */
export function perWindow(
  reduce: (window: Window, context: WindowContext, step: number) => number,
  samplesMin = 1,
): WindowKernel {
  return (series, column, context) => {
    const { timesMs, values, first, end } = series;
    for (let i = 0; i < first.length; i++) {
      const from = first[i]!;
      const to = end[i]!;
      if (to - from < samplesMin) continue;
      column.values[column.offset + i] = reduce({ timesMs, values, from, to }, context, i);
      column.present[column.offset + i] = 1;
    }
  };
}

export interface Window {
  readonly timesMs: Float64Array;
  readonly values: Float64Array;
  readonly from: number;
  readonly to: number;
}

// --- element by element ---------------------------------------------------------------------------

/** `apply` gets the value and the scalar arguments at the step; undefined leaves the entry out. */
export function elementwise(
  apply: (value: number, ...params: number[]) => number | undefined,
  settings: { readonly defaults?: readonly number[] } = {},
): FunctionImpl {
  return async input => {
    const { run, node, args, grid } = input;
    const vector = vectorArg(input, 0);
    const defaults = settings.defaults ?? [];
    const count = Math.max(args.length - 1, defaults.length);
    const columns = Array.from({ length: count }, (_, i) =>
      i + 1 < args.length ? scalarArg(input, i + 1) : new Float64Array(grid.steps).fill(defaults[i] ?? 0),
    );
    const result = run.newVector(run.dropNames(vector.series), grid.steps);
    const params = new Array<number>(count).fill(0);
    for (let row = 0; row < vector.series.length; row++) {
      for (let i = 0; i < grid.steps; i++) {
        const at = row * grid.steps + i;
        if (vector.present[at] === 0 || vector.histograms?.has(at)) continue;
        for (let p = 0; p < count; p++) params[p] = (columns[p] as Float64Array)[i]!;
        const value = apply(vector.values[at]!, ...params);
        if (value === undefined) continue;
        result.values[at] = value;
        result.present[at] = 1;
      }
      if (run.isDue()) await run.pause();
    }
    return run.uniqueAfterDrop(result, node.settings.span);
  };
}
