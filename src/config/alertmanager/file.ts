// alertmanager.yml as a whole: its sections, and what only they together can tell.

import type { Node, Pair } from 'yaml';
import { pairsOf } from '../document.ts';
import { tracing } from '../prometheus/sections.ts';
import type { Kind } from '../registry.ts';
import {
  list,
  notCarriedOut,
  optional,
  type ReadContext,
  record,
  type Schema,
  text,
  valueNodeAt,
} from '../schema.ts';
import type { LabelNames } from '../shared/checks.ts';
import { alertmanagerGlobal } from './global.ts';
import { inhibitRules } from './inhibit.ts';
import type { MatcherGrammar } from './matchers.ts';
import { receiversSchema } from './receivers.ts';
import { checkReceiverNames, checkRoutes, type RawRoute, routeSchema } from './route.ts';
import { type NamedTimeInterval, timeIntervals } from './time-intervals.ts';

export interface AlertmanagerOptions {
  readonly kinds: readonly Kind<unknown>[];
  readonly grammar: MatcherGrammar;
  readonly labelNames: LabelNames;
  readonly withNotify: boolean;
}

export type GlobalPairs = ReadonlyMap<string, Pair<unknown, unknown>>;

/** The sections that watchkeeper.yml takes over under the same names (`global` is merged there). */
export function alertmanagerSections(options: AlertmanagerOptions, global: GlobalPairs) {
  return {
    route: optional(routeSchema(options)),
    receivers: optional(receiversSchema(options.kinds, global)),
    inhibit_rules: optional(inhibitRules(options.grammar)),
    time_intervals: optional(timeIntervals),
    mute_time_intervals: optional(timeIntervals),
    templates: notCarriedOut(list(text())),
    tracing: notCarriedOut(tracing),
  };
}

/** The keys under `global`, as receivers inherit them. */
export function globalPairs(root: Node, context: ReadContext): GlobalPairs {
  const node = valueNodeAt(context.resolve(root), 'global');
  return pairsOf(node === undefined ? undefined : context.resolve(node));
}

export function alertmanagerFile(options: AlertmanagerOptions) {
  const make = (global: GlobalPairs) =>
    record(
      { global: optional(alertmanagerGlobal), ...alertmanagerSections(options, global) },
      (value, context, node) => {
        if (value.route === undefined) {
          context.report({
            code: 'config-missing-key',
            message: 'Cannot do without "route": no routes provided',
            remedy: 'add "route:" with a "receiver"',
            at: node,
          });
        }
        checkAlertmanagerWhole(value, context);
      },
    );
  type Value = ReturnType<typeof make> extends Schema<infer T> ? T : never;
  const schema: Schema<Value> = {
    says: 'mapping',
    read(node, context) {
      checkReceiverNames(node, context);
      return make(globalPairs(node, context)).read(node, context);
    },
  };
  return schema;
}

/** Names that routes use must be defined, and defined once. */
export function checkAlertmanagerWhole(
  value: {
    readonly route?: RawRoute | undefined;
    readonly time_intervals?: readonly NamedTimeInterval[] | undefined;
    readonly mute_time_intervals?: readonly NamedTimeInterval[] | undefined;
  },
  context: ReadContext,
): void {
  const intervals = [...(value.mute_time_intervals ?? []), ...(value.time_intervals ?? [])].map(
    one => one.name,
  );
  const twice = intervals.find((name, i) => intervals.indexOf(name) !== i);
  if (twice !== undefined) {
    context.report({
      code: 'config-conflict',
      message: `Cannot use the time interval name "${twice}" twice: time interval is not unique`,
    });
  }
  if (value.route === undefined) return;
  checkRoutes(value.route, new Set(intervals));
}
