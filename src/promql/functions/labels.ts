// Functions on labels, order and existence.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file, indices are within typed arrays by construction.

import {
  compareLabels,
  compileRegex,
  expandTemplate,
  type Labels,
  labelPairs,
  labelsFromPairs,
  labelValue,
} from '../../model/index.ts';
import { floatsOf, pickRows, type SeriesMeta, type VectorValue } from '../operators/index.ts';
import { isValidUtf8, quote } from '../parser/index.ts';
import type { Planned, PlannedMatcher } from '../plan/index.ts';
import { argSpan, type CallInput, type FunctionImpl, matrixArg, textArg, vectorArg } from './call.ts';
import { compareNatural } from './natural.ts';

export const LABEL_FUNCTIONS: Readonly<Record<string, FunctionImpl>> = {
  absent: input => absentWhere(input, existsInVector(vectorArg(input, 0))),
  absent_over_time: input => absentWhere(input, existsInWindows(input)),
  label_join: labelJoin,
  label_replace: labelReplace,
  sort: input => sortByValue(input, 1),
  sort_by_label: input => sortByLabel(input, 1),
  sort_by_label_desc: input => sortByLabel(input, -1),
  sort_desc: input => sortByValue(input, -1),
};

// --- label_replace, label_join ----------------------------------------------------------------------

function labelReplace(input: CallInput): Promise<VectorValue> {
  const [target, replacement, source, pattern] = [1, 2, 3, 4].map(i => textArg(input, i)) as [
    string,
    string,
    string,
    string,
  ];
  const regex = compileRegex(pattern);
  if (!regex.ok) {
    input.run.failExecution(
      `invalid regular expression in label_replace(): ${pattern}: ${regex.error}`,
      argSpan(input, 4),
    );
  }
  checkLabelName(input, { name: target, func: 'label_replace', arg: 1 });
  return relabel(input, target, labels => {
    const groups = regex.value.groups(labelValue(labels, source));
    return groups === undefined ? undefined : expandTemplate(replacement, regex.value, groups);
  });
}

function labelJoin(input: CallInput): Promise<VectorValue> {
  const target = textArg(input, 1);
  const separator = textArg(input, 2);
  const sources = input.args.slice(3).map((_, i) => textArg(input, i + 3));
  checkLabelName(input, { name: target, func: 'label_join', arg: 1 });
  for (const [i, name] of sources.entries()) checkLabelName(input, { name, func: 'label_join', arg: i + 3 });
  return relabel(input, target, labels => sources.map(name => labelValue(labels, name)).join(separator));
}

function checkLabelName(
  input: CallInput,
  { name, func, arg }: { readonly name: string; readonly func: string; readonly arg: number },
): void {
  if (name !== '' && isValidUtf8(name)) return;
  const which = arg === 1 ? 'destination' : 'source';
  input.run.failExecution(`invalid ${which} label name in ${func}(): ${quote(name)}`, argSpan(input, arg));
}

async function relabel(
  input: CallInput,
  target: string,
  valueFor: (labels: Labels) => string | undefined,
): Promise<VectorValue> {
  const { run, node, args } = input;
  const vector = vectorArg(input, 0);
  // What comes of the labels depends on the texts only.
  const texts = args.map(arg => (arg.kind === 'string' ? arg.text : ''));
  const key = JSON.stringify([node.settings.func, ...texts]);
  const memo = run.inputs.lists.relabelled;
  const known = memo.get(key, vector.series);
  if (known !== undefined) return run.unique({ ...vector, series: known }, node.settings.span);
  const series: SeriesMeta[] = [];
  for (const meta of vector.series) {
    const value = valueFor(meta.labels);
    if (value === undefined) series.push(meta);
    else {
      const labels = labelsFromPairs([...labelPairs(meta.labels), [target, value]]);
      // A name that was set on purpose stays.
      series.push({ ...meta, labels, dropName: meta.dropName && target !== '__name__' });
    }
    if (run.isDue()) await run.pause();
  }
  memo.put(key, series, { list: vector.series, made: series });
  return run.unique({ ...vector, series }, node.settings.span);
}

// --- sort -----------------------------------------------------------------------------------------

/** Only an instant query's answer has one order; true, with a warning, in a range query. */
function hintIneffective({ run, node }: CallInput): boolean {
  if (run.inputs.stepMs === 0) return false;
  run.annotate(
    'warning',
    'sort is ineffective for range queries since results are always ordered by labels',
    node.settings.span,
  );
  return true;
}

function sortByValue(input: CallInput, sign: 1 | -1): VectorValue {
  const unsorted = vectorArg(input, 0);
  if (hintIneffective(input) || unsorted.steps !== 1) return unsorted;
  // Histograms have no order.
  const vector = floatsOf(unsorted);
  return reorder(vector, (a, b) => {
    const x = vector.values[a]!;
    const y = vector.values[b]!;
    if (Number.isNaN(x) || Number.isNaN(y)) return Number(Number.isNaN(x)) - Number(Number.isNaN(y));
    return x === y ? 0 : sign * (x < y ? -1 : 1);
  });
}

function sortByLabel(input: CallInput, sign: 1 | -1): VectorValue {
  const vector = vectorArg(input, 0);
  if (hintIneffective(input) || vector.steps !== 1) return vector;
  const names = input.args.slice(1).map((_, i) => textArg(input, i + 1));
  return reorder(vector, (a, b) => {
    const left = (vector.series[a] as SeriesMeta).labels;
    const right = (vector.series[b] as SeriesMeta).labels;
    for (const name of names) {
      const order = compareNatural(labelValue(left, name), labelValue(right, name));
      if (order !== 0) return sign * order;
    }
    return sign * compareLabels(left, right);
  });
}

function reorder(vector: VectorValue, compare: (a: number, b: number) => number): VectorValue {
  const rows = vector.series.map((_, row) => row).filter(row => vector.present[row] === 1);
  return pickRows(vector, rows.sort(compare));
}

// --- absent ---------------------------------------------------------------------------------------

function existsInVector({ series, steps, present }: VectorValue): Uint8Array {
  const exists = new Uint8Array(steps);
  for (let at = 0; at < series.length * steps; at++) if (present[at] === 1) exists[at % steps] = 1;
  return exists;
}

function existsInWindows(input: CallInput): Uint8Array {
  const exists = new Uint8Array(input.grid.steps);
  for (const { first, end } of matrixArg(input, 0).series) {
    for (let i = 0; i < exists.length; i++) if (end[i]! > first[i]!) exists[i] = 1;
  }
  return exists;
}

function absentWhere({ run, node, grid }: CallInput, exists: Uint8Array): VectorValue {
  const labels = absentLabels(node.inputs[0]);
  const result = run.newVector([{ labels, dropName: false, producer: null }], grid.steps);
  for (let i = 0; i < grid.steps; i++) {
    if (exists[i] === 1) continue;
    result.values[i] = 1;
    result.present[i] = 1;
  }
  return result;
}

/** What is known about the series that is missing: labels that its selector pins to one value. */
function absentLabels(input: Planned | undefined): Labels {
  const node = input?.op === 'repeat' ? input.inputs[0] : input;
  if (node?.op !== 'select' && node?.op !== 'select-range') return labelsFromPairs([]);
  const pinned = new Map<string, string>();
  const seen = new Set<string>();
  for (const { name, op, value } of node.settings.matchers as readonly PlannedMatcher[]) {
    if (name === '__name__') continue;
    if (op === '=' && !seen.has(name)) pinned.set(name, value);
    else pinned.delete(name);
    if (op === '=') seen.add(name);
  }
  return labelsFromPairs(pinned);
}
