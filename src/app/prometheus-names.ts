// Some of the program's metrics under Prometheus's names as well: those about rules, about sending to Alertmanagers and about
// remote write, which dashboards and alerts for Prometheus itself ask for. Labels and meaning are the same.

import type { MetricFamily } from '../model/index.ts';

/** Of remote write: the same behind another beginning. */
const REMOTE = [
  'samples_total',
  'histograms_total',
  'exemplars_total',
  'metadata_total',
  'samples_failed_total',
  'histograms_failed_total',
  'exemplars_failed_total',
  'metadata_failed_total',
  'samples_retried_total',
  'histograms_retried_total',
  'exemplars_retried_total',
  'metadata_retried_total',
  'samples_dropped_total',
  'histograms_dropped_total',
  'bytes_total',
  'metadata_bytes_total',
  'sent_batch_duration_seconds',
  'samples_pending',
  'shards',
  'shards_min',
  'shards_max',
  'shards_desired',
  'shard_capacity',
  'queue_highest_sent_timestamp_seconds',
  'highest_timestamp_in_seconds',
].map(name => [`watchkeeper_remote_storage_${name}`, `prometheus_remote_storage_${name}`] as const);

const NAMES: ReadonlyMap<string, string> = new Map([
  ...REMOTE,
  ['watchkeeper_alertmanager_dropped_total', 'prometheus_notifications_dropped_total'],
  ['watchkeeper_alertmanager_errors_total', 'prometheus_notifications_errors_total'],
  ['watchkeeper_alertmanager_latency_seconds', 'prometheus_notifications_latency_histogram_seconds'],
  ['watchkeeper_alertmanager_queue_capacity', 'prometheus_notifications_queue_capacity'],
  ['watchkeeper_alertmanager_queue_length', 'prometheus_notifications_queue_length'],
  ['watchkeeper_alertmanager_sent_total', 'prometheus_notifications_sent_total'],
  ['watchkeeper_alertmanagers_discovered', 'prometheus_notifications_alertmanagers_discovered'],
  ['watchkeeper_config_last_reload_successful', 'prometheus_config_last_reload_successful'],
  ['watchkeeper_rule_evaluation_failures_total', 'prometheus_rule_evaluation_failures_total'],
  ['watchkeeper_rule_evaluations_total', 'prometheus_rule_evaluations_total'],
  ['watchkeeper_rule_group_interval_seconds', 'prometheus_rule_group_interval_seconds'],
  ['watchkeeper_rule_group_iterations_missed_total', 'prometheus_rule_group_iterations_missed_total'],
  ['watchkeeper_rule_group_iterations_total', 'prometheus_rule_group_iterations_total'],
  ['watchkeeper_rule_group_last_duration_seconds', 'prometheus_rule_group_last_duration_seconds'],
  [
    'watchkeeper_rule_group_last_evaluation_timestamp_seconds',
    'prometheus_rule_group_last_evaluation_timestamp_seconds',
  ],
]);

/** The families, and behind them those that have another name too. */
export function withPrometheusNames(families: readonly MetricFamily[]): readonly MetricFamily[] {
  const also = families.flatMap(family => {
    const name = NAMES.get(family.name);
    return name === undefined ? [] : [{ ...family, name }];
  });
  return [...families, ...also];
}
