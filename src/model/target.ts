// What is collected from, and how it went.

import type { Labels } from './labels.ts';
import type { TargetId } from './sample.ts';

/** A target after discovery and relabelling, ready to be scraped. */
export interface ScrapeTarget {
  readonly id: TargetId;
  readonly job: string;
  readonly url: string;
  /** Labels attached to each of its series: job, instance, and what the configuration adds. */
  readonly labels: Labels;
  /** Before relabelling, with the __meta_ and __address__ labels. */
  readonly discoveredLabels: Labels;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly honorLabels: boolean;
  readonly honorTimestamps: boolean;
  readonly sampleLimit: number;
  readonly bodyBytesMax: number;
  readonly headers: Readonly<Record<string, string>>;
}

export type TargetHealth = 'unknown' | 'up' | 'down';

export interface TargetStatus {
  readonly id: TargetId;
  readonly job: string;
  readonly url: string;
  readonly labels: Labels;
  readonly discoveredLabels: Labels;
  readonly health: TargetHealth;
  readonly lastError: string;
  /** 0 before the first. */
  readonly lastScrapeMs: number;
  readonly lastDurationMs: number;
  readonly lastSamples: number;
  readonly intervalMs: number;
  readonly timeoutMs: number;
}

/** Answers "is this producer still meant to deliver?": the cause of missing data (DESIGN 6). */
export interface TargetDirectory {
  statuses(): readonly TargetStatus[];
  /** `gone`: left discovery; `silent`: still configured, last attempt failed; `delivering`: last attempt succeeded. */
  stateOf(id: TargetId): 'gone' | 'silent' | 'delivering';
}
