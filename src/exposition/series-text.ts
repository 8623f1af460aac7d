// The raw text of a series (`name{label="value"}`) into names and values. Only texts that TextReader accepted come
// here, and each only once in a target's life: this is the slow, decoding part of reading a page.

import { METRIC_NAME, type MetricType } from '../model/index.ts';
import { formatFloatOpenMetrics } from './format-float.ts';

const QUOTE = '"';
/** A bound or quantile that is neither infinite nor NaN. */
export const PLAIN_NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

/**
 * The pairs in the order of the text, the metric name first as `__name__`; empty values are kept, since
 * honor_labels tells an empty label from an absent one. Bucket bounds and quantiles are written in one way
 * ("1" and "1.0" are the same bucket), as Prometheus 3 does.
 */
export function decodeSeries(bytes: Uint8Array, type: MetricType): [name: string, value: string][] {
  const text = new TextDecoder().decode(bytes);
  const open = openingBrace(text);
  const before = open < 0 ? text : text.slice(0, open).trimEnd();
  const { metric, pairs } = decodeBraces(text, { from: open < 0 ? text.length : open + 1, type });
  return [[METRIC_NAME, metric ?? before], ...pairs];
}

/** The labels of an exemplar, braces included. */
export function decodeLabels(bytes: Uint8Array): [name: string, value: string][] {
  return decodeBraces(new TextDecoder().decode(bytes), { from: 1, type: 'unknown' }).pairs;
}

/** From after "{"; the metric name where it stands within. */
function decodeBraces(
  text: string,
  where: { readonly from: number; readonly type: MetricType },
): { metric: string | undefined; pairs: [string, string][] } {
  const { from, type } = where;
  const pairs: [string, string][] = [];
  let metric: string | undefined;
  let i = skip(text, from);
  while (i < text.length && text[i] !== '}') {
    const nameEnd = tokenEnd(text, i);
    const quoted = text[i] === QUOTE;
    const name = quoted ? unescapeText(text.slice(i + 1, nameEnd - 1)) : text.slice(i, nameEnd);
    i = skip(text, nameEnd);
    if (text[i] === '=') {
      i = skip(text, i + 1);
      const valueEnd = tokenEnd(text, i);
      const value = unescapeText(text.slice(i + 1, valueEnd - 1));
      pairs.push([name, normalBound(type, name, value)]);
      i = skip(text, valueEnd);
    } else {
      metric = name;
    }
    if (text[i] === ',') i = skip(text, i + 1);
  }
  return { metric, pairs };
}

/** Text of a HELP line. */
export function decodeHelp(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { ignoreBOM: true })
    .decode(bytes)
    .replace(/\\(\\|n)/g, (_, c) => (c === 'n' ? '\n' : '\\'));
}

/** Text of a HELP line of OpenMetrics, which knows the escaped quote too. */
export function decodeHelpOpenMetrics(bytes: Uint8Array): string {
  return unescapeText(new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes));
}

function openingBrace(text: string): number {
  return text.indexOf('{');
}

function tokenEnd(text: string, start: number): number {
  let i = start + 1;
  if (text[start] !== QUOTE) {
    while (i < text.length && /\w/.test(text[i] as string)) i++;
    return i;
  }
  while (i < text.length && text[i] !== QUOTE) i += text[i] === '\\' ? 2 : 1;
  return i + 1;
}

function skip(text: string, start: number): number {
  let i = start;
  while (text[i] === ' ' || text[i] === '\t') i++;
  return i;
}

/** Only these three escapes exist; a backslash before anything else stands for itself. */
function unescapeText(text: string): string {
  if (!text.includes('\\')) return text;
  return text.replace(/\\(["\\n])/g, (_, c) => (c === 'n' ? '\n' : c));
}

function normalBound(type: MetricType, name: string, value: string): string {
  const bound = (type === 'histogram' && name === 'le') || (type === 'summary' && name === 'quantile');
  if (!bound) return value;
  if (PLAIN_NUMBER.test(value)) return formatFloatOpenMetrics(Number(value));
  if (/^\+?inf(?:inity)?$/i.test(value)) return '+Inf';
  if (/^-inf(?:inity)?$/i.test(value)) return '-Inf';
  return /^nan$/i.test(value) ? 'NaN' : value;
}
