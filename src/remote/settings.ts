// What remote/ is told: who gets the samples, how, and what happens to them on the way.

import type { RelabelRule, RequestParts } from '../config/index.ts';
import type { Labels } from '../model/index.ts';

export type WriteProtocol = 'prometheus.WriteRequest' | 'io.prometheus.write.v2.Request';

export interface QueueSettings {
  /** Samples that one shard takes at a time. */
  readonly capacity: number;
  readonly shardsMin: number;
  readonly shardsMax: number;
  readonly samplesPerSend: number;
  /** What has waited so long is sent, however little it is. */
  readonly batchDeadlineMs: number;
  readonly backoffMinMs: number;
  readonly backoffMaxMs: number;
  readonly retryOn429: boolean;
  /** Older samples are dropped instead of sent; 0 for no limit. */
  readonly ageMaxMs: number;
}

/** Of 1.0, where types and help texts have requests of their own. */
export interface MetadataSettings {
  readonly send: boolean;
  readonly intervalMs: number;
  readonly samplesPerSend: number;
}

export interface RemoteWriteTarget {
  /** By which it is known over reloads and restarts: its place in the log is kept under it. Letters, digits and "-". */
  readonly id: string;
  /** As people and metrics name it. */
  readonly name: string;
  /** All settings: a target whose key is another has been changed. */
  readonly key: string;
  readonly url: string;
  readonly timeoutMs: number;
  readonly request: RequestParts;
  readonly relabel: readonly RelabelRule[];
  /** Added to each series that has no label of the name, before relabelling. */
  readonly externalLabels: Labels;
  readonly exemplars: boolean;
  readonly nativeHistograms: boolean;
  readonly protocol: WriteProtocol;
  readonly queue: QueueSettings;
  readonly metadata: MetadataSettings;
}
