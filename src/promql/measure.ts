// What each operator of a plan does in one execution: series, samples read and time. It exists only while a query is
// to be explained, so that others pay one comparison a node for it.

import type { Clock } from '../base/index.ts';
import { never } from '../base/index.ts';
import type { OperatorCost } from '../model/index.ts';
import type { Grid, Measure, Run, Value } from './operators/index.ts';
import type { Planned } from './plan/index.ts';

/** An operator that is at work: nodes are evaluated one after another, each within the one that asked for it. */
interface Frame {
  readonly startedMs: number;
  readonly seriesBefore: number;
  readonly samplesBefore: number;
  readonly inputs: OperatorCost[];
  /** What its inputs took together. */
  inputsMs: number;
  inputsSeries: number;
  inputsSamples: number;
  /** Time spent on measuring itself, which is nobody's. */
  lostMs: number;
  isShared: boolean;
}

/** Owns the measurements of one execution. */
export class PlanMeasure implements Measure {
  readonly #clock: Clock;
  readonly #expr: string;
  #current: Frame | undefined;
  root: OperatorCost | undefined;

  constructor(clock: Clock, expr: string) {
    this.#clock = clock;
    this.#expr = expr;
  }

  shared(): void {
    if (this.#current !== undefined) this.#current.isShared = true;
  }

  /** A failure within ends the query, and with it the measurements. */
  async of<T>(
    at: { readonly run: Run; readonly node: Planned; readonly grid: Grid },
    work: () => Promise<T>,
    resultOf: (result: T) => Value,
  ): Promise<T> {
    const parent = this.#current;
    const frame: Frame = {
      startedMs: this.#clock.monotonicMs(),
      seriesBefore: at.run.seriesRead,
      samplesBefore: at.run.samplesRead,
      inputs: [],
      inputsMs: 0,
      inputsSeries: 0,
      inputsSamples: 0,
      lostMs: 0,
      isShared: false,
    };
    this.#current = frame;
    const result = await work();
    this.#current = parent;
    const endedMs = this.#clock.monotonicMs();
    const totalMs = endedMs - frame.startedMs - frame.lostMs;
    const seriesRead = at.run.seriesRead - frame.seriesBefore;
    const samplesRead = at.run.samplesRead - frame.samplesBefore;
    const cost: OperatorCost = {
      op: at.node.op,
      name: nameOf(at.node),
      text: textOf(at.node, this.#expr),
      steps: at.grid.steps,
      series: seriesIn(resultOf(result)),
      seriesRead: seriesRead - frame.inputsSeries,
      samplesRead: samplesRead - frame.inputsSamples,
      selfMs: totalMs - frame.inputsMs,
      totalMs,
      isShared: frame.isShared,
      inputs: frame.inputs,
    };
    if (parent === undefined) this.root = cost;
    else {
      parent.inputs.push(cost);
      parent.inputsMs += totalMs;
      parent.inputsSeries += seriesRead;
      parent.inputsSamples += samplesRead;
      parent.lostMs += frame.lostMs + this.#clock.monotonicMs() - endedMs;
    }
    return result;
  }
}

/** What the operator is called in the language, where it has a name there. */
function nameOf(node: Planned): string {
  switch (node.op) {
    case 'call':
    case 'aggregate':
      return node.settings.func;
    case 'binary':
      return node.settings.bool ? `${node.settings.operator} bool` : node.settings.operator;
    case 'negate':
      return '-';
    default:
      return node.op;
  }
}

function textOf(node: Planned, expr: string): string {
  if (node.op === 'number') return String(node.settings.value);
  if (node.op === 'string') return JSON.stringify(node.settings.text);
  return expr.slice(node.settings.span.start, node.settings.span.end);
}

/** Series that have a value at any step. */
function seriesIn(value: Value): number {
  switch (value.kind) {
    case 'scalar':
    case 'string':
      return 1;
    case 'matrix':
      return value.series.length;
    case 'vector': {
      const { series, steps, present } = value;
      return series.filter((_, row) => present.subarray(row * steps, (row + 1) * steps).includes(1)).length;
    }
    default:
      return never(value);
  }
}
