// alertmanager.yml: `receivers`, each a name and lists of channel settings, one key a kind.

import { isSeq, type Node, type Pair } from 'yaml';
import { nearest } from '../nearest.ts';
import type { Kind } from '../registry.ts';
import {
  INVALID,
  list,
  mapOf,
  mapped,
  notCarriedOut,
  optional,
  type ReadContext,
  record,
  type Schema,
  text,
  valueNodeAt,
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
  /** Of all kinds, also of those that are not carried out: notify/ journals what would have gone there. */
  readonly channels: readonly ChannelSettings[];
  /** The receiver that gets what this one could not deliver. */
  readonly fallback?: string;
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
    {
      ...channelFields,
      name: optional(text()),
      fallback: optional(text({ notEmpty: true })),
      labels: optional(mapOf(text())),
    },
    (_, context, node) => requireSet(node, context, ['name']),
  );
  const receiver: Schema<ReceiverConfig> = mapped(schema, read => {
    // Beside the keys of its own the record holds the kinds' lists.
    const byKind = read as Readonly<Record<string, readonly unknown[] | undefined>>;
    const { name, fallback, labels } = read;
    if (name === undefined) return INVALID;
    const channels = kinds.flatMap(kind =>
      (byKind[kind.key] ?? []).map((settings, index) => ({ kind: kind.key, index, settings })),
    );
    return {
      name,
      ...(labels === undefined ? {} : { labels }),
      channels,
      ...(fallback === undefined ? {} : { fallback }),
    };
  });
  const receivers = list(receiver);
  return mapped(receivers, (value, context, node) => {
    const names = value.map(one => one.name);
    checkFallbacks(value, context, node);
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

/** A fallback must be another receiver, and one that exists. Its own fallback is not taken: one step, so no circles. */
function checkFallbacks(receivers: readonly ReceiverConfig[], context: ReadContext, node: Node): void {
  const names = receivers.map(one => one.name);
  const items = context.resolve(node);
  receivers.forEach(({ name, fallback }, i) => {
    if (fallback === undefined || (fallback !== name && names.includes(fallback))) return;
    const item = isSeq(items) ? (items.items[i] as Node | undefined) : undefined;
    const at = item === undefined ? undefined : valueNodeAt(context.resolve(item), 'fallback');
    const near = nearest(
      fallback,
      names.filter(one => one !== name),
    );
    context.report({
      code: fallback === name ? 'config-conflict' : 'config-unknown-receiver',
      message:
        fallback === name
          ? `Cannot fall back from "${name}" to itself: what it cannot deliver would be lost`
          : `Cannot fall back to "${fallback}": undefined receiver`,
      remedy: near === undefined ? 'name another receiver' : `did you mean "${near}"?`,
      ...(at === undefined ? {} : { at }),
    });
  });
}
