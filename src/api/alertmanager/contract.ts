// Alertmanager's API v2 as types: the path that it has, and the JSON shapes of its description. Nothing here runs.

export const ALERTMANAGER_PREFIX = '/api/v2';

export type LabelSetJson = Readonly<Record<string, string>>;

export interface SilenceMatcherJson {
  readonly name: string;
  readonly value: string;
  readonly isRegex: boolean;
  /** Absent: true. */
  readonly isEqual?: boolean;
}

/** Times are RFC 3339. */
interface SilenceJson {
  readonly matchers: readonly SilenceMatcherJson[];
  readonly startsAt: string;
  readonly endsAt: string;
  readonly createdBy: string;
  readonly comment: string;
  readonly annotations?: LabelSetJson;
}

export interface PostableSilenceJson extends SilenceJson {
  readonly id?: string;
}

export interface GettableSilenceJson extends SilenceJson {
  readonly id: string;
  readonly status: { readonly state: 'active' | 'pending' | 'expired' };
  readonly updatedAt: string;
  readonly annotations: LabelSetJson;
}

export interface GettableAlertJson {
  readonly labels: LabelSetJson;
  readonly annotations: LabelSetJson;
  readonly generatorURL?: string;
  readonly startsAt: string;
  readonly endsAt: string;
  readonly updatedAt: string;
  readonly fingerprint: string;
  readonly receivers: readonly { readonly name: string }[];
  readonly status: {
    readonly state: 'active' | 'suppressed' | 'unprocessed';
    readonly silencedBy: readonly string[];
    readonly inhibitedBy: readonly string[];
    readonly mutedBy: readonly string[];
  };
}

export interface AlertReceiverJson {
  readonly name: string;
  readonly labels: LabelSetJson;
}

export interface AlertmanagerStatusJson {
  readonly cluster: {
    readonly status: 'ready' | 'settling' | 'disabled';
    readonly peers: readonly { readonly name: string; readonly address: string }[];
  };
  readonly versionInfo: {
    readonly version: string;
    readonly revision: string;
    readonly branch: string;
    readonly buildUser: string;
    readonly buildDate: string;
    readonly goVersion: string;
  };
  readonly config: { readonly original: string };
  readonly uptime: string;
}
