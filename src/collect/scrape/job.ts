// Settings of a scrape job, as configuration hands them over with all defaults applied.

import type { HttpOauth2, HttpProxy, HttpTls } from '../../base/index.ts';
import type { RelabelRule } from '../../exposition/index.ts';
import type { HistogramLimits } from '../../model/index.ts';
import type { LabelLimits } from './label-limits.ts';
import type { ScrapeProtocol } from './negotiation.ts';

/** A password or token that no message prints. */
export interface HiddenText {
  reveal(): string;
}

export type ScrapeAuth =
  | { readonly kind: 'none' }
  | { readonly kind: 'basic'; readonly username: string; readonly password: HiddenText }
  /** `type` is mostly "Bearer". */
  | { readonly kind: 'header'; readonly type: string; readonly credentials: HiddenText };

export interface ScrapeJob {
  readonly jobName: string;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly metricsPath: string;
  readonly scheme: 'http' | 'https';
  readonly params: ReadonlyMap<string, readonly string[]>;
  readonly honorLabels: boolean;
  readonly honorTimestamps: boolean;
  /** Whether series with timestamps of their own get stale markers too. */
  readonly trackTimestampsStaleness: boolean;
  /** Samples a page after relabelling; 0 is no limit. */
  readonly sampleLimit: number;
  /** Bytes of a page after decompression; 0 takes `BODY_BYTES_DEFAULT`. */
  readonly bodyBytesMax: number;
  readonly labelLimits: LabelLimits;
  /** Series of one target: beyond it new ones are refused, and those there are go on. 0 is no limit. */
  readonly seriesMax: number;
  readonly histograms: HistogramSettings;
  /** Whether `scrape_timeout_seconds` and its siblings are written. */
  readonly extraMetrics: boolean;
  /** Where failed scrapes are noted; "" for nowhere. */
  readonly failureLogFile: string;
  /** The formats to ask for, most wanted first. */
  readonly scrapeProtocols: readonly ScrapeProtocol[];
  /** What an answer without a usable content type is read as. */
  readonly fallbackProtocol?: ScrapeProtocol;
  /** How a server is to write names that are not plain: "allow-utf-8", "underscores", "dots" or "values". */
  readonly escaping: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly auth: ScrapeAuth;
  readonly tls?: HttpTls;
  readonly proxy?: HttpProxy;
  readonly oauth2?: HttpOauth2;
  readonly followRedirects: boolean;
  readonly enableCompression: boolean;
  readonly relabel: readonly RelabelRule[];
  readonly metricRelabel: readonly RelabelRule[];
}

export interface HistogramSettings {
  /** Whether histograms with native buckets are taken as native ones. */
  readonly native: boolean;
  /** Whether those, and the ones converted, are taken by their classic buckets too. */
  readonly classicToo: boolean;
  /** Whether classic ones become native ones with custom bounds. */
  readonly toCustomBounds: boolean;
  readonly limits: HistogramLimits;
}

/** As Prometheus: classic histograms as they are, and those only. */
export const HISTOGRAMS_DEFAULT: HistogramSettings = {
  native: false,
  classicToo: false,
  toCustomBounds: false,
  limits: { buckets: 0, minFactor: 0 },
};

/** Large real pages are some 10 MB (kube-state-metrics of a big cluster); beyond this a page is a mistake. */
export const BODY_BYTES_DEFAULT = 256 * 1024 * 1024;
