// One target's life: ticks, one scrape at a time, its status, and the stale markers at its end.

import {
  type Clock,
  expectOk,
  type Http,
  type HttpError,
  type HttpRequest,
  type HttpResponse,
  type Log,
  type Result,
  type Timer,
} from '../../base/index.ts';
import { compileRelabelRules } from '../../exposition/index.ts';
import type {
  AppendOutcome,
  MetricMetadata,
  SampleBatch,
  ScrapeTarget,
  SeriesWriter,
  TargetHealth,
  TargetStatus,
} from '../../model/index.ts';
import { type BatchSettings, type PageReport, TargetBatcher } from './batch.ts';
import type { ScrapeCounters } from './counters.ts';
import type { FailureLog } from './failure-log.ts';
import type { ScrapeJob } from './job.ts';
import { formatOf, type PageFormat } from './negotiation.ts';
import { pageRequest } from './page-request.ts';
import { alignTime, firstDelayMs, type SampleGrid } from './schedule.ts';

/** A target and the settings of its job. */
export interface ScrapeEntry {
  readonly target: ScrapeTarget;
  readonly job: ScrapeJob;
  /** Why the target is not asked though it is one: each scrape of it fails with this. "" for nearly all. */
  readonly refusal: string;
}

export interface LoopPorts {
  readonly clock: Clock;
  readonly http: Http;
  readonly writer: SeriesWriter;
  readonly log: Log;
  readonly counters: ScrapeCounters;
  readonly failures: FailureLog;
  /** Of the program, for the user agent. */
  readonly version: string;
  readonly onStatus: (status: TargetStatus) => void;
  readonly onHealthChange: (status: TargetStatus) => void;
}

interface PageRead {
  readonly report: PageReport;
  /** Of the page, decompressed. */
  readonly bodyBytes: number;
}

/** A busy process may be late by so much. */
const LATE_MS = 5000;

/** Owns the timer and the scrape under way. */
export class TargetLoop {
  readonly #ports: LoopPorts;
  readonly #batcher: TargetBatcher;
  readonly #ended = new AbortController();
  #entry: ScrapeEntry;
  #timer: Timer | undefined;
  #nextMonotonicMs = 0;
  #underWay: Promise<void> | undefined;
  /** The same one each time, while the settings are. */
  #request: HttpRequest | undefined;
  /** What the request under way has given. */
  #pageRead: PageRead | undefined;
  #lastSampleMs = 0;
  #grid: SampleGrid | undefined;
  #status: TargetStatus;
  /** The last page was taken by the store. */
  #stored = false;
  /** Whether the last page had series beyond the target's limit. */
  #isFull = false;

