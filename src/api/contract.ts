// The HTTP API as types: routes and JSON shapes. The page imports this file; nothing here runs.

import type { Why } from '../model/index.ts';

export const API_PREFIX = '/api/v1';
export const OWN_PREFIX = '/api/watchkeeper/v1';

export type ErrorType =
  | 'bad_data'
  | 'execution'
  | 'canceled'
  | 'timeout'
  | 'internal'
  | 'not_found'
  | 'unavailable'
  | 'unauthorized'
  | 'forbidden';

export interface Success<T> {
  readonly status: 'success';
  readonly data: T;
  readonly warnings?: readonly string[];
  readonly infos?: readonly string[];
}

export interface Failure {
  readonly status: 'error';
  readonly errorType: ErrorType;
  readonly error: string;
}

export type LabelRecord = Readonly<Record<string, string>>;

/** Seconds since the epoch, and the value as text. */
export type Point = readonly [atS: number, value: string];

/** As Prometheus has it: each bucket with how its bounds belong to it (0 the upper, 1 the lower, 2 neither, 3 both). */
export interface HistogramJson {
  readonly count: string;
  readonly sum: string;
  readonly buckets?: readonly (readonly [bounds: number, lower: string, upper: string, count: string])[];
}

export type HistogramPoint = readonly [atS: number, histogram: HistogramJson];

export type QueryData =
  | {
      readonly resultType: 'vector';
      readonly result: readonly VectorRow[];
    }
  | {
      readonly resultType: 'matrix';
      readonly result: readonly MatrixRow[];
    }
  | { readonly resultType: 'scalar' | 'string'; readonly result: Point };

/** With "stats" in the request, in the data of a query. */
export interface QueryStatsJson {
  /** Seconds. */
  readonly timings: {
    readonly evalTotalTime: number;
    readonly innerEvalTime: number;
    readonly execQueueTime: number;
    readonly execTotalTime: number;
  };
  readonly samples: {
    readonly totalQueryableSamples: number;
    readonly samplesRead: number;
    /** With "stats=all". */
    readonly totalQueryableSamplesPerStep?: readonly (readonly [atS: number, samples: number])[];
  };
}

/** With "explain=true" in the request (ours, not Prometheus's), as "explain" in the data of a query. */
export interface QueryPlanJson {
  readonly seriesRead: number;
  readonly samplesRead: number;
  readonly durationMs: number;
  readonly operators: OperatorJson | null;
}

/** What one operator did by itself; counts over the whole tree add up to those of the query. */
export interface OperatorJson {
  readonly op: string;
  /** As the language calls it: "sum", "rate", "/". */
  readonly name: string;
  /** The part of the expression. */
  readonly text: string;
  readonly steps: number;
  /** Series in its result. */
  readonly series: number;
  readonly seriesRead: number;
  readonly samplesRead: number;
  /** Without its inputs, and with them. */
  readonly selfMs: number;
  readonly totalMs: number;
  /** It took what an equal selector of the query had read. */
  readonly isShared: boolean;
  readonly inputs: readonly OperatorJson[];
}

/** What was asked, by whom and when; times in milliseconds since the epoch. */
export interface AskedQueryJson {
  /** Of another long read its route, and the selectors in braces. */
  readonly expr: string;
  readonly startMs: number;
  readonly endMs: number;
  /** 0: an instant. */
  readonly stepMs: number;
  readonly who: string;
  readonly client: string;
  readonly atMs: number;
}

export interface QueryJson extends AskedQueryJson {
  readonly id: number;
  /** "running", "waiting", "ok", or the code of a failure. */
  readonly verdict: string;
  readonly message: string;
  /** The wait in the queue included; so far, where it is not over. */
  readonly durationMs: number;
  readonly queueMs: number;
  readonly seriesRead: number;
  readonly samplesRead: number;
  readonly bytesPeak: number;
}

/** GET /queries of our own API. */
export interface QueriesJson {
  readonly running: readonly QueryJson[];
  readonly waiting: readonly QueryJson[];
  /** The newest first; without those of rules and recovery. */
  readonly last: readonly QueryJson[];
  /** The slowest first, of one day. */
  readonly slowest: readonly QueryJson[];
  /** That ran when the process before this one died. */
  readonly interrupted: readonly AskedQueryJson[];
}

/** GET /remote-write of our own API: a store elsewhere that gets the samples. */
export interface RemoteWriteJson {
  readonly name: string;
  /** Without a password. */
  readonly url: string;
  /** The message that it gets now: a receiver that does not know 2.0 gets 1.0. */
  readonly protocol: string;
  /** Requests that may be under way at a time. */
  readonly shards: number;
  /** Of the log, not sent yet. */
  readonly pendingBytes: number;
  /** Time of the newest sample that was taken; absent before the first since the start. */
  readonly newestSentMs?: number;
  /** When something was taken last. */
  readonly lastSentMs?: number;
  /** Absent after a success. */
  readonly lastError?: string;
}

