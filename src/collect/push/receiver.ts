// The remote-write receiver: what comes in over HTTP goes into the store, and the answer says what became of it.
// Nothing is lost in silence: what is refused is named (400), what cannot be taken now is asked for again (429, 503).

import type { Clock, Log, Random, Result } from '../../base/index.ts';
import {
  type AppendFailure,
  type AppendOutcome,
  type Counter,
  type Metrics,
  type RefusalReason,
  type SeriesWriter,
  targetId,
} from '../../model/index.ts';
import { BodyDecoder, type PushEncoding } from './body.ts';
import { type ReadRequest, RequestReader } from './request.ts';

/** As they come, and after decompression: some hundred times what senders make by default. */
export const PUSH_BODY_BYTES_MAX = 32 * 1024 * 1024;
const PLAIN_BYTES_MAX = 128 * 1024 * 1024;
/** Requests under way at one time; a sender has a few in flight. */
const IN_FLIGHT_MAX = 64;
/** Bodies under way at one time, as they came and decompressed. One alone is always taken. */
const IN_FLIGHT_BYTES_MAX = 256 * 1024 * 1024;
const RETRY_AFTER_SECONDS = '5';
const PRODUCER = targetId('push/remote-write');

export interface PushRequest {
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  body(bytesMax: number): Promise<Result<Uint8Array, { readonly code: string; readonly message: string }>>;
}

export interface PushAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** What is wrong, "" if nothing is. */
  readonly text: string;
}

export interface PushReceiver {
  remoteWrite(request: PushRequest): Promise<PushAnswer>;
}

export interface PushPorts {
  readonly writer: SeriesWriter;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: Metrics;
}

const REASONS: Readonly<Record<RefusalReason, string>> = {
  'sample-conflict': 'duplicate sample for timestamp, with another value',
  'sample-future': 'timestamp too far in the future',
  'sample-limit': 'too many series',
  'sample-out-of-order': 'out of order sample',
  'sample-too-old': 'too old sample',
};

export function createPushReceiver(ports: PushPorts): PushReceiver {
  return new Receiver(ports);
}

class Receiver implements PushReceiver {
  readonly #ports: PushPorts;
  readonly #reader: RequestReader;
  readonly #decoder = new BodyDecoder();
  readonly #requests: Counter;
  readonly #samples: Counter;
  #inFlight = 0;
  #inFlightBytes = 0;

  constructor(ports: PushPorts) {
    this.#ports = ports;
    this.#reader = new RequestReader(ports.writer, ports.random.uint32());
    const { metrics } = ports;
    this.#requests = metrics.counter('watchkeeper_remote_write_requests_total', 'Requests by status.');
    this.#samples = metrics.counter('watchkeeper_remote_write_samples_total', 'Pushed samples by result.');
  }

  async remoteWrite(request: PushRequest): Promise<PushAnswer> {
    const answered = await this.#answer(request);
    this.#requests.add(1, { status: String(answered.status) });
    return answered;
  }

  async #answer(request: PushRequest): Promise<PushAnswer> {
    const format = formatOf(request.headers);
    if (format.kind === 'unsupported') return answer(415, format.problem);
    if (this.#inFlight >= IN_FLIGHT_MAX) return busy(`${IN_FLIGHT_MAX} requests are under way already`);
    let held = lengthOf(request.headers);
    if (!this.#hasRoom(held)) return busy('the bodies under way are too large together');
    this.#inFlight += 1;
    this.#inFlightBytes += held;
    try {
      const body = await request.body(PUSH_BODY_BYTES_MAX);
      if (!body.ok) return answer(body.error.code === 'http-body-too-large' ? 413 : 400, body.error.message);
      // Lent: it is read before anything else has its turn.
      const plain = this.#decoder.decode(body.value, format.encoding, PLAIN_BYTES_MAX);
      if (!plain.ok) return answer(400, `Cannot decompress the body as ${format.encoding}: ${plain.error}`);
      // What is read from it stays about as large until the store has taken it.
      this.#inFlightBytes += plain.value.length;
      held += plain.value.length;
      const read = this.#reader.read(plain.value, format.version);
      if (!read.ok)
        return answer(400, `Cannot read the body as remote write ${format.version}.0: ${read.error}`);
      return await this.#store(read.value, format.version);
    } finally {
      this.#inFlight -= 1;
      this.#inFlightBytes -= held;
    }
  }

  #hasRoom(bytes: number): boolean {
    return this.#inFlight === 0 || this.#inFlightBytes + bytes <= IN_FLIGHT_BYTES_MAX;
  }

