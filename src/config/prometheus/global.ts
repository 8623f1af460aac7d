// prometheus.yml: `global`, what every scrape job inherits, and the labels of everything that leaves the house.

import { isMap, type Node } from 'yaml';
import {
  boolean,
  duration,
  INVALID,
  integer,
  list,
  mapOf,
  notCarriedOut,
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

export const SCRAPE_PROTOCOLS = [
  'OpenMetricsText0.0.1',
  'OpenMetricsText1.0.0',
  'PrometheusProto',
  'PrometheusText0.0.4',
  'PrometheusText1.0.0',
] as const;

/** The formats to ask a target for, each at most once. */
export const scrapeProtocols: Schema<readonly string[]> = {
  says: 'list of scrape protocols',
  read(node, context) {
    const read = list(text({ oneOf: SCRAPE_PROTOCOLS })).read(node, context);
    if (read === INVALID) return INVALID;
    const twice = read.find((name, i) => read.indexOf(name) !== i);
    if (twice === undefined && read.length > 0) return read;
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

export const validationScheme = text({ oneOf: ['', 'utf8', 'legacy'] });
export const escapingScheme = text({ oneOf: ['', 'allow-utf-8', 'underscores', 'dots', 'values'] });

/** Limits and switches that stand both in `global` and in a scrape configuration. */
export const inheritedFields = {
  body_size_limit: optional(size()),
  sample_limit: optional(integer({ min: 0 })),
  target_limit: notCarriedOut(integer({ min: 0 })),
  label_limit: notCarriedOut(integer({ min: 0 })),
  label_name_length_limit: notCarriedOut(integer({ min: 0 })),
  label_value_length_limit: notCarriedOut(integer({ min: 0 })),
  keep_dropped_targets: notCarriedOut(integer({ min: 0 })),
  metric_name_validation_scheme: notCarriedOut(validationScheme),
  metric_name_escaping_scheme: notCarriedOut(escapingScheme),
  scrape_native_histograms: notCarriedOut(boolean()),
  convert_classic_histograms_to_nhcb: notCarriedOut(boolean()),
  always_scrape_classic_histograms: notCarriedOut(boolean()),
  extra_scrape_metrics: notCarriedOut(boolean()),
  scrape_failure_log_file: notCarriedOut(text()),
  scrape_protocols: notCarriedOut(scrapeProtocols),
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

function expand(value: string, env: Readonly<Record<string, string>>, context: ReadContext): string {
  return value.replace(
    /\$(?:(\$)|\{([^}]*)\}|(\w+))/g,
    (_, dollar?: string, braced?: string, bare?: string) => {
      if (dollar !== undefined) return '$';
      const name = braced ?? bare ?? '';
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
    },
  );
}

export const prometheusGlobalFields = {
  scrape_interval: optional(duration()),
  scrape_timeout: optional(duration()),
  evaluation_interval: optional(duration()),
  rule_query_offset: notCarriedOut(duration()),
  query_log_file: notCarriedOut(text()),
  external_labels: optional(externalLabels),
  ...inheritedFields,
};

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
