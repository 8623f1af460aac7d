// prometheus.yml: `alerting`: where alerts are sent, and what relabelling they go through on the way.

import type { Kind } from '../registry.ts';
import {
  duration,
  list,
  mapped,
  notCarriedOut,
  optionals,
  type RecordOf,
  record,
  type Schema,
  text,
} from '../schema.ts';
import { checkHttpClient, type HttpClientSettings, httpClientFields, httpClientOf } from '../shared/http.ts';
import { type RelabelRule, relabelRules } from '../shared/relabel.ts';
import { sigv4 } from './remote.ts';
import { checkAddresses, type DiscoverySettings, discoveryFields } from './scrape.ts';

/** Alertmanagers that are found and spoken to in one way: one entry of `alerting.alertmanagers`. */
export interface AlertmanagerSet {
  readonly scheme: 'http' | 'https';
  /** Before "/api/v2/alerts"; "" for none. */
  readonly pathPrefix: string;
  readonly timeoutMs: number;
  readonly http: HttpClientSettings;
  /** Kinds that are carried out only. */
  readonly discovery: readonly DiscoverySettings[];
  /** Of the discovered Alertmanagers. */
  readonly relabelRules: readonly RelabelRule[];
  /** Of the alerts that go to these, after those that are for all. */
  readonly alertRelabelRules: readonly RelabelRule[];
}

export interface AlertingConfig {
  readonly alertmanagers: readonly AlertmanagerSet[];
  readonly alertRelabelRules: readonly RelabelRule[];
}

/** As Prometheus. */
const TIMEOUT_MS = 10_000;

const ownFields = {
  ...optionals({
    scheme: text({ oneOf: ['http', 'https'] }),
    path_prefix: text(),
    timeout: duration(),
    api_version: text({ oneOf: ['v2'] }),
    relabel_configs: relabelRules,
    alert_relabel_configs: relabelRules,
  }),
  sigv4: notCarriedOut(sigv4),
  ...httpClientFields,
};

export type RawAlertmanager = RecordOf<typeof ownFields> & {
  readonly discovery: readonly DiscoverySettings[];
};

function alertmanager(kinds: readonly Kind<unknown>[]): Schema<RawAlertmanager> {
  const fields = record({ ...discoveryFields(kinds), ...ownFields }, (_, context, node) =>
    checkHttpClient(context, node),
  );
  return mapped(fields, (read, context, node) => {
    // The record holds the kinds' keys beside its own; the types of both cannot be told apart by a string key.
    const value = read as RecordOf<typeof ownFields>;
    const byKind = read as Readonly<Record<string, readonly unknown[] | undefined>>;
    const found = kinds.flatMap(kind =>
      (byKind[kind.key] ?? []).map(settings => ({ kind: kind.key, settings })),
    );
    if ((value.relabel_configs ?? []).length === 0) {
      const remedy = 'move the path to path_prefix and the scheme to scheme';
      checkAddresses(found, context, { node: context.resolve(node), remedy });
    }
    const carriedOut = new Set(kinds.filter(kind => kind.carriedOut).map(kind => kind.key));
    return { ...value, discovery: found.filter(({ kind }) => carriedOut.has(kind)) };
  });
}

export function alerting(kinds: readonly Kind<unknown>[]) {
  return record(optionals({ alert_relabel_configs: relabelRules, alertmanagers: list(alertmanager(kinds)) }));
}

export interface RawAlerting {
  readonly alert_relabel_configs?: readonly RelabelRule[] | undefined;
  readonly alertmanagers?: readonly RawAlertmanager[] | undefined;
}

/** With Prometheus's defaults. */
export function finishAlerting(raw: RawAlerting | undefined): AlertingConfig {
  return {
    alertRelabelRules: raw?.alert_relabel_configs ?? [],
    alertmanagers: (raw?.alertmanagers ?? []).map(one => ({
      scheme: one.scheme === 'https' ? 'https' : 'http',
      pathPrefix: one.path_prefix ?? '',
      timeoutMs: one.timeout || TIMEOUT_MS,
      http: httpClientOf(one),
      discovery: one.discovery,
      relabelRules: one.relabel_configs ?? [],
      alertRelabelRules: one.alert_relabel_configs ?? [],
    })),
  };
}
