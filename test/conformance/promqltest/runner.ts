// Runs a script against our engine: passed, or failed with the reason.

import {
  compactHistogram,
  formatHistogram,
  labelsEqual,
  labelsKey,
  type NativeHistogram,
  type QueryAnswer,
  type QueryFailure,
} from '../../../src/model/index.ts';
import { createQueryEngine } from '../../../src/promql/index.ts';
import { FakeClock } from '../../support/clock.ts';
import { type MemorySeries, memorySeriesReader } from '../../support/series.ts';
import { customHistograms, hintsAsStored } from './histograms.ts';
import { labelsRecord, type NotationValue } from './notation.ts';
import { type Command, type EvalCommand, parseScript } from './script.ts';

export interface CaseOutcome {
  readonly line: number;
  readonly expr: string;
  readonly verdict: 'passed' | 'failed';
  readonly reason: string;
}

export async function runScript(text: string): Promise<readonly CaseOutcome[]> {
  const outcomes: CaseOutcome[] = [];
  let data = new DataSet();
  for (const command of parseScript(text)) {
    if (command.kind === 'clear') data = new DataSet();
    else if (command.kind === 'load') data.load(command);
    else outcomes.push(await runCase(command, data));
  }
  return outcomes;
}

// --- data -----------------------------------------------------------------------------------------

class DataSet {
  readonly #byKey = new Map<
    string,
    {
      readonly labels: MemorySeries['labels'];
      readonly samples: Map<number, MemorySeries['samples'][number][1]>;
    }
  >();
  readonly #startsByKey = new Map<string, Map<number, number>>();

  load(command: Command & { kind: 'load' }): void {
    // Of lines for one series within a load the last counts.
    const last = new Map(
      command.series.map(series => [`${series.startTimestamps} ${labelsKey(series.labels)}`, series]),
    );
    for (const { labels, startTimestamps, values } of last.values()) {
      const key = labelsKey(labels);
      if (startTimestamps) {
        this.#startsByKey.set(key, startsOf(values, command.gapMs));
        continue;
      }
      const known = this.#byKey.get(key) ?? { labels, samples: new Map() };
      this.#byKey.set(key, known);
      for (const [i, value] of values.entries()) this.#put(known.samples, i * command.gapMs, value);
    }
    if (command.customBuckets) this.#addCustomBuckets(command);
  }

  #put(samples: Map<number, MemorySeries['samples'][number][1]>, timeMs: number, value: NotationValue): void {
    if (value.kind === 'missing' || samples.has(timeMs)) return;
    if (value.kind === 'float') samples.set(timeMs, value.value);
    else if (value.kind === 'stale') samples.set(timeMs, 'stale');
    else samples.set(timeMs, value.value);
  }

  /** The native histograms that Prometheus makes of classic ones: the buckets' name and labels without suffix and "le". */
  #addCustomBuckets(command: Command & { kind: 'load' }): void {
    for (const { labels, samples } of customHistograms(command)) {
      const key = labelsKey(labels);
      const known = this.#byKey.get(key) ?? { labels, samples: new Map() };
      this.#byKey.set(key, known);
      for (const [timeMs, histogram] of samples) known.samples.set(timeMs, histogram);
    }
  }

  series(): MemorySeries[] {
    return [...this.#byKey.values()]
      .filter(({ samples }) => samples.size > 0)
      .map(({ labels, samples }) => ({
        labels,
        samples: hintsAsStored([...samples].sort(([a], [b]) => a - b)).map(([timeMs, value]) => {
          const startMs = this.#startsByKey.get(labelsKey(labels))?.get(timeMs);
          return startMs === undefined ? [timeMs, value] : [timeMs, value, startMs];
        }),
      }));
  }
}

/** By the times of the samples. The beginning of time says that nothing is known. */
function startsOf(values: readonly NotationValue[], gapMs: number): Map<number, number> {
  const starts = new Map<number, number>();
  for (const [i, value] of values.entries())
    if (value.kind === 'float' && i * gapMs + value.value !== 0)
      starts.set(i * gapMs, i * gapMs + value.value);
  return starts;
}

