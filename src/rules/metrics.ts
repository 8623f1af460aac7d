// What the rules say about themselves on /metrics.

import type { Metrics } from '../model/index.ts';

export type RuleMetrics = ReturnType<typeof ruleMetrics>;

export function ruleMetrics(metrics: Metrics) {
  return {
    evaluations: metrics.counter('watchkeeper_rule_evaluations_total', 'Evaluations of rules.'),
    failures: metrics.counter(
      'watchkeeper_rule_evaluation_failures_total',
      'Evaluations of rules that failed.',
    ),
    iterations: metrics.counter('watchkeeper_rule_group_iterations_total', 'Evaluations of whole groups.'),
    missed: metrics.counter(
      'watchkeeper_rule_group_iterations_missed_total',
      'Evaluations of groups left out since the one before took too long or the process was held up.',
    ),
    duration: metrics.gauge(
      'watchkeeper_rule_group_last_duration_seconds',
      'How long the last evaluation of a group took.',
    ),
    lastEvaluation: metrics.gauge(
      'watchkeeper_rule_group_last_evaluation_timestamp_seconds',
      'Time of the last evaluation of a group.',
    ),
    interval: metrics.gauge('watchkeeper_rule_group_interval_seconds', 'Interval of a group.'),
    alerts: metrics.gauge('watchkeeper_rule_alerts', 'Alerts by state.'),
    refused: metrics.counter(
      'watchkeeper_rule_samples_refused_total',
      'Samples of rules that the store did not take.',
    ),
    templateErrors: metrics.counter(
      'watchkeeper_rule_template_errors_total',
      'Label and annotation templates that failed while they were expanded.',
    ),
    stateFailures: metrics.counter(
      'watchkeeper_rule_state_write_failures_total',
      'Commits of alert states that failed; alerts are sent all the same and the commit is repeated.',
    ),
    limitReached: metrics.counter('watchkeeper_limit_reached_total', 'How often a named limit was reached.'),
  };
}
