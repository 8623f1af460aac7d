// prometheus.yml: `global`, what every scrape job inherits, and the labels of everything that leaves the house.

import { isMap, type Node } from 'yaml';
import {
  boolean,
  duration,
  filePath,
  INVALID,
  integer,
  list,
  mapOf,
  mapped,
  number,
  optional,
  type ReadContext,
  type RecordOf,
  record,
  type Schema,
  size,
  text,
} from '../schema.ts';
import { labelName, labelValueText, reportAt } from '../shared/checks.ts';
import { withWarnings } from './carried-out.ts';

export const SCRAPE_PROTOCOLS = [
  'OpenMetricsText0.0.1',
  'OpenMetricsText1.0.0',
  'PrometheusProto',
  'PrometheusText0.0.4',
  'PrometheusText1.0.0',
] as const;
export type ScrapeProtocol = (typeof SCRAPE_PROTOCOLS)[number];

/** What Prometheus asks for when nothing else is said, most wanted first. */
export const SCRAPE_PROTOCOLS_DEFAULT: readonly ScrapeProtocol[] = [
  'OpenMetricsText1.0.0',
  'OpenMetricsText0.0.1',
  'PrometheusText1.0.0',
  'PrometheusText0.0.4',
];

/** Native histograms travel in protobuf only: asking for them puts it first. */
export const SCRAPE_PROTOCOLS_PROTO_FIRST: readonly ScrapeProtocol[] = [
  'PrometheusProto',
  ...SCRAPE_PROTOCOLS_DEFAULT,
];

export function isScrapeProtocol(name: string): name is ScrapeProtocol {
  return SCRAPE_PROTOCOLS.some(known => known === name);
}

/** The formats to ask a target for, each at most once. */
export const scrapeProtocols: Schema<readonly ScrapeProtocol[]> = {
  says: 'list of scrape protocols',
  read(node, context) {
    const read = list(text({ oneOf: SCRAPE_PROTOCOLS })).read(node, context);
    if (read === INVALID) return INVALID;
    const twice = read.find((name, i) => read.indexOf(name) !== i);
    if (twice === undefined && read.length > 0) {
      return read.filter(isScrapeProtocol);
    }
    context.report({
      code: 'config-bad-value',
      message:
        twice === undefined
          ? `Cannot take an empty list for ${context.path}: scrape_protocols cannot be empty`
          : `Cannot take "${twice}" twice in ${context.path}: duplicated protocol in scrape_protocols`,
    });
    return INVALID;
  },
};

const ESCAPING_SCHEMES = ['allow-utf-8', 'underscores', 'dots', 'values'] as const;
export type EscapingScheme = (typeof ESCAPING_SCHEMES)[number];

export const validationScheme = text({ oneOf: ['', 'utf8', 'legacy'] });
export const escapingScheme = mapped(text({ oneOf: ['', ...ESCAPING_SCHEMES] }), written =>
  ESCAPING_SCHEMES.find(known => known === written),
);

/** Limits and switches that stand both in `global` and in a scrape configuration. */
export const inheritedFields = {
  body_size_limit: optional(size()),
  sample_limit: optional(integer({ min: 0 })),
  target_limit: optional(integer({ min: 0 })),
  label_limit: optional(integer({ min: 0 })),
  label_name_length_limit: optional(integer({ min: 0 })),
  label_value_length_limit: optional(integer({ min: 0 })),
  keep_dropped_targets: optional(integer({ min: 0 })),
  metric_name_validation_scheme: optional(validationScheme),
  metric_name_escaping_scheme: optional(escapingScheme),
  scrape_native_histograms: optional(boolean()),
  convert_classic_histograms_to_nhcb: optional(boolean()),
  always_scrape_classic_histograms: optional(boolean()),
  extra_scrape_metrics: optional(boolean()),
  scrape_failure_log_file: optional(filePath()),
  scrape_protocols: optional(scrapeProtocols),
};

/** The values of `${NAME}` in external_labels: an unset variable is empty, with a warning, as in Prometheus 3. */
const externalLabels: Schema<ReadonlyMap<string, string>> = {
  says: 'mapping of label names to values',
  read(node, context) {
    const read = mapOf(labelValueText(), labelName()).read(node, context);
    const env = context.env;
    if (read === INVALID || env === undefined) return read;
    const map = context.resolve(node);
    return new Map(
      [...read].map(([name, value]) => [
        name,
        expand(value, env, context.child(name, isMap(map) ? map : undefined)),
      ]),
    );
  },
};

/** As Go's os.Expand: `${name}`, `$name`, one sign or digit behind "$"; "$$" is a dollar sign, a lone "${" is eaten. */
const VARIABLE = /\$(?:\{([^}]*)\}|(\{)|([*#$@!?\-0-9])|([A-Za-z_]\w*))/g;

function expand(value: string, env: Readonly<Record<string, string>>, context: ReadContext): string {
  return value.replace(VARIABLE, (_, braced?: string, open?: string, sign?: string, bare?: string) => {
    const name = braced ?? sign ?? bare ?? '';
    if (name === '$') return '$';
    if (name === '' || open !== undefined) return '';
    const found = Object.hasOwn(env, name) ? env[name] : undefined;
    if (found === undefined || found === '') {
      context.report({
        code: 'config-environment',
        severity: 'warning',
        message: `Cannot fill "$${name}" in ${context.path}: the environment variable is not set, and counts as empty`,
        remedy: `set ${name}`,
      });
    }
    return found ?? '';
  });
}

export const prometheusGlobalFields = withWarnings({
  scrape_interval: optional(duration()),
  scrape_timeout: optional(duration()),
  evaluation_interval: optional(duration()),
  rule_query_offset: optional(duration()),
  query_log_file: optional(text()),
  external_labels: optional(externalLabels),
  ...inheritedFields,
});

export type PrometheusGlobal = RecordOf<typeof prometheusGlobalFields>;

/** Prometheus's own defaults. */
export const SCRAPE_INTERVAL_MS = 60_000;
export const SCRAPE_TIMEOUT_MS = 10_000;
export const EVALUATION_INTERVAL_MS = 60_000;

export function checkPrometheusGlobal(value: PrometheusGlobal, context: ReadContext, node: Node): void {
  const intervalMs = value.scrape_interval || SCRAPE_INTERVAL_MS;
  if ((value.scrape_timeout ?? 0) > intervalMs) {
    reportAt(node, 'scrape_timeout', context, {
      message: 'Cannot use the scrape_timeout: global scrape timeout greater than scrape interval',
      remedy: 'make scrape_timeout at most scrape_interval',
    });
  }
}

export const prometheusGlobal = record(prometheusGlobalFields, checkPrometheusGlobal);

// runtime: settings of Go's own, which mean nothing here.
export const runtime = record({ gogc: optional(number()), gomemlimit: optional(text()) });
