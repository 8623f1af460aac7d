// Sends to one Alertmanager: one request after another, what failed again after a while, in the order of the queue.

import { backoffMs, type Clock, type Http, type Log, type Random, type Timer } from '../base/index.ts';
import type { Effects, StateStore } from '../model/index.ts';
import { type Told, ToldBook } from './journal.ts';
import type { RelayMetrics } from './metrics.ts';
import { outcomeOf, RELAY_BACKOFF, type RelayOutcome } from './outcome.ts';
import { SendQueue } from './queue.ts';
import { payloadOf, type RelayedAlert } from './relayed.ts';
import type { RelaySet, RelaySettings } from './settings.ts';

export interface LoopPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly http: Http;
  readonly log: Log;
  readonly state: StateStore;
  readonly metrics: RelayMetrics;
  readonly effects: Effects;
}

/** Of an answer; only its beginning is kept. */
const ANSWER_BYTES_MAX = 64 * 1024;

type LoopSettings = Pick<RelaySettings, 'queueMax' | 'batchMax' | 'configVersion'>;

export interface LoopHealth {
  readonly url: string;
  readonly waiting: number;
  /** "" after a success, and before the first attempt. */
  readonly lastError: string;
}

/** Owns the queue of one Alertmanager and the request under way. */
export class SendLoop {
  readonly #ports: LoopPorts;
  readonly #url: string;
  readonly #set: RelaySet;
  readonly #queue: SendQueue;
  readonly #told = new ToldBook();
  readonly #abort = new AbortController();
  #settings: LoopSettings;
  #sending: Promise<void> | undefined;
  #journaled: Promise<void> = Promise.resolve();
  #retry: Timer | undefined;
  #failures = 0;
  #lastError = '';
  #stopping = false;

  constructor(
    ports: LoopPorts,
    { url, set, settings }: { readonly url: string; readonly set: RelaySet; readonly settings: LoopSettings },
  ) {
    this.#ports = ports;
    this.#url = url;
    this.#set = set;
    this.#settings = settings;
    this.#queue = new SendQueue(settings.queueMax);
    // A counter that appears with its first failure cannot be alerted on with increase().
    const { sent, errors, dropped } = ports.metrics;
    for (const counter of [sent, errors, dropped]) counter.add(0, { alertmanager: url });
    this.#showLength();
  }

