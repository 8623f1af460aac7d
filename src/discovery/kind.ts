// What every kind of discovery looks like: its key and schema for the configuration, and how it finds targets.

import type { Clock, Disk, Dns, Http, Log } from '../base/index.ts';
import type { Schema } from '../config/index.ts';

/** Addresses with the labels that all of them carry. */
export interface TargetGroup {
  /** Unique within its job: "static/0", "file/targets.json/1". */
  readonly source: string;
  /** Labels of each target: at least `__address__`. */
  readonly targets: readonly Readonly<Record<string, string>>[];
  readonly labels: Readonly<Record<string, string>>;
}

export interface DiscoveryPorts {
  readonly clock: Clock;
  readonly disk: Disk;
  readonly http: Http;
  readonly dns: Dns;
  readonly log: Log;
}

export interface RunningDiscovery {
  stop(): void;
}

/** Fits `Kind` of config/, which reads the settings with `schema` and hands them back untouched. */
export interface DiscoveryKind {
  /** The key of a scrape job that holds a list of settings. */
  readonly key: string;
  readonly schema: Schema<unknown>;
  readonly carriedOut: boolean;
  /** Calls `onGroups` with all groups of these settings, at once where they are known, and again at each change. */
  start(
    settings: unknown,
    ports: DiscoveryPorts,
    onGroups: (groups: readonly TargetGroup[]) => void,
  ): RunningDiscovery;
}
