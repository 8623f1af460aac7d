// info(): adds the labels of info series (target_info and its like) to the series of the same instance and job, step by
// step, since which info series stands may change.

import type { CompiledMatcher, NativeHistogram } from '../../model/index.ts';
import {
  compileMatchers,
  formatLabels,
  labelPairs,
  labelsFromPairs,
  labelsKey,
  labelValue,
  matchesAll,
} from '../../model/index.ts';
import {
  combineProducers,
  filterLabels,
  type SeriesMeta,
  type VectorValue,
  withHistograms,
} from '../operators/index.ts';
import { type CallInput, type FunctionImpl, vectorArg } from './call.ts';

export const INFO_FUNCTIONS: Readonly<Record<string, FunctionImpl>> = { info };

/** By these an info series belongs to a target. */
const IDENTIFYING: ReadonlySet<string> = new Set(['instance', 'job']);

interface Rules {
  readonly names: readonly CompiledMatcher[];
  /** Labels that may be added; empty: all. */
  readonly wanted: ReadonlySet<string>;
  /** Whether a series without any info series stays. */
  readonly keepsBare: boolean;
}

interface Infos {
  readonly vector: VectorValue;
  /** When the sample of an entry was taken, in seconds. */
  readonly times: VectorValue;
  /** Rows by the identifying labels, then by the info metric's name. */
  readonly rows: ReadonlyMap<string, ReadonlyMap<string, readonly number[]>>;
}

interface OutputRow {
  readonly meta: SeriesMeta;
  readonly values: Float64Array;
  readonly present: Uint8Array;
  readonly histograms: Map<number, NativeHistogram>;
}

/** The plan gives three inputs: the vector, the info series, and the times of their samples. */
async function info(input: CallInput): Promise<VectorValue> {
  const { run, node, grid } = input;
  const base = vectorArg(input, 0);
  const rules = readRules(input);
  const sources = vectorArg(input, 1);
  for (const at of sources.histograms?.keys() ?? []) failAsInfo(input, sources, at);
  const infos = indexInfos(sources, vectorArg(input, 2));
  const output = new Map<string, OutputRow>();
  for (const [row, meta] of base.series.entries()) {
    const candidates = infos.rows.get(identityOf(meta));
    for (let step = 0; step < grid.steps; step++) {
      const at = row * grid.steps + step;
      if (base.present[at] === 0) continue;
      const result = enrich(input, { meta, candidates, infos, rules, step });
      if (result === undefined) continue;
      const key = `${row} ${labelsKey(result.labels)}`;
      let target = output.get(key);
      if (target === undefined) {
        run.charge(grid.steps);
        target = {
          meta: result,
          values: new Float64Array(grid.steps),
          present: new Uint8Array(grid.steps),
          histograms: new Map(),
        };
        output.set(key, target);
      }
      target.values[step] = base.values[at] as number;
      target.present[step] = 1;
      const histogram = base.histograms?.get(at);
      if (histogram !== undefined) target.histograms.set(step, histogram);
    }
    if (run.isDue()) await run.pause();
  }
  const rows = [...output.values()];
  const vector = run.newVector(
    rows.map(({ meta }) => meta),
    grid.steps,
  );
  const all = new Map<number, NativeHistogram>();
  rows.forEach(({ values, present, histograms }, i) => {
    vector.values.set(values, i * grid.steps);
    vector.present.set(present, i * grid.steps);
    for (const [step, one] of histograms) all.set(i * grid.steps + step, one);
  });
  return run.unique(withHistograms(vector, all), node.settings.span);
}

function failAsInfo({ run, node }: CallInput, { series, steps }: VectorValue, at: number): never {
  const { labels } = series[Math.floor(at / steps)] as SeriesMeta;
  return run.failExecution(
    `info(): an info metric has floats, and this has native histograms: ${formatLabels(labels)}`,
    node.settings.span,
  );
}

function readRules({ run, node }: CallInput): Rules {
  const source = node.inputs[1];
  const matchers = source?.op === 'select' ? source.settings.matchers : [];
  const compiled = compileMatchers(matchers);
  if (!compiled.ok) return run.failExecution(compiled.error, node.settings.span);
  const data = compiled.value.filter(({ name }) => name !== '__name__');
  return {
    names: compiled.value.filter(({ name }) => name === '__name__'),
    wanted: new Set(data.map(({ name }) => name)),
    keepsBare: data.every(matcher => matcher.test('')),
  };
}

function identityOf({ labels }: SeriesMeta): string {
  return labelsKey(filterLabels(labels, name => IDENTIFYING.has(name)));
}

function indexInfos(vector: VectorValue, times: VectorValue): Infos {
  const rows = new Map<string, Map<string, number[]>>();
  for (const [row, meta] of vector.series.entries()) {
    const identity = identityOf(meta);
    const byName = rows.get(identity) ?? new Map<string, number[]>();
    rows.set(identity, byName);
    const name = labelValue(meta.labels, '__name__');
    byName.set(name, [...(byName.get(name) ?? []), row]);
  }
  return { vector, times, rows };
}

interface Enrichment {
  readonly meta: SeriesMeta;
  readonly candidates: ReadonlyMap<string, readonly number[]> | undefined;
  readonly infos: Infos;
  readonly rules: Rules;
  readonly step: number;
}

/** The series with what the info series at this step add; undefined where it is left out. */
function enrich(
  input: CallInput,
  { meta, candidates, infos, rules, step }: Enrichment,
): SeriesMeta | undefined {
  // An info series is not enriched by its own kind, and without identity nothing can belong to it.
  const identified = [...labelPairs(meta.labels)].some(([name]) => IDENTIFYING.has(name));
  if (!identified || matchesAll(rules.names, meta.labels)) return meta;
  const added = new Map<string, string>();
  let found = false;
  let producer = meta.producer;
  for (const rows of candidates?.values() ?? []) {
    const row = newestAt(input, { infos, rows, step });
    if (row === undefined) continue;
    found = true;
    const source = infos.vector.series[row] as SeriesMeta;
    producer = combineProducers(producer, source.producer);
    for (const [name, value] of labelPairs(source.labels)) {
      if (name === '__name__' || IDENTIFYING.has(name)) continue;
      if (rules.wanted.size > 0 && !rules.wanted.has(name)) continue;
      const known = added.get(name);
      if (known !== undefined && known !== value) {
        input.run.failExecution(`conflicting label: ${name}`, input.node.settings.span);
      }
      added.set(name, value);
    }
  }
  if (!found) return rules.keepsBare ? meta : undefined;
  // What the series itself says comes first.
  return { ...meta, producer, labels: labelsFromPairs([...added, ...labelPairs(meta.labels)]) };
}

/** Of several series of one info metric the one that was seen last. */
function newestAt(
  { run, node, grid }: CallInput,
  { infos, rows, step }: { readonly infos: Infos; readonly rows: readonly number[]; readonly step: number },
): number | undefined {
  let newest: number | undefined;
  let newestTime = Number.NEGATIVE_INFINITY;
  for (const row of rows) {
    const at = row * grid.steps + step;
    if (infos.vector.present[at] === 0) continue;
    const time = infos.times.values[at] as number;
    if (time === newestTime) run.failExecution('found duplicate series for info metric', node.settings.span);
    if (time > newestTime) {
      newest = row;
      newestTime = time;
    }
  }
  return newest;
}
