// watchkeeper.yml: `rules` and `relay`: what Prometheus has as flags about rules and about the sending of alerts.

import { boolean, duration, integer, mapped, optional, record, type Schema, withDefault } from '../schema.ts';

/** How rules are evaluated, and how their alerts live. */
export interface RulesConfig {
  /** An alert that goes on is sent again at the first evaluation later than this. */
  readonly resendDelayMs: number;
  /** After a longer outage the `for` of a pending alert begins anew. */
  readonly outageToleranceMs: number;
  /** The least time from a restart until a pending alert fires whose `for` went on; undefined: `forGracePeriodMs` tells. */
  readonly gracePeriodMs: number | undefined;
  /** Rules that are evaluated at once beside the one of each group; 0: one after another. */
  readonly concurrencyMax: number;
}

/** As Prometheus's flags of these names. */
export const RULES_DEFAULTS: RulesConfig = {
  resendDelayMs: 60_000,
  outageToleranceMs: 3_600_000,
  gracePeriodMs: undefined,
  concurrencyMax: 4,
};

/** Prometheus's. */
const GRACE_PERIOD_MS = 600_000;

/**
 * The stock configuration needs no grace period: after a restart its rules do not judge missing data for as long, and an outage
 * of ours is to delay no alert by more than itself.
 */
export function forGracePeriodMs(config: RulesConfig, { isStock }: { readonly isStock: boolean }): number {
  return config.gracePeriodMs ?? (isStock ? 0 : GRACE_PERIOD_MS);
}

export const rules: Schema<RulesConfig> = mapped(
  record({
    resend_delay: withDefault(duration(), RULES_DEFAULTS.resendDelayMs, 'between two words on one alert'),
    for_outage_tolerance: withDefault(
      duration(),
      RULES_DEFAULTS.outageToleranceMs,
      'after a longer outage `for` begins anew',
    ),
    for_grace_period: optional(duration(), 'from a restart until a pending alert may fire'),
    concurrency_max: withDefault(
      integer({ min: 0 }),
      RULES_DEFAULTS.concurrencyMax,
      'rules at once beside one of each group',
    ),
  }),
  value => ({
    resendDelayMs: value.resend_delay,
    outageToleranceMs: value.for_outage_tolerance,
    gracePeriodMs: value.for_grace_period,
    concurrencyMax: value.concurrency_max,
  }),
);

/** Of what waits for an Alertmanager elsewhere. */
export interface RelayConfig {
  /** Undefined: they get the alerts, and where receivers of one's own are told as well that is warned of. */
  readonly enabled: boolean | undefined;
  /** Alerts that wait for one Alertmanager; beyond, the oldest are dropped and counted. */
  readonly queueMax: number;
  readonly batchMax: number;
}

/** As Prometheus's flags `alertmanager.notification-queue-capacity` and `-batch-size`. */
export const RELAY_DEFAULTS: RelayConfig = { enabled: undefined, queueMax: 10_000, batchMax: 256 };

export const relay: Schema<RelayConfig> = mapped(
  record({
    enabled: optional(boolean(), 'send to the Alertmanagers of `alerting` at all'),
    queue_max: withDefault(integer({ min: 1 }), RELAY_DEFAULTS.queueMax, 'alerts that wait for one of them'),
    batch_max: withDefault(integer({ min: 1 }), RELAY_DEFAULTS.batchMax, 'alerts in one request'),
  }),
  value => ({ enabled: value.enabled, queueMax: value.queue_max, batchMax: value.batch_max }),
);
