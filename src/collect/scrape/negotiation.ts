// Which format a target is asked for, and which one its answer is in. The Accept header is Prometheus 3's.

import type { HttpResponse } from '../../base/index.ts';
import { PROTOBUF_CONTENT_TYPE } from '../../exposition/index.ts';

export type PageFormat = 'text' | 'openmetrics' | 'protobuf';

/** By the names that `scrape_protocols` has for them. */
const MEDIA_TYPES = {
  PrometheusProto: {
    accept: `${PROTOBUF_CONTENT_TYPE};proto=io.prometheus.client.MetricFamily;encoding=delimited`,
    escapes: false,
    format: 'protobuf',
  },
  'PrometheusText0.0.4': { accept: 'text/plain;version=0.0.4', escapes: false, format: 'text' },
  'PrometheusText1.0.0': { accept: 'text/plain;version=1.0.0', escapes: true, format: 'text' },
  'OpenMetricsText0.0.1': {
    accept: 'application/openmetrics-text;version=0.0.1',
    escapes: false,
    format: 'openmetrics',
  },
  'OpenMetricsText1.0.0': {
    accept: 'application/openmetrics-text;version=1.0.0',
    escapes: true,
    format: 'openmetrics',
  },
} as const satisfies Record<string, { accept: string; escapes: boolean; format: PageFormat }>;

export type ScrapeProtocol = keyof typeof MEDIA_TYPES;

export const SCRAPE_PROTOCOLS_DEFAULT: readonly ScrapeProtocol[] = [
  'OpenMetricsText1.0.0',
  'OpenMetricsText0.0.1',
  'PrometheusText1.0.0',
  'PrometheusText0.0.4',
];

/** The weight of the first, as Prometheus counts it: one more than there are protocols, protobuf included. */
const WEIGHT_FIRST = 6;

/** `escaping` says how a server is to write names that are not plain. */
export function acceptHeader(protocols: readonly ScrapeProtocol[], escaping: string): string {
  const wanted = protocols.map((name, i) => {
    const { accept, escapes } = MEDIA_TYPES[name];
    return `${accept}${escapes ? `;escaping=${escaping}` : ''};q=0.${WEIGHT_FIRST - i}`;
  });
  return [...wanted, `*/*;q=0.${WEIGHT_FIRST - protocols.length}`].join(',');
}

/**
 * What to read an answer as. An answer of no type or an odd one is read as `fallback`, and as
 * the text format without one: Prometheus 3 fails such a scrape, where 2 read it.
 */
export function formatOf(headers: HttpResponse['headers'], fallback: ScrapeProtocol | undefined): PageFormat {
  const contentType = headers['content-type'] ?? '';
  const mediaType = (contentType.split(';')[0] ?? '').trim().toLowerCase();
  if (mediaType === 'application/openmetrics-text') return 'openmetrics';
  if (mediaType === 'text/plain') return 'text';
  if (mediaType === PROTOBUF_CONTENT_TYPE) return 'protobuf';
  return fallback === undefined ? 'text' : MEDIA_TYPES[fallback].format;
}
