// Families into a page of the text format 0.0.4.

import {
  type FamilySample,
  type Labels,
  labelPairs,
  labelValue,
  METRIC_NAME,
  type MetricFamily,
  type MetricType,
} from '../model/index.ts';
import { formatFloat } from './format-float.ts';

const METRIC_NAME_PATTERN = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LABEL_NAME_PATTERN = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/** The content type of what `printFamilies` returns. */
export const TEXT_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

export function printFamilies(families: readonly MetricFamily[]): string {
  const lines: string[] = [];
  for (const family of families) {
    const name = headerName(family);
    const header = METRIC_NAME_PATTERN.test(name) ? name : quote(name);
    if (family.help !== '') lines.push(`# HELP ${header} ${escapeHelp(family.help)}\n`);
    lines.push(`# TYPE ${header} ${typeWord(family.type)}\n`);
    for (const sample of family.samples) {
      lines.push(`${seriesText(family.name + sample.suffix, sample.labels)} ${formatFloat(sample.value)}\n`);
    }
  }
  return lines.join('');
}

/** One line, with its newline; the labels hold the metric name. */
export function printSample(labels: Labels, value: number, timestampMs?: number): string {
  const name = labelValue(labels, METRIC_NAME);
  const time = timestampMs === undefined ? '' : ` ${timestampMs}`;
  return `${seriesText(name, labels)} ${formatFloat(value)}${time}\n`;
}

function seriesText(name: string, labels: Labels): string {
  const plain = METRIC_NAME_PATTERN.test(name);
  const parts = plain ? [] : [quote(name)];
  for (const [label, value] of labelPairs(labels)) {
    if (label === METRIC_NAME) continue;
    parts.push(`${LABEL_NAME_PATTERN.test(label) ? label : quote(label)}=${quote(value)}`);
  }
  const braces = parts.length === 0 ? '' : `{${parts.join(',')}}`;
  return plain ? name + braces : braces;
}

/** In this format the TYPE line of a counter names the samples themselves. */
function headerName(family: MetricFamily): string {
  const total = (sample: FamilySample): boolean => sample.suffix === '_total';
  const suffixed = family.type === 'counter' && family.samples.length > 0 && family.samples.every(total);
  return suffixed ? `${family.name}_total` : family.name;
}

/** The format has five types; those of OpenMetrics become the nearest one that says nothing false. */
function typeWord(type: MetricType): string {
  switch (type) {
    case 'counter':
    case 'gauge':
    case 'histogram':
    case 'summary':
      return type;
    case 'info':
    case 'stateset':
      return 'gauge';
    case 'gaugehistogram':
    case 'unknown':
      return 'untyped';
  }
}

function quote(text: string): string {
  const escaped = /["\\\n]/.test(text)
    ? text.replace(/["\\\n]/g, char => (char === '\n' ? '\\n' : `\\${char}`))
    : text;
  return `"${escaped}"`;
}

function escapeHelp(text: string): string {
  return text.replace(/[\\\n]/g, char => (char === '\n' ? '\\n' : '\\\\'));
}