// --- cases ----------------------------------------------------------------------------------------

async function runCase(command: EvalCommand, data: DataSet): Promise<CaseOutcome> {
  const { line, expr } = command;
  const engine = createQueryEngine({
    reader: memorySeriesReader(data.series()),
    clock: new FakeClock(),
    settings: { delayedNameRemoval: true, startTimestamps: true },
  });
  const outcome = (verdict: CaseOutcome['verdict'], reason = ''): CaseOutcome => ({
    line,
    expr,
    verdict,
    reason,
  });
  const plan = engine.prepare(expr);
  const result = plan.ok
    ? await engine.execute(plan.value, command.times, {
        principal: { kind: 'system', part: 'promqltest' },
        timeoutMs: 60_000,
      })
    : plan;
  const problem = result.ok ? judgeAnswer(command, result.value) : judgeFailure(command, result.error);
  if (problem === undefined) return outcome('passed');
  return outcome('failed', problem);
}

function judgeFailure({ expectations }: EvalCommand, failure: QueryFailure): string | undefined {
  const expected = expectations.find(({ kind }) => kind === 'fail');
  if (expected === undefined) return `unexpected failure: ${failure.code}: ${failure.message}`;
  if (expected.message !== undefined && expected.message !== failure.message) {
    return `failed with another message: ${failure.message}; expected: ${expected.message}`;
  }
  if (expected.pattern !== undefined && !new RegExp(expected.pattern).test(failure.message)) {
    return `failed with another message: ${failure.message}; expected: ${expected.pattern}`;
  }
  return undefined;
}

function judgeAnswer(command: EvalCommand, answer: QueryAnswer): string | undefined {
  if (command.expectations.some(({ kind }) => kind === 'fail')) return 'expected a failure';
  if (command.text !== undefined) {
    return answer.text === command.text ? undefined : `got string ${JSON.stringify(answer.text)}`;
  }
  return judgeAnnotations(command, answer) ?? judgeRows(command, answer);
}

function judgeAnnotations({ expectations }: EvalCommand, { annotations }: QueryAnswer): string | undefined {
  for (const [severity, word] of [
    ['warning', 'warn'],
    ['info', 'info'],
  ] as const) {
    const messages = annotations.filter(one => one.severity === severity).map(({ message }) => message);
    const wanted = expectations.filter(({ kind }) => kind === word);
    if (expectations.some(({ kind }) => kind === `no_${word}`) && messages.length > 0) {
      return `unexpected ${word}: ${messages.join('; ')}`;
    }
    if (wanted.length > 0 && messages.length === 0) return `expected ${word}: none came`;
    for (const { message, pattern } of wanted) {
      const fits = (text: string): boolean =>
        (message === undefined || text === message) &&
        (pattern === undefined || new RegExp(pattern).test(text));
      if (!messages.some(fits))
        return `expected ${word} "${message ?? pattern}", got: ${messages.join('; ')}`;
    }
  }
  return undefined;
}

function judgeRows(command: EvalCommand, answer: QueryAnswer): string | undefined {
  const expected = command.rows.map(row => ({
    labels: row.kind === 'series' ? row.labels : undefined,
    values: row.values,
  }));
  const scalar = command.rows.some(({ kind }) => kind === 'scalar');
  if (scalar && answer.resultType !== 'scalar') return `expected a scalar, got ${answer.resultType}`;
  const times = command.rangeVector ?? command.times;
  const rest = [...answer.series];
  for (const [i, row] of expected.entries()) {
    const at = rest.findIndex(({ labels }) => row.labels === undefined || labelsEqual(labels, row.labels));
    const name = JSON.stringify(row.labels === undefined ? {} : labelsRecord(row.labels));
    if (at < 0) {
      if (row.values.every(({ kind }) => kind === 'missing')) continue;
      return `missing ${name}; got ${describe(answer)}`;
    }
    const ordered = command.expectations.some(({ kind }) => kind === 'ordered');
    if (ordered && at !== 0) return `row ${i} ${name} is out of order`;
    const [found] = rest.splice(at, 1);
    if (found === undefined) continue;
    const values = pointsOf(found, times);
    const problem = compareValues(row.values, values);
    if (problem !== undefined) return `${name}: ${problem}`;
  }
  return rest.length > 0
    ? `unexpected ${JSON.stringify(labelsRecord(rest[0]?.labels ?? ([] as never)))}`
    : undefined;
}

