// prometheus.yml: the small sections: `storage`, `tracing`, `otlp`. Only `storage.exemplars` is carried out yet.

import { boolean, duration, integer, list, number, optionals, record, size, text } from '../schema.ts';
import { reportAt, requireSet } from '../shared/checks.ts';
import { tlsConfig } from '../shared/http.ts';
import { userHeaders } from './remote.ts';

export const tsdb = record(
  optionals({
    out_of_order_time_window: duration(),
    stale_series_compaction_threshold: number({ min: 0, max: 1 }),
    retention: record(
      optionals({ time: duration(), size: size(), percentage: number({ min: 0, max: 100 }) }),
    ),
    chunk_encoding: record(optionals({ floats: text({ oneOf: ['xor', 'xor2'] }) })),
  }),
);

export const exemplars = record(optionals({ max_exemplars: integer() }));

export const tracing = record(
  optionals({
    client_type: text({ oneOf: ['grpc', 'http'] }),
    endpoint: text(),
    sampling_fraction: number(),
    insecure: boolean(),
    tls_config: tlsConfig,
    headers: userHeaders('authorization header configuration is not supported by tracing'),
    compression: text({ oneOf: ['', 'gzip'] }),
    timeout: duration(),
  }),
  (_, context, node) => requireSet(node, context, ['endpoint']),
);

const STRATEGIES = [
  'UnderscoreEscapingWithSuffixes',
  'UnderscoreEscapingWithoutSuffixes',
  'NoUTF8EscapingWithSuffixes',
  'NoTranslation',
] as const;

/** Strategies that need UTF-8 names. */
export const UTF8_STRATEGIES: readonly string[] = ['NoUTF8EscapingWithSuffixes', 'NoTranslation'];

export const otlp = record(
  optionals({
    promote_all_resource_attributes: boolean(),
    promote_resource_attributes: list(text()),
    ignore_resource_attributes: list(text()),
    translation_strategy: text({ oneOf: STRATEGIES }),
    keep_identifying_resource_attributes: boolean(),
    convert_histograms_to_nhcb: boolean(),
    promote_scope_metadata: boolean(),
    label_name_underscore_sanitization: boolean(),
    label_name_preserve_multiple_underscores: boolean(),
  }),
  (value, context, node) => {
    const all = value.promote_all_resource_attributes === true;
    if (all && (value.promote_resource_attributes ?? []).length > 0) {
      reportAt(node, 'promote_resource_attributes', context, {
        message:
          'Cannot use "promote_all_resource_attributes" and "promote_resource_attributes" together: the first covers the second',
        conflict: true,
      });
    }
    if (!all && (value.ignore_resource_attributes ?? []).length > 0) {
      reportAt(node, 'ignore_resource_attributes', context, {
        message: 'Cannot use "ignore_resource_attributes": it needs "promote_all_resource_attributes: true"',
        conflict: true,
      });
    }
    for (const key of ['promote_resource_attributes', 'ignore_resource_attributes'] as const) {
      const names = (value[key] ?? []).map(name => name.trim());
      const twice = names.find((name, i) => names.indexOf(name) !== i);
      if (twice !== undefined) {
        reportAt(node, key, context, {
          message: `Cannot take "${twice}" twice in ${key}: duplicated attribute`,
        });
      }
      if (names.includes('')) {
        reportAt(node, key, context, { message: `Cannot take an empty attribute name in ${key}` });
      }
    }
  },
);