  health(): LoopHealth {
    return { url: this.#url, waiting: this.#queue.length, lastError: this.#lastError };
  }

  configure(settings: LoopSettings): void {
    this.#settings = settings;
    this.#countDropped(this.#queue.setMax(settings.queueMax));
    this.#showLength();
  }

  add(alerts: readonly RelayedAlert[]): void {
    if (this.#stopping || alerts.length === 0) return;
    this.#countDropped(this.#queue.add(alerts));
    this.#showLength();
    this.#pump();
  }

  /** What waits is tried once more; what is not taken within `graceMs` is given up, and counted. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping = true;
    this.#retry?.cancel();
    this.#retry = undefined;
    this.#failures = 0;
    const deadline = this.#ports.clock.after(graceMs, () => this.#abort.abort('stopping'));
    this.#pump();
    while (this.#sending !== undefined) await this.#sending;
    await this.#journaled;
    deadline.cancel();
    this.#countDropped(this.#queue.length);
    this.#ports.metrics.queueLength.remove({ alertmanager: this.#url });
  }

  #pump(): void {
    if (this.#sending !== undefined || this.#retry !== undefined || this.#queue.length === 0) return;
    if (this.#abort.signal.aborted || (this.#stopping && this.#failures > 0)) return;
    this.#sending = this.#sendBatch().finally(() => {
      this.#sending = undefined;
      this.#pump();
    });
  }

  async #sendBatch(): Promise<void> {
    const { clock, metrics } = this.#ports;
    const taken = this.#queue.take(this.#settings.batchMax);
    const nowMs = clock.nowMs();
    // A firing alert that waited beyond its end would be resolved on arrival; if it still fires, a newer word follows.
    const batch = taken.filter(alert => alert.isResolved || alert.endsAtMs > nowMs);
    this.#countDropped(taken.length - batch.length);
    this.#showLength();
    if (batch.length === 0) return;
    if (this.#ports.effects === 'shadow') {
      metrics.wouldHave.add(batch.length, { alertmanager: this.#url });
      this.#journal(batch, { verdict: 'would_have', cause: '' });
      return;
    }
    const startMs = clock.monotonicMs();
    const outcome = await this.#post(batch);
    const label = { alertmanager: this.#url };
    metrics.latency.observe((clock.monotonicMs() - startMs) / 1000, label);
    if (outcome.kind === 'sent') metrics.sent.add(batch.length, label);
    else metrics.errors.add(batch.length, label);
    this.#take(outcome, batch);
  }

  /** What an outcome means for what waits. */
  #take(outcome: RelayOutcome, batch: readonly RelayedAlert[]): void {
    const { clock, random, log } = this.#ports;
    if (outcome.kind === 'sent') {
      if (this.#failures > 0) log.log('info', 'an Alertmanager takes alerts again', { url: this.#url });
      this.#failures = 0;
      this.#lastError = '';
      this.#journal(batch, { verdict: 'sent', cause: '' });
      return;
    }
    const { cause } = outcome;
    if (cause !== this.#lastError)
      log.log('warn', 'an Alertmanager did not take alerts', {
        url: this.#url,
        alerts: batch.length,
        cause,
      });
    this.#lastError = cause;
    if (outcome.kind === 'refused') {
      this.#failures = 0;
      this.#countDropped(batch.length);
      this.#journal(batch, { verdict: 'dropped', cause });
      return;
    }
    this.#failures += 1;
    this.#countDropped(this.#queue.giveBack(batch));
    this.#showLength();
    if (!this.#stopping) {
      const waitMs = backoffMs(this.#failures, RELAY_BACKOFF, { random, afterMs: outcome.afterMs });
      this.#retry = clock.after(waitMs, () => {
        this.#retry = undefined;
        this.#pump();
      });
    }
    this.#journal(batch, { verdict: 'failed', cause });
  }

  async #post(batch: readonly RelayedAlert[]): Promise<RelayOutcome> {
    const { http, clock } = this.#ports;
    const { request, timeoutMs } = this.#set;
    const answer = await http.request(
      {
        method: 'POST',
        url: this.#url,
        ...request,
        headers: {
          'content-type': 'application/json',
          'user-agent': 'Watchkeeper',
          ...request.headers,
        },
        body: new TextEncoder().encode(payloadOf(batch)),
        timeoutMs,
        bodyBytesMax: ANSWER_BYTES_MAX,
      },
      this.#abort.signal,
    );
    return outcomeOf(answer, clock.nowMs());
  }

  /** In order, and beside the sending: a disk that hangs must not silence an alert. */
  #journal(alerts: readonly RelayedAlert[], told: Told): void {
    const { clock, effects, state, log } = this.#ports;
    const stamp = { atMs: clock.nowMs(), effects, configVersion: this.#settings.configVersion };
    const event = this.#told.event(this.#url, { alerts, told }, stamp);
    if (event === undefined) return;
    this.#journaled = this.#journaled.then(async () => {
      const written = await state.commit([{ kind: 'journal', event }], 'grouped');
      if (!written.ok)
        log.log('warn', 'Cannot journal what an Alertmanager was told', { cause: written.error.message });
    });
  }

  #countDropped(count: number): void {
    if (count > 0) this.#ports.metrics.dropped.add(count, { alertmanager: this.#url });
  }

  #showLength(): void {
    this.#ports.metrics.queueLength.set(this.#queue.length, { alertmanager: this.#url });
  }
}
