// A whole page into a sink, decoded: for everything that is not the scraper's hot path.

import { never } from '../base/index.ts';
import { type Labels, labelsFromPairs, type MetricType } from '../model/index.ts';
import { lineFailure, type PageFailure } from './failure.ts';
import { decodeHelp, decodeSeries } from './series-text.ts';
import { TextReader } from './text-reader.ts';

export interface TextSink {
  /** `value` has Prometheus's ordinary NaN only as far as a JavaScript number carries it. */
  sample(labels: Labels, value: number, timestampMs: number | undefined): void;
  help?(name: string, help: string): void;
  type?(name: string, type: MetricType): void;
}

/** Reads until the end or the first thing that cannot be read; the sink has then seen what came before. */
export function parseText(bytes: Uint8Array, sink: TextSink): PageFailure | undefined {
  const reader = new TextReader(bytes);
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
        break;
      }
      case 'help':
        sink.help?.(nameOf(reader), decodeHelp(bytes.subarray(reader.textStart, reader.textEnd)));
        break;
      case 'type':
        sink.type?.(nameOf(reader), reader.type);
        break;
      case 'comment':
        break;
      default:
        never(kind);
    }
  }
}

/** The family that a HELP or TYPE entry is about. */
export function nameOf(reader: TextReader): string {
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