function describe(answer: QueryAnswer): string {
  return answer.series
    .slice(0, 4)
    .map(({ labels, values }) => `${JSON.stringify(labelsRecord(labels))} ${values.slice(0, 5).join(' ')}`)
    .join(', ');
}

type Point = number | NativeHistogram | undefined;
type Points = readonly Point[];

function pointsOf(series: QueryAnswer['series'][number], times: EvalCommand['times']): Points {
  const at = (i: number): Point => series.histograms?.get(i) ?? series.values[i];
  if (series.timesMs === undefined) {
    return Array.from(series.values, (_, i) => (series.present[i] === 1 ? at(i) : undefined));
  }
  const count = Math.floor((times.endMs - times.startMs) / times.stepMs) + 1;
  const points: Point[] = new Array(count).fill(undefined);
  series.timesMs.forEach((timeMs, i) => {
    points[(timeMs - times.startMs) / times.stepMs] = at(i);
  });
  return points;
}

function compareValues(expected: readonly NotationValue[], got: Points): string | undefined {
  const length = Math.max(expected.length, got.length);
  for (let i = 0; i < length; i++) {
    const want = expected[i];
    const have = got[i];
    if (want?.kind === 'histogram') {
      if (typeof have !== 'object') return `entry ${i}: expected a histogram, got ${have ?? '_'}`;
      const problem = histogramProblem(want, have);
      if (problem !== undefined) return `entry ${i}: ${problem}`;
      continue;
    }
    const wanted = want?.kind === 'float' ? want.value : undefined;
    if (typeof have === 'object')
      return `entry ${i}: expected ${wanted ?? '_'}, got ${formatHistogram(have, String)}`;
    if (!almostEqual(wanted, have)) return `entry ${i}: expected ${wanted ?? '_'}, got ${have ?? '_'}`;
  }
  return undefined;
}

function histogramProblem(
  { value: want, hasHint }: NotationValue & { readonly kind: 'histogram' },
  have: NativeHistogram,
): string | undefined {
  const [a, b] = [compactHistogram(want), compactHistogram(have)];
  const same = (left: ArrayLike<number>, right: ArrayLike<number>): boolean =>
    left.length === right.length && Array.from(left).every((one, i) => almostEqual(one, right[i]));
  const isSame =
    a.schema === b.schema &&
    same([a.count, a.sum, a.zeroThreshold, a.zeroCount], [b.count, b.sum, b.zeroThreshold, b.zeroCount]) &&
    same(a.positiveCounts, b.positiveCounts) &&
    same(a.negativeCounts, b.negativeCounts) &&
    same(a.customBounds ?? [], b.customBounds ?? []) &&
    JSON.stringify([a.positiveSpans, a.negativeSpans]) === JSON.stringify([b.positiveSpans, b.negativeSpans]);
  if (!isSame) return `expected ${formatHistogram(a, String)}, got ${formatHistogram(b, String)}`;
  return hasHint && a.resetHint !== b.resetHint
    ? `expected the hint ${a.resetHint}, got ${b.resetHint}`
    : undefined;
}

/** Relative tolerance of upstream's runner. */
const EPSILON = 1e-6;

function almostEqual(a: number | undefined, b: number | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  if (a === b || (Number.isNaN(a) && Number.isNaN(b))) return true;
  const difference = Math.abs(a - b);
  const scale = Math.abs(a) + Math.abs(b);
  if (a === 0 || b === 0 || scale < Number.MIN_VALUE) return difference < EPSILON * Number.MIN_VALUE;
  return difference / Math.min(scale, Number.MAX_VALUE) < EPSILON;
}
