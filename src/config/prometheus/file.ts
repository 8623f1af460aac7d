// prometheus.yml as a whole: its sections, and the file of scrape_config_files.

import type { Node } from 'yaml';
import type { Kind } from '../registry.ts';
import {
  hasKey,
  list,
  mapped,
  notCarriedOut,
  optional,
  optionals,
  type ReadContext,
  record,
  type Schema,
} from '../schema.ts';
import { fileGlob, isLabelName, reportAt } from '../shared/checks.ts';
import { type PrometheusGlobal, prometheusGlobal, runtime } from './global.ts';
import { remoteRead, remoteWrite } from './remote.ts';
import { finishJobs, type RawScrapeJob, scrapeConfig } from './scrape.ts';
import { alerting, exemplars, otlp, tracing, tsdb, UTF8_STRATEGIES } from './sections.ts';

/** The sections that watchkeeper.yml takes over under the same names (`global` and `storage` are merged there). */
export function prometheusSections(kinds: readonly Kind<unknown>[]) {
  return {
    runtime: notCarriedOut(runtime),
    rule_files: optional(list(fileGlob())),
    scrape_config_files: optional(list(fileGlob())),
    scrape_configs: optional(list(scrapeConfig(kinds))),
    alerting: notCarriedOut(alerting(kinds)),
    remote_write: notCarriedOut(remoteWrite),
    remote_read: notCarriedOut(remoteRead),
    otlp: notCarriedOut(otlp),
    tracing: notCarriedOut(tracing),
  };
}

export interface PrometheusOptions {
  readonly kinds: readonly Kind<unknown>[];
  /** Prometheus's agent mode scrapes and forwards only: it refuses what evaluates or answers. */
  readonly agent?: boolean;
}

export function prometheusFile(options: PrometheusOptions) {
  return record(
    {
      global: optional(prometheusGlobal),
      storage: notCarriedOut(record(optionals({ tsdb, exemplars }))),
      ...prometheusSections(options.kinds),
    },
    (value, context, node) => {
      if (options.agent === true) refuseInAgentMode(context, node);
      checkPrometheusWhole(value, context, node);
    },
  );
}

const NOT_IN_AGENT_MODE = ['alerting', 'rule_files', 'remote_read'] as const;

function refuseInAgentMode(context: ReadContext, node: Node): void {
  for (const key of NOT_IN_AGENT_MODE) {
    if (!hasKey(node, key)) continue;
    reportAt(node, key, context, { message: `Cannot use "${key}": the field is not allowed in agent mode` });
  }
}

/** What only the sections together can tell. */
export function checkPrometheusWhole(
  value: {
    readonly global?: PrometheusGlobal | undefined;
    readonly scrape_configs?: readonly RawScrapeJob[] | undefined;
    readonly otlp?: { readonly translation_strategy: string | undefined } | undefined;
  },
  context: ReadContext,
  node: Node,
): void {
  finishJobs(value.scrape_configs ?? [], value.global);
  const legacy = value.global?.metric_name_validation_scheme === 'legacy';
  const strategy = value.otlp?.translation_strategy ?? '';
  if (legacy && UTF8_STRATEGIES.includes(strategy)) {
    reportAt(node, 'otlp', context, {
      message: `Cannot use the OTLP translation_strategy "${strategy}": it is not allowed when metric_name_validation_scheme is "legacy"`,
      conflict: true,
    });
  }
  if (!legacy) return;
  for (const name of value.global?.external_labels?.keys() ?? []) {
    if (isLabelName(name, 'legacy')) continue;
    reportAt(node, 'global', context, {
      message: `Cannot take "${name}" as a label name: letters, digits and "_" only`,
    });
  }
}

/** A file of scrape_config_files. */
export function scrapeConfigFile(kinds: readonly Kind<unknown>[]): Schema<readonly RawScrapeJob[]> {
  const schema = record({ scrape_configs: optional(list(scrapeConfig(kinds))) });
  return mapped(schema, value => value.scrape_configs ?? []);
}