/** A float or a native histogram: one of the two. */
export interface VectorRow {
  readonly metric: LabelRecord;
  readonly value?: Point;
  readonly histogram?: HistogramPoint;
}

/** Each is left out where it would be empty, but for the values of a series without anything. */
export interface MatrixRow {
  readonly metric: LabelRecord;
  readonly values?: readonly Point[];
  readonly histograms?: readonly HistogramPoint[];
}

export interface ExemplarsJson {
  readonly seriesLabels: LabelRecord;
  readonly exemplars: readonly {
    readonly labels: LabelRecord;
    readonly value: string;
    /** Seconds since the epoch. */
    readonly timestamp: number;
  }[];
}

export interface MetadataJson {
  readonly type: string;
  readonly help: string;
  readonly unit: string;
}

export interface CountJson {
  readonly name: string;
  readonly value: number;
}

/** /api/v1/status/tsdb; each list has the largest first. */
export interface TsdbStatusJson {
  readonly headStats: {
    readonly numSeries: number;
    readonly numLabelPairs: number;
    readonly chunkCount: number;
    /** Milliseconds. */
    readonly minTime: number;
    readonly maxTime: number;
  };
  readonly seriesCountByMetricName: readonly CountJson[];
  readonly labelValueCountByLabelName: readonly CountJson[];
  readonly memoryInBytesByLabelName: readonly CountJson[];
  readonly seriesCountByLabelValuePair: readonly CountJson[];
}

/** /api/v1/status/walreplay: numbers of segments of the log. */
export interface WalReplayJson {
  readonly min: number;
  readonly max: number;
  readonly current: number;
}

/** POST /api/v1/admin/tsdb/snapshot. */
export interface SnapshotJson {
  readonly name: string;
  /** Where it lies on the host of the program; Prometheus does not say. */
  readonly folder: string;
}

/** /api/v1/status/tsdb/blocks. */
export interface BlockJson {
  /** Its folder's name. */
  readonly ulid: string;
  /** Milliseconds, the latter exclusive. */
  readonly minTime: number;
  readonly maxTime: number;
  readonly stats: {
    readonly numSamples: number;
    readonly numSeries: number;
    /** Series of which some samples are deleted. */
    readonly numTombstones: number;
  };
  readonly compaction: {
    /** 1: cut from memory; 2: made of other blocks. */
    readonly level: number;
    /** The blocks it was made of, or itself. */
    readonly sources: readonly string[];
  };
  readonly version: number;
}

/** A metric as protocol buffers are written in JSON: 64-bit counts are texts. */
export interface MetricFamilyJson {
  readonly name: string;
  readonly help: string;
  readonly type: 'COUNTER' | 'GAUGE' | 'HISTOGRAM' | 'UNTYPED';
  readonly metric: readonly MetricJson[];
}

export interface MetricJson {
  readonly label?: readonly { readonly name: string; readonly value: string }[];
  readonly counter?: { readonly value: FloatJson };
  readonly gauge?: { readonly value: FloatJson };
  readonly untyped?: { readonly value: FloatJson };
  readonly histogram?: {
    readonly sampleCount: string;
    readonly sampleSum: FloatJson;
    readonly bucket: readonly { readonly cumulativeCount: string; readonly upperBound: FloatJson }[];
  };
}

/** What JSON has no number for is a text. */
export type FloatJson = number | 'NaN' | 'Infinity' | '-Infinity';

/** Something that whoever runs the program should know. */
export interface NotificationJson {
  readonly text: string;
  /** RFC 3339: since when. */
  readonly date: string;
  readonly active: boolean;
}

export interface TargetMetadataJson {
  readonly target: LabelRecord;
  /** Left out where the request names it. */
  readonly metric?: string;
  readonly type: string;
  readonly help: string;
  readonly unit: string;
}

export interface RelabelStepJson {
  readonly rule: Readonly<Record<string, string | number | readonly string[]>>;
  readonly output: LabelRecord;
  readonly keep: boolean;
}

export interface TargetJson {
  readonly discoveredLabels: LabelRecord;
  readonly labels: LabelRecord;
  readonly scrapePool: string;
  readonly scrapeUrl: string;
  readonly globalUrl: string;
  readonly lastError: string;
  /** RFC 3339; year 1 before the first scrape, as Prometheus has it. */
  readonly lastScrape: string;
  readonly lastScrapeDuration: number;
  readonly health: 'unknown' | 'up' | 'down';
  readonly scrapeInterval: string;
  readonly scrapeTimeout: string;
}

export interface DroppedTargetJson {
  readonly discoveredLabels: LabelRecord;
  readonly scrapePool: string;
}

