// The registries: how a stage's kinds (a channel, a discovery, an action) bring their own settings into the files.

import type { Schema } from './schema.ts';

/** One kind. Its schema lies beside its code; config only knows the key it stands under. */
export interface Kind<T> {
  /** The key in the file: "static_configs", "email_configs", "command". */
  readonly key: string;
  /** Of one entry of the key's list. */
  readonly schema: Schema<T>;
  /** False: valid, read and checked, and then warned of, since this version does not act on it. */
  readonly carriedOut: boolean;
}

/** What app/ hands to `loadConfig`. A kind with the same key as one of config's own replaces it. */
export interface Registries {
  /** Keys of a scrape configuration that hold lists of discovery settings. */
  readonly discovery?: readonly Kind<unknown>[];
  /** Keys of a receiver that hold lists of channel settings. */
  readonly channels?: readonly Kind<unknown>[];
  /** Of the section `heartbeat`; without it the section is refused as not known to this build. */
  readonly heartbeat?: Schema<unknown>;
  /** Of one entry of `recovery.playbooks`; without it a playbook is refused as not known to this build. */
  readonly playbook?: Schema<unknown>;
}

/** The kinds of both lists, one a key; those of `own` come first in order, `brought` replaces by key. */
export function mergeKinds(
  own: readonly Kind<unknown>[],
  brought: readonly Kind<unknown>[] = [],
): readonly Kind<unknown>[] {
  const byKey = new Map(own.map(kind => [kind.key, kind]));
  for (const kind of brought) byKey.set(kind.key, kind);
  return [...byKey.values()];
}
