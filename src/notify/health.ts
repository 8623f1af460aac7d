// How each destination fares: for the API and the program's own metrics.

import type { Counter, Gauge, Histogram, Metrics } from '../model/index.ts';

export interface DestinationHealth {
  readonly key: string;
  readonly receiver: string;
  readonly channel: string;
  /** 0: never. */
  readonly lastSuccessMs: number;
  readonly lastFailureMs: number;
  /** The provider's last refusal, "" if none since the last success. */
  readonly lastError: string;
  readonly consecutiveFailures: number;
}

interface Names {
  readonly key: string;
  readonly receiver: string;
  readonly channel: string;
}

interface KnownNames extends Names {
  readonly isCarriedOut: boolean;
}

/** Owns the counts; reads nothing. */
export class HealthBook {
  readonly #byKey = new Map<string, DestinationHealth>();
  readonly #sent: Counter;
  readonly #failed: Counter;
  readonly #undelivered: Counter;
  readonly #fallbacks: Counter;
  readonly #notCarriedOut: Counter;
  readonly #up: Gauge;
  readonly #lastSuccess: Gauge;
  readonly #lastError: Gauge;
  readonly #duration: Histogram;

  constructor(metrics: Metrics) {
    this.#sent = metrics.counter('watchkeeper_notifications_total', 'Attempts to deliver a message.');
    this.#failed = metrics.counter('watchkeeper_notifications_failed_total', 'Attempts that failed.');
    this.#undelivered = metrics.counter(
      'watchkeeper_notifications_undelivered_total',
      'Messages that reached neither their receiver nor a fallback.',
    );
    this.#fallbacks = metrics.counter(
      'watchkeeper_notifications_fallback_total',
      'Messages that a fallback receiver took over.',
    );
    this.#notCarriedOut = metrics.counter(
      'watchkeeper_notifications_not_carried_out_total',
      'Messages for a kind of receiver that this version reads and does not send to.',
    );
    this.#lastSuccess = metrics.gauge(
      'watchkeeper_receiver_last_success_timestamp_seconds',
      'When a message last went out; 0 for never since the start.',
    );
    this.#lastError = metrics.gauge(
      'watchkeeper_receiver_last_error_timestamp_seconds',
      'When an attempt last failed; 0 for never since the start.',
    );
    this.#up = metrics.gauge('watchkeeper_receiver_up', 'Whether the last attempt succeeded: 1 or 0.');
    this.#duration = metrics.histogram(
      'watchkeeper_notification_duration_seconds',
      'Duration of attempts.',
      [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 60],
    );
  }

  /** Counters begin at 0: of a series that begins at 1 a rule sees no increase. */
  begin(destinations: Iterable<KnownNames>): void {
    for (const one of destinations) {
      const labels = { receiver: one.receiver, integration: one.channel };
      for (const counter of [this.#sent, this.#failed, this.#undelivered, this.#fallbacks])
        counter.add(0, labels);
      if (!one.isCarriedOut) this.#notCarriedOut.add(0, labels);
      this.#showTimes(this.of(one));
    }
  }

  attempt(
    names: KnownNames,
    result: { readonly error: string | undefined; readonly atMs: number; readonly durationMs: number },
  ): void {
    const labels = { receiver: names.receiver, integration: names.channel };
    const known = this.of(names);
    this.#sent.add(1, labels);
    this.#failed.add(result.error === undefined ? 0 : 1, labels);
    this.#duration.observe(result.durationMs / 1000, { integration: names.channel });
    if (!names.isCarriedOut) this.#notCarriedOut.add(1, labels);
    this.#up.set(result.error === undefined ? 1 : 0, { ...labels, destination: names.key });
    const now: DestinationHealth =
      result.error === undefined
        ? { ...known, lastSuccessMs: result.atMs, lastError: '', consecutiveFailures: 0 }
        : {
            ...known,
            lastFailureMs: result.atMs,
            lastError: result.error,
            consecutiveFailures: known.consecutiveFailures + 1,
          };
    this.#byKey.set(names.key, now);
    this.#showTimes(now);
  }

  #showTimes(health: DestinationHealth): void {
    const labels = labelsOf(health);
    this.#lastSuccess.set(health.lastSuccessMs / 1000, labels);
    this.#lastError.set(health.lastFailureMs / 1000, labels);
  }

  undelivered(names: Names): void {
    this.#undelivered.add(1, { receiver: names.receiver, integration: names.channel });
  }

  fallback(names: Names): void {
    this.#fallbacks.add(1, { receiver: names.receiver, integration: names.channel });
  }

  of(names: Names): DestinationHealth {
    return (
      this.#byKey.get(names.key) ?? {
        key: names.key,
        receiver: names.receiver,
        channel: names.channel,
        lastSuccessMs: 0,
        lastFailureMs: 0,
        lastError: '',
        consecutiveFailures: 0,
      }
    );
  }

  /** Destinations that a reload removed report no more. */
  keepOnly(before: Iterable<Names>, keys: ReadonlySet<string>): void {
    for (const one of before) {
      if (keys.has(one.key)) continue;
      this.#byKey.delete(one.key);
      for (const gauge of [this.#up, this.#lastSuccess, this.#lastError]) gauge.remove(labelsOf(one));
    }
  }
}

function labelsOf({ key, receiver, channel }: Names): Readonly<Record<string, string>> {
  return { receiver, integration: channel, destination: key };
}