export interface TargetsData {
  readonly activeTargets: readonly TargetJson[];
  readonly droppedTargets: readonly DroppedTargetJson[];
  readonly droppedTargetCounts: Readonly<Record<string, number>>;
}

export interface AlertJson {
  readonly labels: LabelRecord;
  readonly annotations: LabelRecord;
  readonly state: 'pending' | 'firing';
  readonly activeAt: string;
  /** There while only keep_firing_for keeps it firing. */
  readonly keepFiringSince?: string;
  readonly value: string;
}

export interface RuleJson {
  readonly type: 'alerting' | 'recording';
  readonly name: string;
  readonly query: string;
  readonly labels: LabelRecord;
  readonly health: 'unknown' | 'ok' | 'err';
  readonly lastError?: string;
  readonly evaluationTime: number;
  readonly lastEvaluation: string;
  readonly state?: 'inactive' | 'pending' | 'firing';
  /** Seconds. */
  readonly duration?: number;
  readonly keepFiringFor?: number;
  readonly annotations?: LabelRecord;
  readonly alerts?: readonly AlertJson[];
}

export interface RuleGroupJson {
  readonly name: string;
  readonly file: string;
  readonly interval: number;
  readonly limit: number;
  readonly evaluationTime: number;
  readonly lastEvaluation: string;
  readonly rules: readonly RuleJson[];
}

export interface RulesData {
  readonly groups: readonly RuleGroupJson[];
  /** Where more follow than were asked for. */
  readonly groupNextToken?: string;
}

export interface BuildInfo {
  readonly version: string;
  readonly revision: string;
  readonly branch: string;
  readonly buildUser: string;
  readonly buildDate: string;
  readonly goVersion: string;
}

// --- Watchkeeper's own -----------------------------------------------------------------------------

export interface StatusJson {
  readonly version: string;
  readonly startedAtMs: number;
  readonly nowMs: number;
  readonly effects: 'live' | 'shadow' | 'dry_run';
  readonly configVersion: string;
  /** "stock" or the files it was read from. */
  readonly configFiles: readonly string[];
  readonly lastReload: { readonly atMs: number; readonly ok: boolean; readonly problems: readonly string[] };
  readonly storage: {
    readonly series: number;
    readonly paused: boolean;
    /** Since when samples are held in memory only; null while they can be written. */
    readonly pausedSinceMs: number | null;
    /** The retention. */
    readonly maxAgeMs: number;
    readonly bytesOnDisk: number;
    readonly blocks: number;
    /** Folders of damaged blocks that were set aside, and of blocks that the disk does not let us read now. */
    readonly quarantined: readonly string[];
    readonly unreadable: readonly string[];
  };
}

/** An alert as the page shows it: our states, with the reason. */
export interface OwnAlertJson {
  readonly fingerprint: string;
  readonly labels: LabelRecord;
  readonly annotations: LabelRecord;
  readonly state: 'pending' | 'firing' | 'unknown' | 'resolved';
  readonly reason: string;
  /** What the reason says, where a rule gave it. */
  readonly why?: Why;
  readonly activeAtMs: number;
  readonly firedAtMs: number | null;
  readonly resolvedAtMs: number | null;
  /** As text: it may be NaN or Inf. */
  readonly value: string;
  readonly expr: string;
}

export interface TimelineEventJson {
  readonly seq: number;
  readonly atMs: number;
  readonly lastAtMs: number;
  readonly repeats: number;
  readonly stage: string;
  readonly verdict: string;
  readonly reason: string;
  readonly subject: { readonly kind: string; readonly [key: string]: string };
  readonly alerts: readonly string[];
  readonly evidence: Readonly<Record<string, unknown>>;
  readonly effects: string;
}

export interface RunJson {
  readonly id: string;
  readonly playbook: string;
  readonly fingerprint: string;
  readonly labels: LabelRecord;
  readonly state: string;
  readonly reason: string;
  readonly attempt: number;
  readonly proposedAtMs: number;
  readonly changedAtMs: number;
  readonly steps: readonly {
    readonly name: string;
    readonly startedAtMs: number;
    readonly endedAtMs: number | null;
    readonly outcome: string | null;
    readonly detail: string;
    readonly output: string;
  }[];
}

export interface ReceiverJson {
  readonly name: string;
  readonly channels: readonly string[];
  readonly lastSuccessMs: number | null;
  readonly lastErrorMs: number | null;
  readonly lastError: string;
  readonly consecutiveFailures: number;
}

/** Server-sent events of OWN_PREFIX/live: `event: snapshot` once, then `event: change`, with what changed. */
export interface LiveJson {
  readonly targets?: readonly TargetJson[];
  readonly alerts?: readonly OwnAlertJson[];
  readonly runs?: readonly RunJson[];
  readonly receivers?: readonly ReceiverJson[];
  readonly timeline?: readonly TimelineEventJson[];
  readonly nowMs: number;
}
