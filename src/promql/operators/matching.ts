// Binary operators between two vectors. Series find each other by signature once, for all steps; which of several
// candidates stands at a step is seen in the presence columns. At no step may the "one" side have two series of one
// signature, nor may two results have the same labels.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file, indices are within typed arrays by construction.

import { formatLabels, type Labels, labelsKey, type NativeHistogram } from '../../model/index.ts';
import { COMPARISONS } from '../parser/index.ts';
import type { BinaryNode, PlannedMatching, PlannedNumber } from '../plan/index.ts';
import { type CompareMode, isTrim, operate, operatorCode } from './arithmetic.ts';
import { combinePair, type Operand } from './histogram-pairs.ts';
import { type Naming, operatePairs, pairsOf, resultMeta } from './pairs.ts';
import { CELL_BYTES, type Run, SERIES_BYTES } from './run.ts';
import { matchedLabels, signatureOf } from './signature.ts';
import {
  filterLabels,
  type Histograms,
  histogramsWithin,
  NAME_LABELS,
  type SeriesMeta,
  type VectorValue,
  withHistograms,
} from './values.ts';

/** A column on one side: a real series, or what fill() puts where none stands. */
interface Column {
  readonly meta: SeriesMeta;
  readonly values: Float64Array;
  readonly present: Uint8Array;
  readonly histograms?: Histograms | undefined;
}

interface Bucket {
  readonly many: Column[];
  readonly one: Column[];
}

export async function matchVectors(
  run: Run,
  node: BinaryNode,
  inputs: { readonly left: VectorValue; readonly right: VectorValue; readonly mode: CompareMode },
): Promise<VectorValue> {
  const { matching } = node.settings;
  const swapped = matching.card === 'one-to-many';
  const many = swapped ? inputs.right : inputs.left;
  const one = swapped ? inputs.left : inputs.right;
  const { operator } = node.settings;
  const filters = COMPARISONS.has(operator) && inputs.mode !== 'bool';
  const names = new Set(matching.labels);
  const naming = { run, matching, names, keepsName: filters || isTrim(operator) };
  const pairs = isTrim(operator) ? undefined : await pairsOf(run, naming, { many, one });
  if (pairs !== undefined) {
    const kept = inputs.mode === 'unfiltered' ? 'all' : 'values';
    return operatePairs(run, node, { many, one, pairs, swapped, filters: filters ? kept : undefined });
  }
  const buckets = new Map<string, Bucket>();
  await fillBuckets(run, many, { side: 'many', buckets, matching });
  await fillBuckets(run, one, { side: 'one', buckets, matching });
  const { steps } = many;
  const rowsLikely = Math.max(many.series.length, 1);
  const output = new Output(node, { naming, steps, swapped, mode: inputs.mode, filters, rowsLikely });
  for (const bucket of buckets.values()) {
    if (bucket.one.length > 1) checkOneSide(run, node, { bucket, many, swapped });
    addFills(run, bucket, { matching, steps: many.steps });
    output.startBucket(bucket.many.length * bucket.one.length);
    for (const left of bucket.many) {
      for (const right of bucket.one) output.add(left, right);
      if (run.isDue()) await run.pause();
    }
  }
  return output.finish();
}

async function fillBuckets(
  run: Run,
  vector: VectorValue,
  {
    side,
    buckets,
    matching,
  }: { side: 'many' | 'one'; buckets: Map<string, Bucket>; matching: PlannedMatching },
): Promise<void> {
  const { steps } = vector;
  for (let row = 0; row < vector.series.length; row++) {
    const meta = vector.series[row]!;
    const key = signatureOf(meta.labels, matching);
    let bucket = buckets.get(key);
    if (bucket === undefined) {
      bucket = { many: [], one: [] };
      buckets.set(key, bucket);
    }
    bucket[side].push({
      meta,
      values: vector.values.subarray(row * steps, (row + 1) * steps),
      present: vector.present.subarray(row * steps, (row + 1) * steps),
      histograms: vector.histograms && histogramsWithin(vector.histograms, row * steps, (row + 1) * steps),
    });
    if (run.isDue()) await run.pause();
  }
}

