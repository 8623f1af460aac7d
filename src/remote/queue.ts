// One receiver's queue: reads the log from where it has come to, a piece at a time, and goes on when all of the piece is
// delivered. What it is about to send is noted first, so that after a crash the very same requests are sent again.

import type { Disk, Timer } from '../base/index.ts';
import type { CompiledRelabelRule } from '../exposition/index.ts';
import type {
  AcceptedLog,
  AcceptedReader,
  LogPiece,
  LogPlace,
  MetricLabels,
  MetricMetadata,
} from '../model/index.ts';
import { comparePlaces } from '../model/index.ts';
import { Delivery, type DeliveryPorts } from './delivery.ts';
import { RequestEncoder } from './encode.ts';
import { MetadataBook } from './metadata.ts';
import type { Intent, PlaceFile } from './place-file.ts';
import { type Plan, planOf } from './plan.ts';
import { SeriesBook } from './series.ts';
import type { RemoteWriteTarget } from './settings.ts';
import { wantedShards } from './shards.ts';
import { shownUrl } from './shown-url.ts';

export interface QueuePorts extends DeliveryPorts {
  readonly disk: Disk;
  readonly accepted: AcceptedLog;
  readonly metadata: () => readonly MetricMetadata[];
}

export interface QueueStatus {
  readonly name: string;
  /** Without a password. */
  readonly url: string;
  readonly protocol: string;
  readonly shards: number;
  /** Of the log, not sent yet. */
  readonly pendingBytes: number;
  /** Time of the newest sample that was delivered; NaN before the first since the start. */
  readonly newestSentMs: number;
  readonly lastSentMs: number;
  /** "" after a success, and before the first attempt. */
  readonly lastError: string;
}

export interface QueueOptions {
  readonly target: RemoteWriteTarget;
  readonly rules: readonly CompiledRelabelRule[];
  readonly file: PlaceFile;
  readonly from: LogPlace;
  readonly intent: Intent | undefined;
  /** It has come to another segment, and that is durable. */
  readonly onSegment: () => void;
}

/** After the log could not be read. */
const READ_AGAIN_MS = 1000;

/** Owns the place in the log, and what is under way. */
export class WriteQueue {
  readonly #ports: QueuePorts;
  readonly #options: QueueOptions;
  readonly #labels: MetricLabels;
  readonly #book: SeriesBook;
  readonly #delivery: Delivery;
  readonly #metadata: MetadataBook;
  readonly #reader: AcceptedReader;
  readonly #unlisten: () => void;
  #place: LogPlace;
  #intent: Intent | undefined;
  #shards: number;
  #pieces = 0;
  /** Samples accepted since the start, and when the log was last read to its end. */
  #accepted = 0;
  #acceptedAtRead = 0;
  #pendingSinceMs = 0;
  /** More lies in the log than was read. */
  #isBehind = true;
  #newestSentMs = Number.NaN;
  #newestInMs = Number.NaN;
  #trouble = '';
  #isStopping = false;
  #wake: () => void = () => {};
  readonly #running: Promise<void>;
  #metadataTimer: Timer | undefined;