  constructor(entry: ScrapeEntry, ports: LoopPorts) {
    this.#entry = entry;
    this.#ports = ports;
    this.#batcher = new TargetBatcher(ports.writer, batchSettings(entry));
    this.#status = {
      ...descriptionOf(entry.target),
      health: 'unknown',
      lastError: '',
      lastScrapeMs: 0,
      lastDurationMs: 0,
      lastSamples: 0,
    };
    this.#begin();
  }

  get status(): TargetStatus {
    return this.#status;
  }

  get metadata(): readonly MetricMetadata[] {
    return this.#batcher.metadata;
  }

  /**
   * Whether what the target says can be asked of the store now. Not scraped yet is not delivering: after a start an alert
   * must not resolve for want of a first page. Nor is a page that was not stored (a full disk), or one from before the
   * wall clock jumped ahead or the machine slept: questions are about the new time, and its first page is still to come.
   */
  get delivers(): boolean {
    if (this.#status.health !== 'up' || !this.#stored) return false;
    const { intervalMs, timeoutMs } = this.#entry.target;
    return this.#ports.clock.nowMs() - this.#status.lastScrapeMs <= intervalMs + timeoutMs + LATE_MS;
  }

  /** Takes new settings for the same target; a scrape under way ends with the old ones. */
  async configure(entry: ScrapeEntry): Promise<void> {
    const rescheduled = entry.target.intervalMs !== this.#entry.target.intervalMs;
    this.#entry = entry;
    this.#request = undefined;
    this.#status = { ...this.#status, ...descriptionOf(entry.target) };
    if (rescheduled) {
      this.#timer?.cancel();
      this.#begin();
    }
    await this.#underWay;
    // Settings may have changed again while the scrape ended.
    this.#batcher.configure(batchSettings(this.#entry));
  }

  /** Stops scraping. With `forGood` the target's series get stale markers: it left discovery. */
  async end(settings: { readonly forGood: boolean }): Promise<void> {
    this.#timer?.cancel();
    this.#ended.abort();
    await this.#underWay;
    if (!settings.forGood) return;
    const nowMs = Math.round(this.#ports.clock.nowMs());
    const batch = this.#batcher.finishForGood(Math.max(nowMs, this.#lastSampleMs + 1));
    if (batch.series.length > 0) await this.#write(batch);
  }

  #begin(): void {
    const { clock } = this.#ports;
    const { id, intervalMs } = this.#entry.target;
    this.#grid = undefined;
    const delayMs = firstDelayMs(id, intervalMs, clock.nowMs());
    this.#nextMonotonicMs = clock.monotonicMs() + delayMs;
    this.#timer = clock.after(delayMs, () => this.#tick());
  }

  #tick(): void {
    if (this.#ended.signal.aborted) return;
    const { clock, counters } = this.#ports;
    const { intervalMs } = this.#entry.target;
    // A late timer (a stalled process, a suspended machine) skips what it missed instead of catching up.
    const lateTicks = Math.floor((clock.monotonicMs() - this.#nextMonotonicMs) / intervalMs);
    if (lateTicks > 0) counters.skippedTicks.add(lateTicks);
    this.#nextMonotonicMs += (Math.max(0, lateTicks) + 1) * intervalMs;
    this.#timer = clock.after(this.#nextMonotonicMs - clock.monotonicMs(), () => this.#tick());
    if (this.#underWay !== undefined) {
      counters.skippedTicks.add(1);
      return;
    }
    this.#underWay = this.#scrape().finally(() => {
      this.#underWay = undefined;
    });
  }

  async #scrape(): Promise<void> {
    const { clock } = this.#ports;
    const { target } = this.#entry;
    const startMs = clock.nowMs();
    const startMonotonicMs = clock.monotonicMs();
    const read = await this.#readPage();
    if (read === undefined) return;
    const { report, bodyBytes } = read;
    const { timestampMs, grid } = alignTime(startMs, this.#grid, target.intervalMs);
    this.#grid = grid;
    this.#lastSampleMs = timestampMs;
    const durationMs = clock.monotonicMs() - startMonotonicMs;
    const batch = this.#batcher.finish(report, { timestampMs, durationMs, bodyBytes });
    this.#count(report);
    this.#stored = await this.#write(batch);
    this.#report(report, { startMs, durationMs });
  }

  /** Undefined when the loop has ended meanwhile. */
  async #readPage(): Promise<PageRead | undefined> {
    const { target, job, refusal } = this.#entry;
    const { signal } = this.#ended;
    if (refusal !== '') return { report: this.#batcher.readPage(undefined, refusal), bodyBytes: 0 };
    this.#pageRead = undefined;
    this.#request ??= {
      ...pageRequest(target, job, this.#ports.version),
      takeBody: (body, { headers }) => this.#takePage(body, formatOf(headers, job.fallbackProtocol)),
    };
    const answer = await this.#ports.http.request(this.#request, signal);
    if (signal.aborted) return undefined;
    return this.#pageRead ?? this.#failed(answer);
  }

  #takePage(body: Uint8Array, format: PageFormat): void {
    if (this.#ended.signal.aborted) return;
    const report = this.#batcher.readPage({ bytes: plainBytes(body), format }, '');
    this.#pageRead = { report, bodyBytes: body.length };
  }

  /** What is not a page counts as none, and one that is too large as -1 bytes: as Prometheus counts. */
  #failed(answer: Result<HttpResponse, HttpError>): PageRead {
    const error = answer.ok ? `server returned HTTP status ${answer.value.status}` : answer.error.message;
    const isTooLarge = !answer.ok && answer.error.code === 'http-body-too-large';
    return { report: this.#batcher.readPage(undefined, error), bodyBytes: isTooLarge ? -1 : 0 };
  }

  #count(report: PageReport): void {
    const { counters } = this.#ports;
    counters.scrapes.add(1, { result: report.error === '' ? 'success' : 'failure' });
    counters.samples.add(report.kept);
    counters.missedLines.add(report.missed);
    if (report.duplicates > 0) counters.duplicates.add(report.duplicates);
    if (report.refused > 0) counters.refusedSeries.add(report.refused);
    const { url } = this.#entry.target;
    if (report.beyond > 0 && !this.#isFull)
      this.#ports.log.log(
        'warn',
        `New series of "${url}" are refused: storage.series_max_per_target is reached`,
        {
          refused: report.beyond,
        },
      );
    this.#isFull = report.beyond > 0;
  }

  async #write(batch: SampleBatch): Promise<boolean> {
    const { counters, log, writer } = this.#ports;
    const outcome = await writer.append(batch);
    if (!outcome.ok) {
      counters.lostBatches.add(1);
      log.log('error', `Cannot store the page of "${this.#entry.target.url}": ${outcome.error.message}`, {
        code: outcome.error.code,
      });
      return false;
    }
    this.#countRefusals(outcome.value);
    return true;
  }

  #countRefusals(outcome: AppendOutcome): void {
    if (outcome.refusedCount === 0) return;
    const { counters, log } = this.#ports;
    counters.refusedSamples.add(outcome.refusedCount);
    const reason = outcome.refused[0]?.reason ?? 'sample-conflict';
    log.log('warn', `The store refused samples of "${this.#entry.target.url}"`, {
      count: outcome.refusedCount,
      code: reason,
    });
  }

  #report(report: PageReport, at: { readonly startMs: number; readonly durationMs: number }): void {
    const health: TargetHealth = report.error === '' ? 'up' : 'down';
    const changed = health !== this.#status.health;
    this.#status = {
      ...this.#status,
      health,
      lastError: report.error,
      lastScrapeMs: at.startMs,
      lastDurationMs: at.durationMs,
      lastSamples: report.lines,
    };
    const { failures, log, onStatus, onHealthChange } = this.#ports;
    const { failureLogFile } = this.#entry.job;
    if (report.error !== '' && failureLogFile !== '')
      failures.note(failureLogFile, { job: this.#status.job, url: this.#status.url, error: report.error });
    onStatus(this.#status);
    if (!changed) return;
    if (health === 'down') {
      log.log('warn', `Cannot scrape "${this.#status.url}": ${report.error}`, { job: this.#status.job });
    }
    onHealthChange(this.#status);
  }
}

function descriptionOf(target: ScrapeTarget) {
  const { id, job, url, labels, discoveredLabels, intervalMs, timeoutMs } = target;
  return { id, job, url, labels, discoveredLabels, intervalMs, timeoutMs };
}

function batchSettings({ target, job }: ScrapeEntry): BatchSettings {
  // Configuration has checked the expressions.
  const metricRules = expectOk(compileRelabelRules(job.metricRelabel));
  return {
    producer: target.id,
    rules: {
      targetLabels: target.labels,
      honorLabels: target.honorLabels,
      metricRelabel: metricRules,
    },
    honorTimestamps: target.honorTimestamps,
    trackTimestampsStaleness: job.trackTimestampsStaleness,
    sampleLimit: target.sampleLimit,
    labelLimits: job.labelLimits,
    seriesMax: job.seriesMax,
    histograms: job.histograms,
    extraMetrics: job.extraMetrics,
    timeoutMs: target.timeoutMs,
  };
}

/** One class of array in the hot loops, whatever the HTTP client returned. */
function plainBytes(body: Uint8Array): Uint8Array {
  return new Uint8Array(body.buffer, body.byteOffset, body.byteLength);
}