function checkOneSide(
  run: Run,
  { settings }: BinaryNode,
  { bucket, many, swapped }: { bucket: Bucket; many: VectorValue; swapped: boolean },
): void {
  for (let step = 0; step < many.steps; step++) {
    const standing = bucket.one.filter(({ present }) => present[step] === 1);
    const [first, second] = standing;
    if (first === undefined || second === undefined || !existsAt(many, step)) continue;
    const group = quotedLabels(matchedLabels(first.meta.labels, settings.matching));
    const names = `[${quotedLabels(second.meta.labels)}, ${quotedLabels(first.meta.labels)}]`;
    run.failExecution(
      `found duplicate series for the match group ${group} on the ${swapped ? 'left' : 'right'} hand-side of the operation: ` +
        `${names};many-to-many matching not allowed: matching labels must be unique on one side`,
      settings.span,
    );
  }
}

function existsAt({ present, steps }: VectorValue, step: number): boolean {
  for (let at = step; at < present.length; at += steps) if (present[at] === 1) return true;
  return false;
}

/** `{a="b", c="d"}` with the braces always there. */
function quotedLabels(labels: Labels): string {
  return labels.length === 0 ? '{}' : formatLabels(labels);
}

// --- fill -----------------------------------------------------------------------------------------

function addFills(
  run: Run,
  bucket: Bucket,
  { matching, steps }: { matching: PlannedMatching; steps: number },
): void {
  // As Prometheus has it, fill_left is for the "many" side even where group_right makes that the right one.
  const fillMany = readFill(matching.fillLeft);
  const fillOne = readFill(matching.fillRight);
  if (fillMany === null && fillOne === null) return;
  const standsMany = union(bucket.many, steps);
  const standsOne = union(bucket.one, steps);
  const sample = bucket.many[0] ?? bucket.one[0];
  if (sample === undefined) return;
  const labels = filterLabels(matchedLabels(sample.meta.labels, matching), name => !NAME_LABELS.has(name));
  const meta: SeriesMeta = { labels, dropName: false, producer: null };
  const column = (value: number, has: Uint8Array, lacks: Uint8Array): Column => {
    run.charge(steps);
    return {
      meta,
      values: new Float64Array(steps).fill(value),
      present: has.map((flag, i) => (flag === 1 && lacks[i] === 0 ? 1 : 0)),
    };
  };
  if (fillOne !== null) bucket.one.push(column(fillOne, standsMany, standsOne));
  if (fillMany !== null) bucket.many.push(column(fillMany, standsOne, standsMany));
}

function readFill(fill: PlannedNumber | null): number | null {
  return fill === null ? null : Number(fill);
}

function union(columns: readonly Column[], steps: number): Uint8Array {
  const flags = new Uint8Array(steps);
  for (const { present } of columns) for (let i = 0; i < steps; i++) flags[i] = flags[i]! | present[i]!;
  return flags;
}

// --- results --------------------------------------------------------------------------------------

class Output {
  readonly #run: Run;
  readonly #node: BinaryNode;
  readonly #steps: number;
  readonly #swapped: boolean;
  readonly #mode: CompareMode;
  readonly #code: number;
  readonly #filters: boolean;
  readonly #naming: Naming;
  readonly #metas: SeriesMeta[] = [];
  /** Row after row, with room for more. */
  #values: Float64Array;
  #present: Uint8Array;
  readonly #histograms = new Map<number, NativeHistogram>();
  /** Steps at which a result of this bucket stands already, by result labels ("" for one-to-one: any). */
  #stands = new Map<string, Uint8Array>();
  #isOnly = false;

  constructor(
    node: BinaryNode,
    {
      naming,
      steps,
      swapped,
      mode,
      filters,
      rowsLikely,
    }: {
      naming: Naming;
      steps: number;
      swapped: boolean;
      mode: CompareMode;
      filters: boolean;
      rowsLikely: number;
    },
  ) {
    const { run } = naming;
    this.#run = run;
    this.#node = node;
    this.#naming = naming;
    this.#steps = steps;
    this.#swapped = swapped;
    this.#mode = mode;
    this.#filters = filters;
    this.#code = operatorCode(node.settings.operator);
    run.reserve(rowsLikely * steps * CELL_BYTES);
    this.#values = run.inputs.memory.zeros(rowsLikely * steps);
    this.#present = run.inputs.memory.zeroBytes(rowsLikely * steps);
  }

