// History of recording rules: what they would have recorded over a span that is past, evaluated over the stored samples at the
// times at which their groups would have been, and written straight into blocks.

import { err, ok, type Result } from '../base/index.ts';
import {
  type AnswerSeries,
  type Labels,
  labelPairs,
  labelsFromPairs,
  labelsKey,
  METRIC_NAME,
  type NativeHistogram,
  type Query,
  setStaleAt,
  wordsOf,
} from '../model/index.ts';
import {
  alignedTimeMs,
  groupOffsetMs,
  type RecordingRule,
  type RuleFile,
  type RuleGroup,
} from '../rules/index.ts';
import type { OldSeries, OldSpan, Store } from '../storage/index.ts';

/** Of one query over the span of a block. */
const QUERY_TIMEOUT_MS = 10 * 60_000;
/** Samples handed to the store at a time. */
const PORTION_SAMPLES = 32 * 1024;

export interface BackfillParts {
  readonly query: Query;
  readonly store: Pick<Store, 'oldSpans' | 'writeOld'>;
}

export interface BackfillAsked {
  readonly files: readonly RuleFile[];
  /** Both ends are included. */
  readonly fromMs: number;
  readonly toMs: number;
  /** Of groups that have no interval of their own. */
  readonly intervalMs: number;
  /** Of groups that have none of their own. */
  readonly queryOffsetMs: number;
}

export interface BackfilledRule {
  readonly group: string;
  readonly record: string;
  readonly samples: number;
  /** Of the span with the most. */
  readonly series: number;
  /** Why it could not go on; "" where it was done. */
  readonly failure: string;
}

/** Rules in their order, each over the whole span before the next: a rule sees what those before it recorded. */
export async function* backfillRules(
  parts: BackfillParts,
  asked: BackfillAsked,
): AsyncGenerator<BackfilledRule> {
  for (const { groups } of asked.files)
    for (const group of groups)
      for (const rule of group.rules)
        if (rule.kind === 'recording') yield await backfillRule(parts, asked, { group, rule });
}

async function backfillRule(
  parts: BackfillParts,
  asked: BackfillAsked,
  { group, rule }: { readonly group: RuleGroup; readonly rule: RecordingRule },
): Promise<BackfilledRule> {
  let [samples, series] = [0, 0];
  const told = (failure: string): BackfilledRule => ({
    ...{ group: group.name, record: rule.record, samples, series, failure },
  });
  const steps = { ends: new Map<string, Labels>() };
  for (const span of parts.store.oldSpans(asked)) {
    const found = await evaluate(parts.query, { asked, group, rule, span, steps });
    if (!found.ok) return told(found.error);
    if (found.value.length === 0) continue;
    const written = await parts.store.writeOld<never>(span, portionsOf(found.value));
    if (!written.ok)
      return told(written.error.kind === 'store' ? written.error.error.message : 'nothing could be read');
    samples += written.value.samples;
    series = Math.max(series, written.value.series);
  }
  return told('');
}

interface Evaluating {
  readonly asked: BackfillAsked;
  readonly group: RuleGroup;
  readonly rule: RecordingRule;
  readonly span: OldSpan;
  /** Series that had a value at the last step so far: where they have none at the next, they end there. */
  readonly steps: { ends: Map<string, Labels> };
}

async function evaluate(
  query: Query,
  { asked, group, rule, span, steps }: Evaluating,
): Promise<Result<readonly OldSeries[], string>> {
  const stepMs = group.intervalMs ?? asked.intervalMs;
  const offsetMs = groupOffsetMs(group, stepMs);
  const firstMs = Math.max(span.fromMs, asked.fromMs);
  const lastMs = alignedTimeMs(Math.min(span.toMs - 1, asked.toMs), stepMs, offsetMs);
  const before = alignedTimeMs(firstMs, stepMs, offsetMs);
  const startMs = before < firstMs ? before + stepMs : before;
  if (startMs > lastMs) return ok([]);
  // A rule looks that much back, and its samples stand at the time of the evaluation all the same.
  const backMs = group.queryOffsetMs ?? asked.queryOffsetMs;
  const times = { startMs: startMs - backMs, endMs: lastMs - backMs, stepMs };
  const answer = await query.execute(rule.plan, times, {
    principal: { kind: 'system', part: 'rules' },
    timeoutMs: QUERY_TIMEOUT_MS,
  });
  if (!answer.ok) return err(answer.error.message);
  const found = new Map<string, OldSeries>();
  const ended = steps.ends;
  steps.ends = new Map();
  for (const one of answer.value.series) {
    const labels = recordedLabels(rule, one.labels);
    const key = labelsKey(labels);
    if (found.has(key))
      return err('vector contains metrics with the same labelset after applying rule labels');
    const series = seriesOf(one, labels, { startMs, stepMs, isOpen: ended.has(key) });
    if (series === undefined) continue;
    found.set(key, series);
    if (one.present[one.present.length - 1] === 1) steps.ends.set(key, labels);
  }
  if (group.limit > 0 && found.size > group.limit)
    return err(`exceeded limit of ${group.limit} with ${found.size} series`);
  for (const [key, labels] of ended)
    if (!found.has(key)) found.set(key, { ...samplesOf([{ timeMs: startMs }]), labels });
  return ok([...found.values()]);
}

function recordedLabels(rule: RecordingRule, labels: Labels): Labels {
  return labelsFromPairs([...labelPairs(labels), ...labelPairs(rule.labels), [METRIC_NAME, rule.record]]);
}

/** Undefined where it has nothing to say: no value at any step, nor at the one before. */
function seriesOf(
  one: AnswerSeries,
  labels: Labels,
  steps: { readonly startMs: number; readonly stepMs: number; readonly isOpen: boolean },
): OldSeries | undefined {
  const samples: Sample[] = [];
  let isOpen = steps.isOpen;
  one.present.forEach((present, step) => {
    const timeMs = steps.startMs + step * steps.stepMs;
    const histogram = one.histograms?.get(step);
    if (present === 1)
      samples.push({ timeMs, value: one.values[step] ?? Number.NaN, ...(histogram && { histogram }) });
    // As the running program does: else a query would look back to the value before.
    else if (isOpen) samples.push({ timeMs });
    isOpen = present === 1;
  });
  return samples.length === 0 ? undefined : { ...samplesOf(samples), labels };
}

/** Without a value it is the end of the series. */
interface Sample {
  readonly timeMs: number;
  readonly value?: number;
  readonly histogram?: NativeHistogram;
}

function samplesOf(samples: readonly Sample[]): Omit<OldSeries, 'labels'> {
  const values = Float64Array.from(samples, ({ value }) => value ?? 0);
  const words = wordsOf(values);
  const histograms = new Map<number, NativeHistogram>();
  samples.forEach(({ value, histogram }, i) => {
    if (value === undefined) setStaleAt(words, i);
    if (histogram !== undefined) histograms.set(i, histogram);
  });
  return {
    producer: undefined,
    timesMs: Float64Array.from(samples, ({ timeMs }) => timeMs),
    values,
    from: 0,
    to: samples.length,
    ...(histograms.size === 0 ? {} : { histograms }),
  };
}

async function* portionsOf(
  series: readonly OldSeries[],
): AsyncGenerator<Result<readonly OldSeries[], never>> {
  let portion: OldSeries[] = [];
  let samples = 0;
  for (const one of series) {
    portion.push(one);
    samples += one.to - one.from;
    if (samples < PORTION_SAMPLES) continue;
    yield ok(portion);
    portion = [];
    samples = 0;
  }
  if (portion.length > 0) yield ok(portion);
}
