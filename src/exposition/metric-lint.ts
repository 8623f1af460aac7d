// What makes metrics awkward to work with though they can be read: the rules of Prometheus's own lint (promtool check
// metrics), in our words where its are not known to everybody.

import type { MetricType } from '../model/index.ts';
import { lineFailure, type PageFailure } from './failure.ts';
import { OpenMetricsReader } from './openmetrics-reader.ts';
import { checkOpenMetrics, SAMPLE_SUFFIXES } from './openmetrics-strict.ts';
import type { PageReader } from './page-reader.ts';
import { badNames, helpOf, nameOf } from './parse.ts';
import { decodeSeries } from './series-text.ts';
import { TextReader } from './text-reader.ts';

export interface MetricProblem {
  readonly metric: string;
  readonly text: string;
}

export interface MetricReview {
  /** The page cannot be read; what came before it is still judged. */
  readonly failure: PageFailure | undefined;
  /** By metric, then text; none twice. */
  readonly problems: readonly MetricProblem[];
  /** By family, many first. */
  readonly families: readonly { readonly metric: string; readonly series: number }[];
}

interface Family {
  readonly metric: string;
  type: MetricType;
  hasHelp: boolean;
  readonly labels: Set<string>;
  readonly series: Set<string>;
}

/** Judges a page: OpenMetrics strictly, the text format as the scraper takes it, and both by the rules below. */
export function reviewMetrics(bytes: Uint8Array, format: 'text' | 'openmetrics'): MetricReview {
  const reader = format === 'openmetrics' ? new OpenMetricsReader(bytes) : new TextReader(bytes);
  const families = new Map<string, Family>();
  const problems: MetricProblem[] = [];
  const failure = readFamilies(reader, families, problems);
  for (const family of families.values()) {
    if (family.series.size === 0) continue;
    for (const text of problemsOf(family, format)) problems.push({ metric: family.metric, text });
  }
  return {
    failure: format === 'openmetrics' ? checkOpenMetrics(bytes) : failure,
    problems: sortedOnce(problems),
    families: [...families.values()]
      .map(({ metric, series }) => ({ metric, series: series.size }))
      .filter(({ series }) => series > 0)
      .sort((a, b) => b.series - a.series || (a.metric < b.metric ? -1 : 1)),
  };
}

function readFamilies(
  reader: PageReader,
  families: Map<string, Family>,
  problems: MetricProblem[],
): PageFailure | undefined {
  const { bytes } = reader;
  const familyOf = (metric: string): Family => {
    let family = families.get(metric);
    if (family === undefined) {
      family = { metric, type: 'unknown', hasHelp: false, labels: new Set(), series: new Set() };
      families.set(metric, family);
    }
    return family;
  };
  for (;;) {
    const kind = reader.next();
    if (kind === 'end') return undefined;
    if (kind === 'failed') return reader.failure;
    if (kind === 'help') familyOf(nameOf(reader)).hasHelp = helpOf(reader).trim() !== '';
    else if (kind === 'type') familyOf(nameOf(reader)).type = reader.type;
    else if (kind === 'sample') {
      const pairs = decodeSeries(bytes.subarray(reader.seriesStart, reader.seriesEnd), reader.type);
      const bad = badNames(pairs);
      if (bad !== undefined) return lineFailure(bytes, reader.seriesStart, bad);
      const name = pairs[0]?.[1] ?? '';
      const family = familyOf(familyName(name, families));
      for (const [label] of pairs.slice(1)) family.labels.add(label);
      const key = JSON.stringify([...pairs].sort(([a], [b]) => (a < b ? -1 : 1)));
      // With timestamps a series may stand there for each of its times.
      if (family.series.has(key) && Number.isNaN(reader.timestampMs))
        problems.push({ metric: name, text: 'metric not unique: a series stands there twice' });
      family.series.add(key);
    }
  }
}

/** The family that a sample belongs to: one that was declared with a type of which this is a part, or its own. */
function familyName(name: string, families: ReadonlyMap<string, Family>): string {
  for (const [type, suffixes] of Object.entries(SAMPLE_SUFFIXES)) {
    for (const suffix of suffixes) {
      if (suffix === '' || !name.endsWith(suffix)) continue;
      const base = name.slice(0, -suffix.length);
      if (families.get(base)?.type === type) return base;
    }
  }
  return name;
}