  startBucket(pairs: number): void {
    this.#isOnly = pairs === 1;
    if (this.#stands.size > 0) this.#stands = new Map();
  }

  /** Computes the pair where both stand. */
  add(many: Column, one: Column): void {
    const steps = this.#steps;
    if (!standTogether(many, one, steps)) return;
    const meta = resultMeta(this.#naming, many.meta, one.meta);
    const { card } = this.#node.settings.matching;
    const stands = this.#isOnly ? undefined : this.#standing(card, meta);
    const base = this.#newRow(meta);
    const values = this.#values;
    const present = this.#present;
    const left = this.#swapped ? one : many;
    const right = this.#swapped ? many : one;
    const unfiltered = this.#mode === 'unfiltered';
    const code = this.#code;
    const filters = this.#filters;
    const mayBeHistograms = this.#mayBeHistograms(left, right);
    for (let i = 0; i < steps; i++) {
      if (many.present[i] === 0 || one.present[i] === 0) continue;
      if (stands !== undefined) {
        if (stands[i] === 1) this.#failDuplicate(card);
        stands[i] = 1;
      }
      const value = left.values[i]!;
      if (mayBeHistograms && this.#isOfHistograms(left, right, i)) {
        this.#addHistogram(base + i, i, { left, right, unfiltered });
        continue;
      }
      const computed = operate(code, value, right.values[i]!);
      if (filters && !unfiltered && computed === 0) continue;
      values[base + i] = filters ? value : computed;
      present[base + i] = 1;
    }
  }

  #standing(card: PlannedMatching['card'], meta: SeriesMeta): Uint8Array {
    const key = card === 'one-to-one' ? '' : labelsKey(meta.labels);
    const known = this.#stands.get(key);
    if (known !== undefined) return known;
    this.#run.reserve(this.#steps);
    const stands = this.#run.inputs.memory.zeroBytes(this.#steps);
    this.#stands.set(key, stands);
    return stands;
  }

  /** Its first entry. */
  #newRow(meta: SeriesMeta): number {
    const base = this.#metas.length * this.#steps;
    this.#run.count(this.#steps);
    this.#run.reserve(SERIES_BYTES);
    this.#metas.push(meta);
    if (base + this.#steps > this.#values.length) {
      const { memory } = this.#run.inputs;
      const more = 2 * base + this.#steps;
      this.#run.reserve(more * CELL_BYTES);
      const [values, present] = [memory.zeros(more), memory.zeroBytes(more)];
      values.set(this.#values);
      present.set(this.#present);
      this.#values = values;
      this.#present = present;
    }
    return base;
  }

  #mayBeHistograms(left: Column, right: Column): boolean {
    return (
      left.histograms !== undefined || right.histograms !== undefined || isTrim(this.#node.settings.operator)
    );
  }

  #isOfHistograms(left: Column, right: Column, i: number): boolean {
    return (
      left.histograms?.has(i) === true ||
      right.histograms?.has(i) === true ||
      isTrim(this.#node.settings.operator)
    );
  }

  #addHistogram(
    at: number,
    i: number,
    sides: { readonly left: Column; readonly right: Column; readonly unfiltered: boolean },
  ): void {
    const { operator, span } = this.#node.settings;
    const operand = ({ values, histograms }: Column): Operand => ({
      value: values[i]!,
      histogram: histograms?.get(i),
    });
    const left = operand(sides.left);
    const pair = combinePair({ run: this.#run, operator, span }, left, operand(sides.right));
    if (pair === undefined) return;
    if (typeof pair === 'object') {
      this.#run.reserveHistogram(pair);
      this.#histograms.set(at, pair);
    } else if (this.#filters) {
      if (!pair && !sides.unfiltered) return;
      if (left.histogram !== undefined) this.#histograms.set(at, left.histogram);
    } else this.#values[at] = pair ? 1 : 0;
    this.#present[at] = 1;
  }

  #failDuplicate(card: PlannedMatching['card']): never {
    this.#run.failExecution(
      card === 'one-to-one'
        ? 'multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)'
        : 'multiple matches for labels: grouping labels must ensure unique matches',
      this.#node.settings.span,
    );
  }

  finish(): Promise<VectorValue> {
    const cells = this.#metas.length * this.#steps;
    const result: VectorValue = {
      kind: 'vector',
      steps: this.#steps,
      series: this.#metas,
      values: this.#values.subarray(0, cells),
      present: this.#present.subarray(0, cells),
    };
    return this.#run.unique(withHistograms(result, this.#histograms), this.#node.settings.span);
  }
}

function standTogether(many: Column, one: Column, steps: number): boolean {
  for (let i = 0; i < steps; i++) if (many.present[i] === 1 && one.present[i] === 1) return true;
  return false;
}
