// What others get of a rule's alerts: the alerts themselves, and the series by which Prometheus users see them.

import { type Alert, METRIC_NAME, withLabels } from '../model/index.ts';
import { queryEscape } from '../template/index.ts';
import type { ActiveAlert } from './alert-state.ts';
import type { OutputSample } from './recording.ts';
import type { AlertingRule } from './rule.ts';

export function toAlert(rule: AlertingRule, alert: ActiveAlert, externalUrl: string): Alert {
  return {
    labels: alert.labels,
    fingerprint: alert.fingerprint,
    annotations: alert.annotations,
    state: alert.state,
    activeAtMs: alert.activeAtMs,
    ...(alert.firedAtMs === undefined ? {} : { firedAtMs: alert.firedAtMs }),
    ...(alert.resolvedAtMs === undefined ? {} : { resolvedAtMs: alert.resolvedAtMs }),
    ...(alert.keptSinceMs === undefined ? {} : { keptFiringSinceMs: alert.keptSinceMs }),
    reason: alert.reason,
    ...(alert.why === undefined ? {} : { why: alert.why }),
    ...(alert.absence === undefined ? {} : { absence: alert.absence }),
    value: alert.value,
    rule: rule.id,
    expr: rule.expr,
    ...(alert.producer === undefined ? {} : { producer: alert.producer }),
    generatorUrl: `${externalUrl}/graph?g0.expr=${queryEscape(rule.expr)}&g0.tab=1`,
  };
}

/** ALERTS and ALERTS_FOR_STATE. */
export function* alertSeries(alerts: Iterable<ActiveAlert>): Generator<OutputSample> {
  for (const alert of alerts) {
    if (alert.state === 'resolved') continue;
    // `unknown` is shown as firing wherever Prometheus's own vocabulary is spoken.
    const alertstate = alert.state === 'pending' ? 'pending' : 'firing';
    yield { labels: withLabels(alert.labels, { [METRIC_NAME]: 'ALERTS', alertstate }), value: 1 };
    yield {
      labels: withLabels(alert.labels, { [METRIC_NAME]: 'ALERTS_FOR_STATE' }),
      value: Math.floor(alert.activeAtMs / 1000),
    };
  }
}
