// Samples as text: CSV for spreadsheets, or a JSON object a line in the form that VictoriaMetrics exports and imports. Stretch by
// stretch, and in each a page of series at a time.

import { err, ok, type Result } from '../base/index.ts';
import { formatFloat } from '../exposition/index.ts';
import {
  isStaleAt,
  type Labels,
  labelsToRecord,
  labelValue,
  type SeriesColumns,
  type TimeRange,
  wordsOf,
} from '../model/index.ts';
import type { Span } from './ports.ts';
import { type ExportFailure, listSeries, readPage, type Wanted } from './prometheus/export.ts';

/** Series read at a time: of two hours some megabytes of text. */
const PAGE_SERIES = 512;

export interface TextExportOptions extends Wanted {
  readonly format: 'csv' | 'jsonl';
  /** Both ends are included. */
  readonly range: TimeRange;
  readonly spans: readonly Span[];
  /** Takes the text piece by piece. */
  readonly write: (text: string) => Promise<Result<void, ExportFailure>>;
  readonly onProgress: (progress: { readonly share: number; readonly samples: number }) => void;
}

export interface TextExportReport {
  readonly samples: number;
  /** Series by stretch: one that is in several counts in each. */
  readonly lines: number;
  /** Native histograms, which have no place in either form. */
  readonly histograms: number;
}

export async function exportText(
  options: TextExportOptions,
): Promise<Result<TextExportReport, ExportFailure>> {
  const { range, spans, write } = options;
  const total = { samples: 0, lines: 0, histograms: 0 };
  const names = options.format === 'csv' ? await labelNames(options) : ok([]);
  if (!names.ok) return names;
  const form = options.format === 'csv' ? csvLines(names.value) : jsonLine;
  if (options.format === 'csv') {
    const written = await write(`${['timestamp', 'value', ...names.value].map(csvText).join(',')}\r\n`);
    if (!written.ok) return written;
  }
  for (const [i, span] of spans.entries()) {
    const part = { fromMs: Math.max(span.fromMs, range.fromMs), toMs: Math.min(span.toMs - 1, range.toMs) };
    const listed = await listSeries(options, part);
    if (!listed.ok) return listed;
    for (let at = 0; at < listed.value.length; at += PAGE_SERIES) {
      const page = await readPage(options, listed.value.slice(at, at + PAGE_SERIES), part);
      if (!page.ok) return page;
      const texts = page.value.map(series => form(samplesOf(series, part, total)));
      total.lines += texts.filter(text => text !== '').length;
      const written = await write(texts.join(''));
      if (!written.ok) return written;
      options.onProgress({
        share: (i + Math.min(1, (at + PAGE_SERIES) / listed.value.length)) / spans.length,
        samples: total.samples,
      });
    }
  }
  return ok(total);
}

/** Of all that is asked for, the metric's name first. */
async function labelNames(options: TextExportOptions): Promise<Result<readonly string[], ExportFailure>> {
  const listed = await listSeries(options, options.range);
  if (!listed.ok) return err(listed.error);
  const names = new Set<string>(['__name__']);
  for (const labels of listed.value) for (let i = 0; i < labels.length; i += 2) names.add(labels[i] ?? '');
  return ok([...names]);
}

interface Samples {
  readonly labels: Labels;
  readonly timesMs: readonly number[];
  readonly values: readonly number[];
}

/** Without histograms, which are counted, and without the markers of an end, which are no samples. */
function samplesOf(
  { labels, timesMs, values, histograms, from, to }: SeriesColumns,
  { fromMs, toMs }: TimeRange,
  total: { samples: number; histograms: number },
): Samples {
  const words = wordsOf(values);
  const kept: number[] = [];
  for (let i = from; i < to; i++) {
    const timeMs = timesMs[i] ?? Number.NaN;
    if (!(timeMs >= fromMs && timeMs <= toMs)) continue;
    if (histograms?.has(i)) total.histograms++;
    else if (!isStaleAt(words, i)) kept.push(i);
  }
  total.samples += kept.length;
  return { labels, timesMs: kept.map(i => timesMs[i] ?? 0), values: kept.map(i => values[i] ?? 0) };
}

/** `{"metric":{…},"values":[…],"timestamps":[…]}`: JSON has no word for what is not finite. */
function jsonLine({ labels, timesMs, values }: Samples): string {
  if (timesMs.length === 0) return '';
  const told = values.map(value =>
    Number.isNaN(value) ? null : Number.isFinite(value) ? value : value > 0 ? 'Infinity' : '-Infinity',
  );
  return `${JSON.stringify({ metric: labelsToRecord(labels), values: told, timestamps: timesMs })}\n`;
}

/** A line a sample: RFC 4180. */
function csvLines(names: readonly string[]): (samples: Samples) => string {
  return ({ labels, timesMs, values }) => {
    const own = names.map(name => csvText(labelValue(labels, name))).join(',');
    return timesMs
      .map((timeMs, i) => `${new Date(timeMs).toISOString()},${formatFloat(values[i] ?? 0)},${own}\r\n`)
      .join('');
  };
}

function csvText(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