  async #store(read: ReadRequest, version: 1 | 2): Promise<PushAnswer> {
    const { writer, clock, log } = this.#ports;
    const { columns } = read;
    const batches = columns.batches(PRODUCER, read.metadata, clock.nowMs());
    const outcomes = await Promise.all(batches.map(batch => writer.append(batch)));
    const sums = sumUp(outcomes);
    if (sums.failure !== undefined) {
      // Repeats are recognised, so that the sender may send all of it again.
      const status = sums.failure.code === 'disk-io' ? 500 : 503;
      return answer(status, sums.failure.message, { 'retry-after': RETRY_AFTER_SECONDS });
    }
    const refused = read.refused + sums.refused;
    this.#samples.add(sums.accepted, { result: 'accepted' });
    this.#samples.add(refused, { result: 'refused' });
    const headers = version === 2 ? written(sums) : {};
    if (refused === 0) return answer(204, '', headers);
    const reasons = [
      ...read.reasons,
      ...[...sums.reasons].map(([reason, count]) => `${REASONS[reason]} (${count})`),
    ];
    const text = `Cannot store ${refused} of ${refused + sums.accepted} samples: ${reasons.join('; ')}`;
    log.log('warn', `Remote write: ${text}`);
    return answer(400, text, headers);
  }
}

interface Sums {
  accepted: number;
  /** Of the accepted. */
  histograms: number;
  exemplars: number;
  refused: number;
  readonly reasons: Map<RefusalReason, number>;
  failure: AppendFailure | undefined;
}

function sumUp(outcomes: readonly Result<AppendOutcome, AppendFailure>[]): Sums {
  const sums: Sums = {
    accepted: 0,
    histograms: 0,
    exemplars: 0,
    refused: 0,
    reasons: new Map(),
    failure: undefined,
  };
  for (const outcome of outcomes) {
    if (!outcome.ok) {
      sums.failure ??= outcome.error;
      continue;
    }
    const { accepted, acceptedHistograms, keptExemplars, refusedCount, refusedBy } = outcome.value;
    sums.accepted += accepted;
    sums.histograms += acceptedHistograms ?? 0;
    sums.exemplars += keptExemplars ?? 0;
    sums.refused += refusedCount;
    for (const [reason, count] of refusedBy ?? [])
      sums.reasons.set(reason, (sums.reasons.get(reason) ?? 0) + count);
  }
  return sums;
}

/** What 2.0 wants to hear. */
function written(sums: Sums): Readonly<Record<string, string>> {
  return {
    'x-prometheus-remote-write-samples-written': String(sums.accepted - sums.histograms),
    'x-prometheus-remote-write-histograms-written': String(sums.histograms),
    'x-prometheus-remote-write-exemplars-written': String(sums.exemplars),
  };
}

type Format =
  | { readonly kind: 'known'; readonly version: 1 | 2; readonly encoding: PushEncoding }
  | { readonly kind: 'unsupported'; readonly problem: string };

function formatOf(headers: PushRequest['headers']): Format {
  const type = headers['content-type'] ?? '';
  const [media = '', ...parameters] = type.split(';').map(part => part.trim().toLowerCase());
  const proto = parameters.find(part => part.startsWith('proto='))?.slice('proto='.length) ?? '';
  const versions: Readonly<Record<string, 1 | 2>> = {
    '': 1,
    'prometheus.writerequest': 1,
    'io.prometheus.write.v2.request': 2,
  };
  const version = versions[proto];
  if (media !== 'application/x-protobuf' || version === undefined)
    return {
      kind: 'unsupported',
      problem: `Cannot take the content type "${type}": application/x-protobuf, with proto=prometheus.WriteRequest or io.prometheus.write.v2.Request, expected`,
    };
  const encoding = (headers['content-encoding'] ?? 'snappy').toLowerCase();
  if (encoding !== 'snappy' && encoding !== 'zstd')
    return {
      kind: 'unsupported',
      problem: `Cannot take the content encoding "${encoding}": snappy or zstd expected`,
    };
  return { kind: 'known', version, encoding };
}

/** As the sender says; it cannot send more than it says, and one that says nothing may send the most. */
function lengthOf(headers: PushRequest['headers']): number {
  const length = Number(headers['content-length'] ?? Number.NaN);
  return Number.isSafeInteger(length) && length >= 0
    ? Math.min(length, PUSH_BODY_BYTES_MAX)
    : PUSH_BODY_BYTES_MAX;
}

function busy(text: string): PushAnswer {
  return answer(429, text, { 'retry-after': RETRY_AFTER_SECONDS });
}

function answer(status: number, text: string, headers: PushAnswer['headers'] = {}): PushAnswer {
  return { status, headers, text };
}
