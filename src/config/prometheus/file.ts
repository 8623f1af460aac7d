// prometheus.yml as a whole: its sections, and the file of scrape_config_files.

import type { Node } from 'yaml';
import type { Kind } from '../registry.ts';
import { list, mapped, notCarriedOut, optional, type ReadContext, record, type Schema } from '../schema.ts';
import { fileGlob, isLabelName, reportAt } from '../shared/checks.ts';
import { legacyNameProblem, type RelabelRule } from '../shared/relabel.ts';
import { alerting } from './alerting.ts';
import { type PrometheusGlobal, prometheusGlobal, runtime } from './global.ts';
import { remoteRead, remoteWrite } from './remote.ts';
import { finishJobs, type RawScrapeJob, scrapeConfig } from './scrape.ts';
import { exemplars, otlp, tracing, tsdb, UTF8_STRATEGIES } from './sections.ts';

/** The sections that watchkeeper.yml takes over under the same names (`global` and `storage` are merged there). */
export function prometheusSections(kinds: readonly Kind<unknown>[]) {
  return {
    runtime: notCarriedOut(runtime),
    rule_files: optional(list(fileGlob())),
    scrape_config_files: optional(list(fileGlob())),
    scrape_configs: optional(list(scrapeConfig(kinds))),
    alerting: optional(alerting(kinds)),
    remote_write: optional(remoteWrite),
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
      storage: optional(record({ tsdb: notCarriedOut(tsdb), exemplars: optional(exemplars) })),
      ...prometheusSections(options.kinds),
    },
    (value, context, node) => {
      if (options.agent === true) checkAgentMode(value, context, node);
      checkPrometheusWhole(value, context, node);
    },
  );
}

/** An empty list is as good as none, as in Prometheus. */
function checkAgentMode(value: AgentSections, context: ReadContext, node: Node): void {
  const { alerting: alerts } = value;
  const used = {
    alerting: [...(alerts?.alertmanagers ?? []), ...(alerts?.alert_relabel_configs ?? [])],
    rule_files: value.rule_files ?? [],
    remote_read: value.remote_read ?? [],
  };
  for (const [key, entries] of Object.entries(used)) {
    if (entries.length === 0) continue;
    reportAt(node, key, context, {
      message: `Cannot use "${key}": the field is not allowed in agent mode`,
      remedy: 'remove it: an agent scrapes and forwards only',
    });
  }
}

interface AgentSections {
  readonly alerting?:
    | {
        readonly alertmanagers?: readonly unknown[] | undefined;
        readonly alert_relabel_configs?: readonly unknown[] | undefined;
      }
    | undefined;
  readonly rule_files?: readonly unknown[] | undefined;
  readonly remote_read?: readonly unknown[] | undefined;
}

interface RelabellingAlerts {
  readonly alert_relabel_configs?: readonly RelabelRule[] | undefined;
  readonly alertmanagers?:
    | readonly {
        readonly relabel_configs?: readonly RelabelRule[] | undefined;
        readonly alert_relabel_configs?: readonly RelabelRule[] | undefined;
      }[]
    | undefined;
}

/** What only the sections together can tell. */
export function checkPrometheusWhole(
  value: {
    readonly global?: PrometheusGlobal | undefined;
    readonly scrape_configs?: readonly RawScrapeJob[] | undefined;
    readonly otlp?: { readonly translation_strategy: string | undefined } | undefined;
    readonly alerting?: RelabellingAlerts | undefined;
    readonly remote_write?:
      | readonly { readonly write_relabel_configs?: readonly RelabelRule[] | undefined }[]
      | undefined;
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
  const relabelling = {
    alerting: [
      ...(value.alerting?.alert_relabel_configs ?? []),
      ...(value.alerting?.alertmanagers ?? []).flatMap(one => [
        ...(one.relabel_configs ?? []),
        ...(one.alert_relabel_configs ?? []),
      ]),
    ],
    remote_write: (value.remote_write ?? []).flatMap(one => one.write_relabel_configs ?? []),
  };
  for (const [key, rules] of Object.entries(relabelling)) {
    const problem = rules.map(legacyNameProblem).find(found => found !== undefined);
    if (problem === undefined) continue;
    reportAt(node, key, context, {
      message: `Cannot use a relabelling rule of ${key}: ${problem}`,
      remedy: 'use letters, digits and "_", or set metric_name_validation_scheme: utf8',
    });
  }
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