const BASE_UNITS: ReadonlyMap<string, string> = new Map([
  ['amperes', 'amperes'],
  ['bits', 'bytes'],
  ['bytes', 'bytes'],
  ['calories', 'joules'],
  ['celsius', 'celsius'],
  ['days', 'seconds'],
  ['fahrenheit', 'celsius'],
  ['grams', 'grams'],
  ['hours', 'seconds'],
  ['inches', 'meters'],
  ['joules', 'joules'],
  ['kelvin', 'kelvin'],
  ['kelvins', 'kelvin'],
  ['meters', 'meters'],
  ['metres', 'metres'],
  ['miles', 'meters'],
  ['minutes', 'seconds'],
  ['ounces', 'grams'],
  ['pounds', 'grams'],
  ['rankine', 'celsius'],
  ['seconds', 'seconds'],
  ['volts', 'volts'],
  ['weeks', 'seconds'],
  ['yards', 'meters'],
]);
const PREFIXED =
  /^(?:pico|nano|micro|milli|centi|deci|deca|hecto|kilo|kibi|mega|mibi|giga|gibi|tera|tebi|peta|pebi)(.+)$/;
const ABBREVIATED = /_(?:s|ms|us|ns|sec|b|kb|mb|gb|tb|pb|m|h|d)(?:_|$)/;
const CAMEL_CASE = /[a-z][A-Z]/;
const TYPE_WORDS = ['counter', 'gauge', 'summary', 'histogram', 'gauge_histogram'];

function problemsOf(family: Family, format: 'text' | 'openmetrics'): readonly string[] {
  const { metric, type, hasHelp, labels } = family;
  const found: string[] = [];
  if (!hasHelp) found.push('no help text');
  found.push(...unitProblems(metric));
  // In OpenMetrics the family's name has no "_total"; its samples must.
  if (type === 'counter' && format === 'text' && !metric.endsWith('_total'))
    found.push('counter metrics should have "_total" suffix');
  if (type !== 'unknown') found.push(...reservedProblems(metric, type, labels));
  const lower = metric.toLowerCase();
  for (const word of TYPE_WORDS) {
    if (lower.includes(`_${word}_`) || lower.endsWith(`_${word}`))
      found.push(`metric name should not include type '${word.replace('_', '')}'`);
  }
  if (metric.includes(':')) found.push("metric names should not contain ':'");
  if (CAMEL_CASE.test(metric)) found.push("metric names should be written in 'snake_case' not 'camelCase'");
  if ([...labels].some(label => CAMEL_CASE.test(label)))
    found.push("label names should be written in 'snake_case' not 'camelCase'");
  if (ABBREVIATED.test(lower)) found.push('metric names should not contain abbreviated units');
  return found;
}

/** Of several units in a name the first that is not a base unit counts. */
function unitProblems(metric: string): readonly string[] {
  for (const word of metric.split('_')) {
    const base = BASE_UNITS.get(word) ?? BASE_UNITS.get(PREFIXED.exec(word)?.[1] ?? '');
    if (base !== undefined && base !== word) return [`use base unit "${base}" instead of "${word}"`];
  }
  return [];
}

function reservedProblems(metric: string, type: MetricType, labels: ReadonlySet<string>): readonly string[] {
  const isHistogram = type === 'histogram' || type === 'gaugehistogram';
  const isSummary = type === 'summary';
  const rules: readonly (readonly [isBroken: boolean, text: string])[] = [
    [type !== 'counter' && metric.endsWith('_total'), 'non-counter metrics should not have "_total" suffix'],
    [!isHistogram && metric.endsWith('_bucket'), 'non-histogram metrics should not have "_bucket" suffix'],
    [
      !isHistogram && !isSummary && metric.endsWith('_count'),
      'non-histogram and non-summary metrics should not have "_count" suffix',
    ],
    [
      !isHistogram && !isSummary && metric.endsWith('_sum'),
      'non-histogram and non-summary metrics should not have "_sum" suffix',
    ],
    [!isHistogram && labels.has('le'), 'non-histogram metrics should not have "le" label'],
    [!isSummary && labels.has('quantile'), 'non-summary metrics should not have "quantile" label'],
  ];
  return rules.filter(([isBroken]) => isBroken).map(([, text]) => text);
}

function sortedOnce(problems: readonly MetricProblem[]): readonly MetricProblem[] {
  const byText = new Map(problems.map(one => [`${one.metric} ${one.text}`, one]));
  return [...byText.keys()].sort().flatMap(key => byText.get(key) ?? []);
}
