// What relay/ says about itself on /metrics.

import type { Metrics } from '../model/index.ts';

export type RelayMetrics = ReturnType<typeof relayMetrics>;

/** An Alertmanager near by answers in milliseconds; one that takes seconds is in trouble. */
const LATENCY_BOUNDS_SECONDS = [0.01, 0.1, 1, 10];

export function relayMetrics(metrics: Metrics) {
  return {
    sent: metrics.counter('watchkeeper_alertmanager_sent_total', 'Alerts that an Alertmanager took.'),
    errors: metrics.counter(
      'watchkeeper_alertmanager_errors_total',
      'Alerts in attempts to send to an Alertmanager that failed.',
    ),
    dropped: metrics.counter(
      'watchkeeper_alertmanager_dropped_total',
      'Alerts given up: refused by an Alertmanager, out of date, or too many that wait.',
    ),
    wouldHave: metrics.counter(
      'watchkeeper_alertmanager_would_have_total',
      'Alerts that a shadow run would have sent to an Alertmanager.',
    ),
    queueLength: metrics.gauge(
      'watchkeeper_alertmanager_queue_length',
      'Alerts that wait for an Alertmanager.',
    ),
    queueCapacity: metrics.gauge(
      'watchkeeper_alertmanager_queue_capacity',
      'Alerts that may wait for an Alertmanager.',
    ),
    discovered: metrics.gauge('watchkeeper_alertmanagers_discovered', 'Alertmanagers that get alerts.'),
    latency: metrics.histogram(
      'watchkeeper_alertmanager_latency_seconds',
      'How long an Alertmanager took to take alerts.',
      LATENCY_BOUNDS_SECONDS,
    ),
  };
}
