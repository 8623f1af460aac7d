// watchkeeper.yml: `rules` and `relay`: what Prometheus has as flags about rules and about the sending of alerts.

import { duration, integer, mapped, record, type Schema, withDefault } from '../schema.ts';

/** How rules are evaluated, and how their alerts live. */
export interface RulesConfig {
  /** An alert that goes on is sent again at the first evaluation later than this. */
  readonly resendDelayMs: number;
  /** After a longer outage the `for` of a pending alert begins anew. */
  readonly outageToleranceMs: number;
}

/** As Prometheus's flags of these names. */
export const RULES_DEFAULTS: RulesConfig = { resendDelayMs: 60_000, outageToleranceMs: 3_600_000 };

export const rules: Schema<RulesConfig> = mapped(
  record({
    resend_delay: withDefault(duration(), RULES_DEFAULTS.resendDelayMs, 'between two words on one alert'),
    for_outage_tolerance: withDefault(
      duration(),
      RULES_DEFAULTS.outageToleranceMs,
      'after a longer outage `for` begins anew',
    ),
  }),
  value => ({ resendDelayMs: value.resend_delay, outageToleranceMs: value.for_outage_tolerance }),
);

/** Of what waits for an Alertmanager elsewhere. */
export interface RelayConfig {
  /** Alerts that wait for one Alertmanager; beyond, the oldest are dropped and counted. */
  readonly queueMax: number;
  readonly batchMax: number;
}

/** As Prometheus's flags `alertmanager.notification-queue-capacity` and `-batch-size`. */
export const RELAY_DEFAULTS: RelayConfig = { queueMax: 10_000, batchMax: 256 };

export const relay: Schema<RelayConfig> = mapped(
  record({
    queue_max: withDefault(integer({ min: 1 }), RELAY_DEFAULTS.queueMax, 'alerts that wait for one of them'),
    batch_max: withDefault(integer({ min: 1 }), RELAY_DEFAULTS.batchMax, 'alerts in one request'),
  }),
  value => ({ queueMax: value.queue_max, batchMax: value.batch_max }),
);
