// What relay/ is told: which Alertmanagers elsewhere get the alerts, how, and what happens to the alerts on the way.

import type { RelabelRule, RequestParts } from '../config/index.ts';
import type { Labels } from '../model/index.ts';

/** Alertmanagers that are found and spoken to in one way. */
export interface RelaySet {
  /** Tells this set from all others, and from itself with other settings: what keeps it runs on over a reload. */
  readonly key: string;
  readonly scheme: 'http' | 'https';
  /** Before "/api/v2/alerts"; "" for none. */
  readonly pathPrefix: string;
  readonly timeoutMs: number;
  readonly request: RequestParts;
  /** Of the discovered Alertmanagers. */
  readonly relabel: readonly RelabelRule[];
  /** Of the alerts for this set, after those that are for all. */
  readonly alertRelabel: readonly RelabelRule[];
}

export interface RelaySettings {
  readonly sets: readonly RelaySet[];
  /** Added to each alert that has no label of the name, before `alertRelabel`. */
  readonly externalLabels: Labels;
  readonly alertRelabel: readonly RelabelRule[];
  /** An alert without news is sent again at the first evaluation later than this after the last word. */
  readonly resendDelayMs: number;
  /** Alerts that wait for one Alertmanager; beyond, the oldest are dropped and counted. */
  readonly queueMax: number;
  /** Alerts in one request. */
  readonly batchMax: number;
  readonly configVersion: string;
}
