// alertmanager.yml: `receivers`, each a name and lists of channel settings, one key a kind.

import type { Pair } from 'yaml';
import type { Kind } from '../registry.ts';
import {
  INVALID,
  list,
  mapOf,
  mapped,
  notCarriedOut,
  optional,
  record,
  type Schema,
  text,
} from '../schema.ts';
import { requireSet } from '../shared/checks.ts';
import { inheriting } from './global.ts';

export interface ChannelSettings {
  /** The kind's key: "email_configs". */
  readonly kind: string;
  /** Position in the kind's list: with the receiver's name it identifies the channel in the notification log. */
  readonly index: number;
  /** What the kind's schema made of the settings. */
  readonly settings: unknown;
}

export interface ReceiverConfig {
  readonly name: string;
  /** By them its alerts can be asked for. */
  readonly labels?: ReadonlyMap<string, string>;
  /** Kinds that are carried out only. */
  readonly channels: readonly ChannelSettings[];
}

export function receiversSchema(
  kinds: readonly Kind<unknown>[],
  global: ReadonlyMap<string, Pair<unknown, unknown>>,
): Schema<readonly ReceiverConfig[]> {
  const channelFields = Object.fromEntries(
    kinds.map(kind => {
      const entries = list(inheriting(kind, global));
      return [kind.key, kind.carriedOut ? optional(entries) : notCarriedOut(entries)];
    }),
  );
  const schema = record(
    { ...channelFields, name: optional(text()), labels: optional(mapOf(text())) },
    (_, context, node) => requireSet(node, context, ['name']),
  );
  const receiver: Schema<ReceiverConfig> = mapped(schema, read => {
    // Beside the two keys of its own the record holds the kinds' lists.
    const byKind = read as Readonly<Record<string, readonly unknown[] | undefined>>;
    if (read.name === undefined) return INVALID;
    const channels = kinds
      .filter(kind => kind.carriedOut)
      .flatMap(kind =>
        (byKind[kind.key] ?? []).map((settings, index) => ({ kind: kind.key, index, settings })),
      );
    return { name: read.name, ...(read.labels === undefined ? {} : { labels: read.labels }), channels };
  });
  const receivers = list(receiver);
  return mapped(receivers, (value, context) => {
    const names = value.map(one => one.name);
    const twice = names.find((name, i) => names.indexOf(name) !== i);
    if (twice === undefined) return value;
    context.report({
      code: 'config-conflict',
      message: `Cannot use the receiver name "${twice}" twice: notification config name is not unique`,
      remedy: 'give each receiver a name of its own, or put the channels of both into one',
    });
    return INVALID;
  });
}