  constructor(ports: QueuePorts, options: QueueOptions) {
    const { target, from, intent } = options;
    this.#ports = ports;
    this.#options = options;
    this.#labels = { remote_name: target.name, url: shownUrl(target.url) };
    this.#book = new SeriesBook(ports.accepted, {
      rules: options.rules,
      externalLabels: target.externalLabels,
    });
    this.#metadata = new MetadataBook(ports.metadata, ports.clock);
    this.#delivery = new Delivery(ports, target, {
      labels: this.#labels,
      encoder: new RequestEncoder(this.#book),
      metadata: this.#metadata,
    });
    this.#place = from;
    this.#intent = intent;
    this.#shards = target.queue.shardsMin;
    this.#reader = ports.accepted.reader(from);
    this.#unlisten = ports.accepted.onAccepted(samples => this.#noteAccepted(samples));
    this.#showSettings();
    this.#running = this.#run();
    this.#metadataLater();
  }

  get key(): string {
    return this.#options.target.key;
  }

  get id(): string {
    return this.#options.target.id;
  }

  get place(): LogPlace {
    return this.#place;
  }

  status(): QueueStatus {
    return {
      name: this.#options.target.name,
      url: shownUrl(this.#options.target.url),
      protocol: this.#delivery.protocol,
      shards: this.#shards,
      pendingBytes: this.#ports.accepted.bytesBehind(this.#place),
      newestSentMs: this.#newestSentMs,
      lastSentMs: this.#delivery.lastSentMs,
      lastError: this.#trouble === '' ? this.#delivery.lastError : this.#trouble,
    };
  }

  /** What waits is tried once more within `graceMs`; the rest stays in the log, for the next start. */
  async stop(graceMs: number): Promise<void> {
    this.#isStopping = true;
    this.#delivery.stopTrying();
    this.#unlisten();
    this.#wake();
    const deadline = this.#ports.clock.after(graceMs, () => {
      this.#delivery.abort();
      this.#wake();
    });
    this.#metadataTimer?.cancel();
    await this.#running;
    deadline.cancel();
    this.#delivery.abort();
    this.#wake();
    await this.#reader.close();
    await this.#options.file.close();
    this.#removeGauges();
  }

  async #run(): Promise<void> {
    while (await this.#untilDue()) {
      const acceptedBefore = this.#accepted;
      const { queue } = this.#options.target;
      const intent = this.#intent;
      const samplesMax = this.#shards * Math.max(queue.capacity, queue.samplesPerSend);
      const read = await this.#reader.read(intent === undefined ? { samplesMax } : { place: intent.to });
      if (!read.ok) {
        this.#complain(read.error.message);
        if (this.#isStopping) return;
        await this.#sleep(READ_AGAIN_MS);
        continue;
      }
      const piece = read.value;
      this.#isBehind = intent !== undefined || piece.count >= samplesMax;
      this.#intent = undefined;
      if (!this.#isBehind) {
        this.#acceptedAtRead = acceptedBefore;
        this.#pendingSinceMs = this.#ports.clock.monotonicMs();
      }
      if (!(await this.#take(piece, intent))) return;
    }
  }

  /** False when it stopped on the way: the piece is not done. */
  async #take(piece: LogPiece, noted: Intent | undefined): Promise<boolean> {
    const { clock, metrics, log } = this.#ports;
    const startMs = clock.monotonicMs();
    for (const { samples, message } of piece.lost) {
      log.log('error', 'samples of the log are lost for remote write', {
        ...this.#labels,
        samples,
        cause: message,
      });
      if (samples > 0) metrics.samplesDropped.add(samples, { ...this.#labels, reason: 'log_lost' });
    }
    if (piece.count > 0) {
      const plan = await this.#plan(piece, noted);
      if (plan === undefined) return false;
      const before = { busyMs: this.#delivery.busyMs, sentSamples: this.#delivery.sentSamples };
      metrics.pending.set(piece.count, this.#labels);
      if (!(await this.#send(plan))) return false;
      metrics.pending.set(0, this.#labels);
      this.#adapt(startMs, { piece, before });
    }
    await this.#come(piece.to);
    this.#book.sweep(this.#pieces);
    return true;
  }

  /** Cuts a piece into requests, and notes that they are about to be sent. Undefined when this is to stop. */
  async #plan(piece: LogPiece, noted: Intent | undefined): Promise<Plan | undefined> {
    const { queue, exemplars } = this.#options.target;
    const intent = noted ?? { to: piece.to, shards: this.#shards, samplesPerSend: queue.samplesPerSend };
    await this.#note({ from: this.#place, intent });
    for (;;) {
      const columns = await this.#book.of(piece.samples);
      if (columns.ok) {
        const known = { columns: columns.value, byRef: (ref: number) => this.#book.get(ref) };
        const plan = planOf(piece, known, { ...intent, number: ++this.#pieces, exemplars });
        this.#countDropped(plan);
        return plan;
      }
      this.#complain(columns.error.message);
      if (this.#isStopping) return undefined;
      await this.#sleep(READ_AGAIN_MS);
      if (this.#isStopping) return undefined;
    }
  }

  async #send({ shards, newestMs }: Plan): Promise<boolean> {
    const { metrics } = this.#ports;
    if (!(newestMs <= this.#newestInMs)) this.#newestInMs = newestMs;
    metrics.highestIn.set(this.#newestInMs / 1000);
    const done = await Promise.all(
      shards.map(async requests => {
        for (const request of requests) if (!(await this.#delivery.deliver(request))) return false;
        return true;
      }),
    );
    if (!done.every(one => one)) return false;
    if (!(newestMs <= this.#newestSentMs)) this.#newestSentMs = newestMs;
    metrics.highestSent.set(this.#newestSentMs / 1000, this.#labels);
    return true;
  }

  #adapt(
    startMs: number,
    {
      piece,
      before,
    }: { readonly piece: LogPiece; readonly before: Pick<Delivery, 'busyMs' | 'sentSamples'> },
  ): void {
    const { clock, metrics, accepted } = this.#ports;
    const { queue } = this.#options.target;
    const elapsedMs = Math.max(1, clock.monotonicMs() - startMs);
    const busyMs = this.#delivery.busyMs - before.busyMs;
    const sentSamples = this.#delivery.sentSamples - before.sentSamples;
    // Of what lies in the log a sample takes some eight bytes.
    const waitingSamples = this.#isBehind ? accepted.bytesBehind(piece.to) / 8 : 0;
    const inSamplesPerSecond = this.#isBehind
      ? 0
      : (piece.count / Math.max(elapsedMs, queue.batchDeadlineMs)) * 1000;
    const wanted = wantedShards(
      this.#shards,
      { busyMs, sentSamples, inSamplesPerSecond, waitingSamples },
      queue,
    );
    this.#shards = wanted;
    metrics.shards.set(wanted, this.#labels);
    metrics.shardsDesired.set(wanted, this.#labels);
    metrics.pendingBytes.set(accepted.bytesBehind(piece.to), this.#labels);
  }

  /** All before the place is done with. */
  async #come(place: LogPlace): Promise<void> {
    const isNewSegment = place.segment !== this.#place.segment;
    if (comparePlaces(place, this.#place) === 0) return;
    this.#place = place;
    await this.#note({ from: place, intent: undefined });
    if (!isNewSegment) return;
    // Before the log lets go of the segment: after a loss of power an older place would name one that is gone.
    const synced = await this.#options.file.sync();
    if (!synced.ok) this.#complain(`Cannot sync "${synced.error.path}": ${synced.error.message}`);
    this.#options.onSegment();
  }

  async #note(place: Parameters<PlaceFile['note']>[0]): Promise<void> {
    const noted = await this.#options.file.note(place);
    if (noted.ok) this.#trouble = '';
    // It goes on: the worst is that some of it is sent twice after a crash.
    else this.#complain(`Cannot write "${noted.error.path}": ${noted.error.message}`);
  }

  #countDropped({ relabelled, unnamed }: Plan): void {
    const { samplesDropped } = this.#ports.metrics;
    if (relabelled > 0) samplesDropped.add(relabelled, { ...this.#labels, reason: 'dropped_series' });
    if (unnamed === 0) return;
    samplesDropped.add(unnamed, { ...this.#labels, reason: 'unintentionally_dropped_series' });
    this.#ports.log.log('error', 'samples are not sent: the labels of their series are lost', {
      ...this.#labels,
      samples: unnamed,
    });
  }

  #complain(trouble: string): void {
    if (trouble !== this.#trouble)
      this.#ports.log.log('warn', 'remote write has trouble on this side', {
        ...this.#labels,
        cause: trouble,
      });
    this.#trouble = trouble;
  }

  /** Of 1.0: types and help texts go by themselves. */
  #metadataLater(): void {
    const { send, intervalMs, samplesPerSend } = this.#options.target.metadata;
    if (!send || this.#isStopping) return;
    this.#metadataTimer = this.#ports.clock.after(intervalMs, () => {
      const all = this.#delivery.protocol === 'prometheus.WriteRequest' ? this.#ports.metadata() : [];
      void this.#sendMetadata(all, samplesPerSend).then(() => this.#metadataLater());
    });
  }

  async #sendMetadata(all: readonly MetricMetadata[], samplesPerSend: number): Promise<void> {
    for (let at = 0; at < all.length && !this.#isStopping; at += samplesPerSend)
      await this.#delivery.deliverMetadata(all.slice(at, at + samplesPerSend));
  }

  #showSettings(): void {
    const { metrics } = this.#ports;
    const { queue } = this.#options.target;
    metrics.shards.set(this.#shards, this.#labels);
    metrics.shardsDesired.set(this.#shards, this.#labels);
    metrics.shardsMin.set(queue.shardsMin, this.#labels);
    metrics.shardsMax.set(queue.shardsMax, this.#labels);
    metrics.shardCapacity.set(queue.capacity, this.#labels);
    metrics.pending.set(0, this.#labels);
    metrics.pendingBytes.set(this.#ports.accepted.bytesBehind(this.#place), this.#labels);
    // A counter that appears with its first failure cannot be alerted on with increase().
    for (const counters of [metrics.sent, metrics.failed, metrics.retried])
      for (const counter of Object.values(counters)) counter.add(0, this.#labels);
    metrics.bytes.add(0, this.#labels);
  }

  #removeGauges(): void {
    const { metrics } = this.#ports;
    const { shards, shardsDesired, shardsMin, shardsMax, shardCapacity, pending, pendingBytes, highestSent } =
      metrics;
    const own = [
      shards,
      shardsDesired,
      shardsMin,
      shardsMax,
      shardCapacity,
      pending,
      pendingBytes,
      highestSent,
    ];
    for (const gauge of own) gauge.remove(this.#labels);
  }

  // --- when ---------------------------------------------------------------------------------------

  #noteAccepted(samples: number): void {
    const before = this.#accepted - this.#acceptedAtRead;
    this.#accepted += samples;
    if (before === 0) {
      this.#pendingSinceMs = this.#ports.clock.monotonicMs();
      this.#wake();
    } else if (before < this.#enough && before + samples >= this.#enough) this.#wake();
  }

  /** Full requests for all shards. */
  get #enough(): number {
    return this.#shards * this.#options.target.queue.samplesPerSend;
  }

  /** Waits until there is enough to send, or it has waited long enough; false when this is to stop. */
  async #untilDue(): Promise<boolean> {
    const { clock } = this.#ports;
    for (;;) {
      if (this.#delivery.isAborted) return false;
      if (this.#isBehind) return true;
      const pending = this.#accepted - this.#acceptedAtRead;
      if (this.#isStopping) return pending > 0;
      if (pending >= this.#enough) return true;
      const dueInMs = this.#pendingSinceMs + this.#options.target.queue.batchDeadlineMs - clock.monotonicMs();
      if (pending > 0 && dueInMs <= 0) return true;
      await this.#sleep(pending > 0 ? dueInMs : undefined);
    }
  }

  /** Until it is woken, or so long. */
  #sleep(ms: number | undefined): Promise<void> {
    return new Promise(resolve => {
      let timer: Timer | undefined;
      this.#wake = () => {
        this.#wake = () => {};
        timer?.cancel();
        resolve();
      };
      if (ms !== undefined) timer = this.#ports.clock.after(ms, () => this.#wake());
    });
  }
}
