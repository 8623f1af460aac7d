// The raw text of a series (`name{label="value"}`) into names and values. Only texts that TextReader accepted come
// here, and each only once in a target's life: this is the slow, decoding part of reading a page.

import { METRIC_NAME, type MetricType } from '../model/index.ts';
import { formatFloatOpenMetrics } from './format-float.ts';

const QUOTE = '"';

/**
 * The pairs in the order of the text, the metric name first as `__name__`; empty values are kept, since
 * honor_labels tells an empty label from an absent one. Bucket bounds and quantiles are written in one way
 * ("1" and "1.0" are the same bucket), as Prometheus 3 does.
 */
export function decodeSeries(bytes: Uint8Array, type: MetricType): [name: string, value: string][] {
  const text = new TextDecoder().decode(bytes);
  const pairs: [string, string][] = [];
  const open = openingBrace(text);
  let metric = open < 0 ? text : text.slice(0, open).trimEnd();
  let i = open < 0 ? text.length : skip(text, open + 1);
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
  pairs.unshift([METRIC_NAME, metric]);
  return pairs;
}

/** Text of a HELP line. */
export function decodeHelp(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { ignoreBOM: true })
    .decode(bytes)
    .replace(/\\(\\|n)/g, (_, c) => (c === 'n' ? '\n' : '\\'));
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
  if (/^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(value)) return formatFloatOpenMetrics(Number(value));
  if (/^\+?inf(?:inity)?$/i.test(value)) return '+Inf';
  if (/^-inf(?:inity)?$/i.test(value)) return '-Inf';
  return /^nan$/i.test(value) ? 'NaN' : value;
}
