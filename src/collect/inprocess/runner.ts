// Reads a source inside this process at an interval and writes it as if it had been scraped.

import { type Clock, type Log, type Random, type Timer, withDeadline } from '../../base/index.ts';
import type {
  MetricFamily,
  ScrapeTarget,
  SeriesWriter,
  TargetHealth,
  TargetStatus,
} from '../../model/index.ts';
import { SeriesMemory } from './batch.ts';

/** The part of a scrape target that an in-process source has. */
export type InProcessTarget = Pick<ScrapeTarget, 'id' | 'job' | 'labels' | 'intervalMs' | 'timeoutMs'>;

export interface InProcessPorts {
  readonly source: (signal: AbortSignal) => Promise<readonly MetricFamily[]>;
  readonly writer: SeriesWriter;
  readonly clock: Clock;
  /** Spreads the first rounds of several sources; without it the first round is at once. */
  readonly random?: Random;
  readonly log: Log;
  readonly target: InProcessTarget;
}

export interface InProcessRunner {
  start(): void;
  /** Waits for the round under way, then ends all series with staleness markers. Idempotent. */
  stop(): Promise<void>;
  /** Reads once outside the interval and writes it too; at most one round is under way at any time. */
  collectNow(): Promise<void>;
  status(): TargetStatus;
  /** What the last good round gave, for the page; empty before the first. */
  latest(): readonly MetricFamily[];
}

export function createInProcessRunner(ports: InProcessPorts): InProcessRunner {
  return new Runner(ports);
}

/** Owns the timer, the refs of the series and the last result. */
class Runner implements InProcessRunner {
  readonly #ports: InProcessPorts;
  readonly #memory: SeriesMemory;
  readonly #stopping = new AbortController();
  #timer: Timer | undefined;
  #running: Promise<void> | undefined;
  #latest: readonly MetricFamily[] = [];
  #health: TargetHealth = 'unknown';
  #lastError = '';
  #lastLogged = '';
  #lastScrapeMs = 0;
  #lastDurationMs = 0;
  #lastSamples = 0;
  #dueMs = 0;
  #started = false;
  #stopped = false;

  constructor(ports: InProcessPorts) {
    this.#ports = ports;
    this.#memory = new SeriesMemory(ports.writer, ports.target.id, ports.target.labels);
  }

  start(): void {
    if (this.#started || this.#stopped) return;
    this.#started = true;
    const { clock, random, target } = this.#ports;
    const offsetMs = random === undefined ? 0 : random.float() * target.intervalMs;
    this.#dueMs = clock.monotonicMs() + offsetMs;
    this.#timer = clock.after(offsetMs, () => this.#tick());
  }

  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#timer?.cancel();
    this.#stopping.abort();
    await this.#running;
    const batch = this.#memory.end(this.#ports.clock.nowMs());
    if (batch.series.length > 0) await this.#append(batch);
  }

  async collectNow(): Promise<void> {
    if (this.#stopped) return;
    this.#running ??= this.#round().finally(() => {
      this.#running = undefined;
    });
    await this.#running;
  }

  status(): TargetStatus {
    const { target } = this.#ports;
    return {
      id: target.id,
      job: target.job,
      url: `inprocess:${target.job}`,
      labels: target.labels,
      discoveredLabels: target.labels,
      health: this.#health,
      lastError: this.#lastError,
      lastScrapeMs: this.#lastScrapeMs,
      lastDurationMs: this.#lastDurationMs,
      lastSamples: this.#lastSamples,
      intervalMs: target.intervalMs,
      timeoutMs: target.timeoutMs,
    };
  }

  latest(): readonly MetricFamily[] {
    return this.#latest;
  }

  /** Rounds keep to the grid of the interval; those that fall due while one is still under way are left out. */
  #tick(): void {
    if (this.#stopped) return;
    const { clock, target } = this.#ports;
    void this.collectNow();
    const lateMs = clock.monotonicMs() - this.#dueMs;
    this.#dueMs += target.intervalMs * (1 + Math.max(0, Math.floor(lateMs / target.intervalMs)));
    this.#timer = clock.after(this.#dueMs - clock.monotonicMs(), () => this.#tick());
  }

  async #round(): Promise<void> {
    const { clock, target } = this.#ports;
    const timestampMs = Math.round(clock.nowMs());
    const startMs = clock.monotonicMs();
    const read = await this.#read();
    const durationMs = clock.monotonicMs() - startMs;
    // Stopped meanwhile: the staleness markers of the stop come next, nothing after them.
    if (this.#stopped) return;
    const up = typeof read !== 'string';
    const round = this.#memory.next({
      families: up ? read : [],
      timestampMs,
      own: ({ samples, added }) => [
        ['up', up ? 1 : 0],
        ['scrape_duration_seconds', durationMs / 1000],
        ['scrape_samples_scraped', samples],
        ['scrape_samples_post_metric_relabeling', samples],
        ['scrape_series_added', added],
      ],
    });
    if (up) this.#latest = read;
    this.#health = up ? 'up' : 'down';
    this.#lastError = up ? '' : read;
    this.#lastScrapeMs = timestampMs;
    this.#lastDurationMs = durationMs;
    this.#lastSamples = round.samples;
    const failure = await this.#append(round.batch);
    const refused =
      round.refused === 0 ? '' : `${round.refused} new series refused: ${[...round.refusals].join(', ')}`;
    this.#note([this.#lastError, failure, refused].filter(text => text !== '').join('; '), target.job);
  }

  async #read(): Promise<readonly MetricFamily[] | string> {
    const { clock, target, source } = this.#ports;
    let late = false;
    try {
      return await withDeadline(
        clock,
        target.timeoutMs,
        signal =>
          new Promise<readonly MetricFamily[] | string>((resolve, reject) => {
            signal.addEventListener('abort', () => {
              late = true;
              resolve(`the source gave nothing within ${target.timeoutMs} ms`);
            });
            source(signal).then(resolve, reject);
          }),
        this.#stopping.signal,
      );
    } catch (error) {
      // A source that throws is a bug of ours, but it must not end the rounds: it shows as a target that is down.
      if (late) return 'the source was given up';
      return error instanceof Error ? error.message : String(error);
    }
  }

  /** "" when all was accepted, else what was not. */
  async #append(batch: Parameters<SeriesWriter['append']>[0]): Promise<string> {
    const appended = await this.#ports.writer.append(batch);
    if (!appended.ok) return `nothing was stored: ${appended.error.message}`;
    const { refusedCount, refused } = appended.value;
    return refusedCount === 0 ? '' : `${refusedCount} samples refused: ${refused[0]?.reason ?? ''}`;
  }

  /** Each trouble is logged when it appears and when it is over. */
  #note(trouble: string, job: string): void {
    if (trouble === this.#lastLogged) return;
    this.#lastLogged = trouble;
    const { log } = this.#ports;
    if (trouble === '') log.log('info', `Collecting "${job}" works again`);
    else log.log('warn', `Collecting "${job}": ${trouble}`);
  }
}
