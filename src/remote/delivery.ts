// Gets one request to its receiver: as often as it takes, in the version that it knows, or counted as failed.

import type { Clock, Http, Log, Random } from '../base/index.ts';
import type { MetricLabels, MetricMetadata } from '../model/index.ts';
import type { EncodedRequest, LeftOutReason, RequestEncoder } from './encode.ts';
import type { MetadataBook } from './metadata.ts';
import { count, type RemoteMetrics } from './metrics.ts';
import { type Amounts, backoffMs, outcomeOf, type WriteOutcome } from './outcome.ts';
import type { PlannedRequest } from './plan.ts';
import type { RemoteWriteTarget, WriteProtocol } from './settings.ts';

export interface DeliveryPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly http: Http;
  readonly log: Log;
  readonly metrics: RemoteMetrics;
  /** "Watchkeeper/1.2.3" */
  readonly userAgent: string;
}

/** Of an answer that is not taken: enough for any text; what is longer counts as broken off. */
const ANSWER_BYTES_MAX = 16 * 1024 * 1024;

const HEADERS: Readonly<Record<WriteProtocol, Readonly<Record<string, string>>>> = {
  'prometheus.WriteRequest': {
    'content-type': 'application/x-protobuf',
    'x-prometheus-remote-write-version': '0.1.0',
  },
  'io.prometheus.write.v2.Request': {
    'content-type': 'application/x-protobuf;proto=io.prometheus.write.v2.Request',
    'x-prometheus-remote-write-version': '2.0.0',
  },
};

/** Owns what is known about one receiver. */
export class Delivery {
  readonly #ports: DeliveryPorts;
  readonly #target: RemoteWriteTarget;
  readonly #labels: MetricLabels;
  readonly #encoder: RequestEncoder;
  readonly #metadata: MetadataBook;
  readonly #abort = new AbortController();
  /** Ends the waits between attempts. */
  readonly #halt = new AbortController();
  #protocol: WriteProtocol;
  #lastError = '';
  #lastSentMs = Number.NaN;
  readonly #said = new Set<LeftOutReason>();
  /** Of all requests so far. */
  busyMs = 0;
  sentSamples = 0;

  constructor(
    ports: DeliveryPorts,
    target: RemoteWriteTarget,
    how: {
      readonly labels: MetricLabels;
      readonly encoder: RequestEncoder;
      readonly metadata: MetadataBook;
    },
  ) {
    this.#ports = ports;
    this.#target = target;
    this.#labels = how.labels;
    this.#encoder = how.encoder;
    this.#metadata = how.metadata;
    this.#protocol = target.protocol;
  }

  get protocol(): WriteProtocol {
    return this.#protocol;
  }

  /** "" after a success, and before the first attempt. */
  get lastError(): string {
    return this.#lastError;
  }

  /** NaN before the first success. */
  get lastSentMs(): number {
    return this.#lastSentMs;
  }

  get isAborted(): boolean {
    return this.#abort.signal.aborted;
  }

  /** From now on nothing is tried again. */
  stopTrying(): void {
    this.#halt.abort('stopping');
  }

  /** What is under way is broken off. */
  abort(): void {
    this.#halt.abort('stopping');
    this.#abort.abort('stopping');
  }

