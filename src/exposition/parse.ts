// A whole page into a sink, decoded: for everything that is not the scraper's hot path.

import { never } from '../base/index.ts';
import { type Exemplar, type Labels, labelsFromPairs, type MetricType } from '../model/index.ts';
import { lineFailure, type PageFailure } from './failure.ts';
import { OpenMetricsReader } from './openmetrics-reader.ts';
import type { PageReader } from './page-reader.ts';
import { decodeHelp, decodeHelpOpenMetrics, decodeLabels, decodeSeries } from './series-text.ts';
import { TextReader } from './text-reader.ts';

export interface TextSink {
  /** `value` has Prometheus's ordinary NaN only as far as a JavaScript number carries it. */
  sample(labels: Labels, value: number, timestampMs: number | undefined): void;
  help?(name: string, help: string): void;
  type?(name: string, type: MetricType): void;
  unit?(name: string, unit: string): void;
  /** Of the sample before. */
  exemplar?(exemplar: Exemplar): void;
}

/** Reads until the end or the first thing that cannot be read; the sink has then seen what came before. */
export function parseText(bytes: Uint8Array, sink: TextSink): PageFailure | undefined {
  return parsePage(new TextReader(bytes), sink);
}

/** The same for OpenMetrics 1.0, as a scrape takes it. */
export function parseOpenMetrics(bytes: Uint8Array, sink: TextSink): PageFailure | undefined {
  return parsePage(new OpenMetricsReader(bytes), sink);
}

function parsePage(reader: PageReader, sink: TextSink): PageFailure | undefined {
  const { bytes } = reader;
  for (;;) {
    const kind = reader.next();
    switch (kind) {
      case 'end':
        return undefined;
      case 'failed':
        return reader.failure;
      case 'sample': {
        const { seriesStart, seriesEnd, timestampMs } = reader;
        const pairs = decodeSeries(bytes.subarray(seriesStart, seriesEnd), reader.type);
        const bad = badNames(pairs);
        if (bad !== undefined) return lineFailure(bytes, seriesStart, bad);
        const value = reader.value[0] as number;
        sink.sample(labelsFromPairs(pairs), value, Number.isNaN(timestampMs) ? undefined : timestampMs);
        if (reader.exemplarEnd > 0) sink.exemplar?.(exemplarOf(reader));
        break;
      }
      case 'help':
        sink.help?.(nameOf(reader), helpOf(reader));
        break;
      case 'type':
        sink.type?.(nameOf(reader), reader.type);
        break;
      case 'unit':
        sink.unit?.(nameOf(reader), helpOf(reader));
        break;
      case 'comment':
        break;
      default:
        never(kind);
    }
  }
}

/** The exemplar of the sample that was read last, which has one. */
export function exemplarOf(reader: PageReader): Exemplar {
  const { bytes, exemplarStart, exemplarEnd, exemplarValue: value, exemplarTimestampMs } = reader;
  const labels = labelsFromPairs(decodeLabels(bytes.subarray(exemplarStart, exemplarEnd)));
  return Number.isNaN(exemplarTimestampMs)
    ? { labels, value }
    : { labels, value, timestampMs: exemplarTimestampMs };
}

/** The text of a HELP or UNIT entry. */
export function helpOf(reader: PageReader): string {
  const text = reader.bytes.subarray(reader.textStart, reader.textEnd);
  return reader.escapesQuotes ? decodeHelpOpenMetrics(text) : decodeHelp(text);
}

/** The family that a HELP or TYPE entry is about. */
export function nameOf(reader: PageReader): string {
  return decodeHelp(reader.bytes.subarray(reader.nameStart, reader.nameEnd));
}

/** What makes a decoded series unacceptable: an empty name or one that stands there twice. */
export function badNames(pairs: readonly (readonly [name: string, value: string])[]): string | undefined {
  const seen = new Set<string>();
  for (const [name] of pairs) {
    if (name === '') return 'a label name is empty';
    if (seen.has(name)) return `the label "${name}" stands there twice`;
    seen.add(name);
  }
  return pairs[0]?.[1] === '' ? 'the metric name is empty' : undefined;
}
