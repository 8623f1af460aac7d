// Scrapes all targets: one loop a target, kept over reloads. Answers what is being scraped and how it goes.

import type { Clock, Disk, Http, Log } from '../../base/index.ts';
import type {
  MetricMetadata,
  Metrics,
  SeriesWriter,
  TargetDirectory,
  TargetId,
  TargetStatus,
} from '../../model/index.ts';
import { scrapeCounters } from './counters.ts';
import { FailureLog } from './failure-log.ts';
import { type LoopPorts, type ScrapeEntry, TargetLoop } from './target-loop.ts';

export interface ScraperPorts {
  readonly clock: Clock;
  readonly http: Http;
  readonly disk: Disk;
  readonly writer: SeriesWriter;
  readonly metrics: Metrics;
  readonly log: Log;
  /** Of the program, for the user agent. */
  readonly version: string;
  /** After each scrape. */
  readonly onStatus?: (status: TargetStatus) => void;
  /** When a target goes up or down, its first scrape included. */
  readonly onHealthChange?: (status: TargetStatus) => void;
}

export interface Scraper extends TargetDirectory {
  /**
   * Scrapes exactly these from now on. Unchanged targets go on undisturbed, changed ones keep their series, and the
   * series of those that are gone get stale markers; resolves when the latter are written.
   */
  setJobs(entries: readonly ScrapeEntry[]): Promise<void>;
  /** What the pages of a target have said of their metrics; nothing of one that is not scraped. */
  metadataOf(id: TargetId): readonly MetricMetadata[];
  /** Ends all scrapes without stale markers: after a restart the series go on. */
  stop(): Promise<void>;
}

export function createScraper(ports: ScraperPorts): Scraper {
  return new LoopScraper(ports);
}

interface Running {
  readonly loop: TargetLoop;
  /** Of target and job: equal keys mean equal settings. */
  settingsKey: string;
}

class LoopScraper implements Scraper {
  readonly #ports: LoopPorts;
  readonly #running = new Map<TargetId, Running>();
  /** Ends under way: a target that comes back waits for its own. */
  readonly #ending = new Map<TargetId, Promise<void>>();
  #stopped = false;

  constructor(ports: ScraperPorts) {
    this.#ports = {
      ...ports,
      counters: scrapeCounters(ports.metrics),
      failures: new FailureLog(ports),
      onStatus: ports.onStatus ?? (() => {}),
      onHealthChange: ports.onHealthChange ?? (() => {}),
    };
  }

  async setJobs(entries: readonly ScrapeEntry[]): Promise<void> {
    const wanted = new Map<TargetId, ScrapeEntry>();
    for (const entry of entries) if (!wanted.has(entry.target.id)) wanted.set(entry.target.id, entry);
    const waits: Promise<void>[] = [];
    for (const [id, { loop }] of [...this.#running]) if (!wanted.has(id)) waits.push(this.#drop(id, loop));
    for (const entry of wanted.values()) waits.push(this.#want(entry));
    await Promise.all(waits);
  }

  statuses(): readonly TargetStatus[] {
    return [...this.#running.values()].map(({ loop }) => loop.status);
  }

  metadataOf(id: TargetId): readonly MetricMetadata[] {
    return this.#running.get(id)?.loop.metadata ?? [];
  }

  stateOf(id: TargetId): 'gone' | 'silent' | 'delivering' {
    const running = this.#running.get(id);
    if (running === undefined) return 'gone';
    return running.loop.delivers ? 'delivering' : 'silent';
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    const loops = [...this.#running.values()];
    this.#running.clear();
    await Promise.all([...loops.map(({ loop }) => loop.end({ forGood: false })), ...this.#ending.values()]);
  }

  #drop(id: TargetId, loop: TargetLoop): Promise<void> {
    this.#running.delete(id);
    const end = loop.end({ forGood: true }).finally(() => this.#ending.delete(id));
    this.#ending.set(id, end);
    return end;
  }

  async #want(entry: ScrapeEntry): Promise<void> {
    const { id } = entry.target;
    const settingsKey = keyOf(entry);
    const running = this.#running.get(id);
    if (running !== undefined) {
      if (running.settingsKey === settingsKey) return;
      running.settingsKey = settingsKey;
      await running.loop.configure(entry);
      return;
    }
    // Stale markers of its former life must be written before its first new sample.
    const ending = this.#ending.get(id);
    if (ending !== undefined) await ending;
    if (this.#stopped || this.#running.has(id)) return;
    this.#running.set(id, { loop: new TargetLoop(entry, this.#ports), settingsKey });
  }
}

function keyOf(entry: ScrapeEntry): string {
  return JSON.stringify(
    entry,
    function (this: Readonly<Record<string, unknown>>, key: string, value: unknown) {
      // A secret shows nothing of itself in JSON (`value` is already what its toJSON gave), but a changed password
      // must count as a change.
      const raw = this[key];
      if (isHidden(raw)) return { hidden: raw.reveal() };
      return raw instanceof Map ? [...raw] : value;
    },
  );
}

function isHidden(value: unknown): value is { reveal(): string } {
  return (
    typeof value === 'object' && value !== null && 'reveal' in value && typeof value.reveal === 'function'
  );
}