  /** True when the receiver has it, or it is given up and counted; false when this is to stop first. */
  async deliver(request: PlannedRequest): Promise<boolean> {
    const { clock, metrics, random } = this.#ports;
    const { queue } = this.#target;
    let encoded: EncodedRequest | undefined;
    let protocol = this.#protocol;
    for (let failures = 0; ; ) {
      if (encoded === undefined || protocol !== this.#protocol || queue.ageMaxMs > 0) {
        protocol = this.#protocol;
        encoded = this.#encode(request, protocol);
      }
      const { amounts } = encoded;
      const outcome = isNothing(amounts) ? TAKEN : await this.#attempt(encoded, protocol);
      if (this.isAborted) return false;
      if (outcome.kind === 'unsupported') {
        this.#fallBack(outcome.cause);
        continue;
      }
      if (outcome.kind !== 'retry') {
        this.#settle(outcome, encoded);
        return true;
      }
      failures++;
      count(metrics.retried, amounts, this.#labels);
      this.#complain(outcome.cause, 'a receiver of remote write does not take samples: they are sent again');
      const { signal } = this.#halt;
      if (!signal.aborted)
        await this.#pause(backoffMs(failures, queue, { random, afterMs: outcome.afterMs }), clock);
      if (signal.aborted) return false;
    }
  }

  /** Once: what is not taken comes again at the next interval. */
  async deliverMetadata(metadata: readonly MetricMetadata[]): Promise<void> {
    const { metrics } = this.#ports;
    const { body } = this.#encoder.encodeMetadata(metadata);
    const outcome = await this.#post(body, { protocol: 'prometheus.WriteRequest', amounts: NONE });
    metrics.sent.metadata.add(metadata.length, this.#labels);
    metrics.metadataBytes.add(body.length, this.#labels);
    if (outcome.kind === 'retry') metrics.retried.metadata.add(metadata.length, this.#labels);
    else if (outcome.kind !== 'sent') metrics.failed.metadata.add(metadata.length, this.#labels);
  }

  #encode(request: PlannedRequest, protocol: WriteProtocol): EncodedRequest {
    const { queue, nativeHistograms } = this.#target;
    this.#metadata.refresh();
    const oldestMs = queue.ageMaxMs > 0 ? this.#ports.clock.nowMs() - queue.ageMaxMs : -Infinity;
    return this.#encoder.encode(request, {
      protocol,
      oldestMs,
      nativeHistograms,
      metadataOf: metric => this.#metadata.of(metric),
    });
  }

  async #attempt({ body, amounts }: EncodedRequest, protocol: WriteProtocol): Promise<WriteOutcome> {
    const { clock, metrics } = this.#ports;
    const startMs = clock.monotonicMs();
    const outcome = await this.#post(body, { protocol, amounts });
    const tookMs = clock.monotonicMs() - startMs;
    this.busyMs += tookMs;
    this.sentSamples += amounts.samples + amounts.histograms;
    metrics.batchSeconds.observe(tookMs / 1000, this.#labels);
    metrics.bytes.add(body.length, this.#labels);
    count(metrics.sent, amounts, this.#labels);
    return outcome;
  }

  async #post(
    body: Uint8Array,
    { protocol, amounts }: { readonly protocol: WriteProtocol; readonly amounts: Amounts },
  ): Promise<WriteOutcome> {
    const { http, clock, userAgent } = this.#ports;
    const { url, request, timeoutMs, queue } = this.#target;
    const answer = await http.request(
      {
        method: 'POST',
        url,
        ...request,
        headers: {
          'user-agent': userAgent,
          ...request.headers,
          ...HEADERS[protocol],
          'content-encoding': 'snappy',
        },
        body,
        timeoutMs,
        bodyBytesMax: ANSWER_BYTES_MAX,
      },
      this.#abort.signal,
    );
    return outcomeOf(answer, { amounts, protocol, retryOn429: queue.retryOn429, nowMs: clock.nowMs() });
  }

  #settle(
    outcome: Extract<WriteOutcome, { kind: 'sent' | 'refused' }>,
    { amounts, leftOut }: EncodedRequest,
  ): void {
    const { clock, log, metrics } = this.#ports;
    this.#countLeftOut(leftOut);
    count(metrics.failed, outcome.failed, this.#labels);
    if (outcome.cause !== '') {
      this.#complain(outcome.cause, 'a receiver of remote write refused samples: they are dropped');
      return;
    }
    if (isNothing(amounts)) return;
    if (this.#lastError !== '')
      log.log('info', 'a receiver of remote write takes samples again', this.#about());
    this.#lastError = '';
    this.#lastSentMs = clock.nowMs();
  }

  #countLeftOut(leftOut: EncodedRequest['leftOut']): void {
    const { log, metrics } = this.#ports;
    for (const [reason, samples] of leftOut) {
      const counter = reason === 'too_old' ? metrics.samplesDropped : metrics.histogramsDropped;
      counter.add(samples, { ...this.#labels, reason });
      if (this.#said.has(reason)) continue;
      this.#said.add(reason);
      log.log('warn', LEFT_OUT[reason], this.#about());
    }
  }

  #fallBack(cause: string): void {
    if (this.#protocol === 'prometheus.WriteRequest') return;
    this.#protocol = 'prometheus.WriteRequest';
    this.#ports.log.log('warn', 'a receiver does not know remote write 2.0: it gets 1.0 from now on', {
      ...this.#about(),
      cause,
    });
  }

  /** Once for each cause in a row. */
  #complain(cause: string, message: string): void {
    if (cause !== this.#lastError) this.#ports.log.log('warn', message, { ...this.#about(), cause });
    this.#lastError = cause;
  }

  #about(): MetricLabels {
    return this.#labels;
  }

  /** Ends early when this is to stop. */
  #pause(ms: number, clock: Clock): Promise<void> {
    const { signal } = this.#halt;
    return new Promise(resolve => {
      const end = (): void => {
        timer.cancel();
        signal.removeEventListener('abort', end);
        resolve();
      };
      const timer = clock.after(ms, end);
      signal.addEventListener('abort', end, { once: true });
    });
  }
}

const NONE: Amounts = { samples: 0, histograms: 0, exemplars: 0 };
const TAKEN: WriteOutcome = { kind: 'sent', failed: NONE, cause: '' };

const LEFT_OUT: Readonly<Record<LeftOutReason, string>> = {
  too_old: 'samples older than sample_age_limit are not sent',
  native_histograms_off: 'native histograms are not sent: send_native_histograms is not set',
  nhcb_in_rw1_not_supported:
    'native histograms with custom buckets are not sent: remote write 1.0 cannot carry them; set protobuf_message: io.prometheus.write.v2.Request',
};

function isNothing({ samples, histograms, exemplars }: Amounts): boolean {
  return samples + histograms + exemplars === 0;
}
