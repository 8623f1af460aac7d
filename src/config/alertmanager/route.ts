// alertmanager.yml: `route`, the tree, read first as written and then with what each child inherits filled in.

import { isScalar, isSeq, type Node } from 'yaml';
import {
  type CompiledMatcher,
  compileMatcher,
  type Labels,
  labelPairs,
  labelsFromPairs,
  type Matcher,
  NO_LABELS,
} from '../../model/index.ts';
import { nearest } from '../nearest.ts';
import {
  boolean,
  duration,
  hasKey,
  INVALID,
  keyText,
  lazy,
  list,
  mapOf,
  mapped,
  optional,
  type ReadContext,
  type RecordOf,
  record,
  type Schema,
  text,
  valueNodeAt,
} from '../schema.ts';
import { checked, isLabelName, type LabelNames, reportAt, requireSet } from '../shared/checks.ts';
import { type MatcherGrammar, matchers } from './matchers.ts';

/** A route as it runs: what is not set was taken from the parent, at the root from Alertmanager's defaults. */
export interface RouteConfig {
  readonly receiver: string;
  /** 'all' is `group_by: ['...']`. */
  readonly groupBy: readonly string[] | 'all';
  readonly groupWaitMs: number;
  readonly groupIntervalMs: number;
  readonly repeatIntervalMs: number;
  readonly matchers: readonly Matcher[];
  readonly continue: boolean;
  readonly notify: 'always' | 'after_recovery_failed';
  /** Names of time intervals; not inherited. */
  readonly muteTimeIntervals: readonly string[];
  readonly activeTimeIntervals: readonly string[];
  /** Said of the route's groups by the API; of its own and its parents' the nearest counts. */
  readonly labels: Labels;
  readonly routes: readonly RouteConfig[];
}

/** Alertmanager's own defaults. */
const GROUP_WAIT_MS = 30_000;
const GROUP_INTERVAL_MS = 300_000;
const REPEAT_INTERVAL_MS = 14_400_000;

export interface RouteOptions {
  readonly grammar: MatcherGrammar;
  readonly labelNames: LabelNames;
  /** Key of ours; Alertmanager's own files do not have it. */
  readonly withNotify: boolean;
}

/** A null value is an error here: `match_re: {team: }` matches nothing anyone meant. */
export function regexText(): Schema<string> {
  return mapped(text(), (value, context, node) => {
    const written = context.resolve(node);
    const missing = 'value' in written && written.value === null;
    const compiled = compileMatcher({ name: 'x', op: '=~', value });
    if (!missing && compiled.ok) return value;
    context.report({
      code: 'config-bad-value',
      message: missing
        ? `Cannot use an empty regular expression for ${context.path}`
        : `Cannot use the regular expression "${value}": ${compiled.ok ? '' : compiled.error}`,
      remedy: missing ? 'write "" for an absent label, or remove the key' : 'RE2 syntax expected',
    });
    return INVALID;
  });
}

function labelKey(labelNames: LabelNames): Schema<string> {
  return checked('label name', name =>
    isLabelName(name, labelNames) ? undefined : `Cannot take ${JSON.stringify(name)}: invalid label name`,
  );
}

/** The older notation of matchers has no other names, in Alertmanager too. */
export const CLASSIC_LABEL: Schema<string> = labelKey('legacy');

function routeFields(options: RouteOptions, child: Schema<RawRoute>) {
  const label = labelKey(options.labelNames);
  return {
    receiver: optional(text()),
    group_by: optional(list(text())),
    continue: optional(boolean()),
    match: optional(mapOf(text(), CLASSIC_LABEL)),
    match_re: optional(mapOf(regexText(), CLASSIC_LABEL)),
    matchers: optional(matchers(options.grammar)),
    group_wait: optional(duration()),
    group_interval: optional(duration()),
    repeat_interval: optional(duration()),
    mute_time_intervals: optional(list(text())),
    active_time_intervals: optional(list(text())),
    labels: optional(mapOf(text(), label)),
    routes: optional(list(child)),
    ...(options.withNotify ? { notify: optional(text({ oneOf: ['always', 'after_recovery_failed'] })) } : {}),
  };
}

export interface RawRoute {
  readonly value: Omit<RecordOf<ReturnType<typeof routeFields>>, 'routes' | 'notify'> & {
    readonly routes?: readonly RawRoute[] | undefined;
    readonly notify?: string | undefined;
  };
  readonly context: ReadContext;
  readonly node: Node;
}

export function routeSchema(options: RouteOptions): Schema<RawRoute> {
  const schema: Schema<RawRoute> = mapped(
    record(
      routeFields(
        options,
        lazy(() => schema),
      ),
      (value, context, node) => {
        checkGroupBy(value.group_by ?? [], options.labelNames, { context, node });
        for (const key of ['group_interval', 'repeat_interval'] as const) {
          if (value[key] !== 0) continue;
          reportAt(node, key, context, { message: `Cannot take 0 for ${key}: ${key} cannot be zero` });
        }
      },
    ),
    (value, context, node) => ({ value, context, node: context.resolve(node) }),
  );
  return schema;
}

function checkGroupBy(
  names: readonly string[],
  labelNames: LabelNames,
  at: { readonly context: ReadContext; readonly node: Node },
): void {
  const say = (message: string): void => {
    reportAt(at.node, 'group_by', at.context, { message });
  };
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) say(`Cannot take "${twice}" twice: duplicated label in group_by`);
  if (names.includes('...') && names.length > 1) {
    say('Cannot use "..." beside other labels: wildcard group_by covers all of them');
  }
  for (const name of names) {
    if (name === '...' || isLabelName(name, labelNames)) continue;
    say(`Cannot take "${name}": invalid label name in group_by list`);
  }
}

/** The rules of the root, and of names that must exist. */
export function checkRoutes(root: RawRoute, timeIntervals: ReadonlySet<string>): void {
  const { value, context, node } = root;
  requireSet(node, context, ['receiver']);
  const notAtRoot = (key: string, what: string): void => {
    reportAt(node, key, context, {
      message: `Cannot use "${key}" in the root route: ${what}`,
      remedy: 'move it to a child route',
    });
  };
  const hasMatchers =
    (value.match?.size ?? 0) > 0 || (value.match_re?.size ?? 0) > 0 || (value.matchers ?? []).length > 0;
  if (hasMatchers) {
    const key = ['matchers', 'match', 'match_re'].find(one => hasKey(node, one));
    notAtRoot(key ?? 'matchers', 'it must match every alert');
  }
  if ((value.mute_time_intervals ?? []).length > 0)
    notAtRoot('mute_time_intervals', 'root route must not have any mute time intervals');
  if ((value.active_time_intervals ?? []).length > 0)
    notAtRoot('active_time_intervals', 'root route must not have any active time intervals');
  if (value.continue === true) notAtRoot('continue', 'cannot have continue in root route');
  checkNames(root, timeIntervals);
}

function checkNames(route: RawRoute, timeIntervals: ReadonlySet<string>): void {
  const { value, context, node } = route;
  for (const key of ['mute_time_intervals', 'active_time_intervals'] as const) {
    for (const name of value[key] ?? []) {
      if (timeIntervals.has(name)) continue;
      reportAt(node, key, context, {
        message: `Cannot use "${name}" in ${key}: undefined time interval`,
        remedy: 'define it under time_intervals',
      });
    }
  }
  for (const child of value.routes ?? []) checkNames(child, timeIntervals);
}

/**
 * Receivers named in the tree but not defined. It looks at the nodes, so that a slip elsewhere in the file, which
 * leaves no value to look at, does not hide it.
 */
export function checkReceiverNames(root: Node, context: ReadContext): void {
  const map = context.resolve(root);
  const route = valueNodeAt(map, 'route');
  const receivers = valueNodeAt(map, 'receivers');
  const defined = receivers === undefined ? [] : receiverNames(context.resolve(receivers), context);
  if (route !== undefined) walkRoutes(route, defined, context.child('route', route));
}

function receiverNames(list: Node, context: ReadContext): readonly string[] {
  if (!isSeq(list)) return [];
  return list.items.flatMap(item => {
    const name = valueNodeAt(context.resolve(item as Node), 'name');
    return name === undefined ? [] : [scalarText(context.resolve(name))];
  });
}

function walkRoutes(node: Node, defined: readonly string[], context: ReadContext): void {
  const route = context.resolve(node);
  const at = valueNodeAt(route, 'receiver');
  const receiver = at === undefined ? '' : scalarText(context.resolve(at));
  if (receiver !== '' && !defined.includes(receiver)) {
    const near = nearest(receiver, defined);
    context.child('receiver', at).report({
      code: 'config-unknown-receiver',
      message: `Cannot route to "${receiver}": undefined receiver`,
      remedy:
        near === undefined ? `define it under receivers: "- name: ${receiver}"` : `did you mean "${near}"?`,
    });
  }
  const children = valueNodeAt(route, 'routes');
  const list = children === undefined ? undefined : context.resolve(children);
  if (!isSeq(list)) return;
  const inner = context.child('routes', list);
  list.items.forEach((child, i) => {
    walkRoutes(child as Node, defined, inner.child(i, child as Node));
  });
}

function scalarText(node: Node): string {
  return isScalar(node) && node.value !== null ? keyText(node) : '';
}

/** Fills in what is inherited. */
export function finishRoute(raw: RawRoute, parent?: RouteConfig): RouteConfig {
  const { value } = raw;
  // An empty list counts as set: it groups everything into one, whatever the parent says.
  const own = value.group_by;
  const groupBy = own === undefined ? (parent?.groupBy ?? []) : own[0] === '...' ? ('all' as const) : own;
  const route: RouteConfig = {
    receiver: value.receiver || (parent?.receiver ?? ''),
    groupBy,
    groupWaitMs: value.group_wait ?? parent?.groupWaitMs ?? GROUP_WAIT_MS,
    groupIntervalMs: value.group_interval ?? parent?.groupIntervalMs ?? GROUP_INTERVAL_MS,
    repeatIntervalMs: value.repeat_interval ?? parent?.repeatIntervalMs ?? REPEAT_INTERVAL_MS,
    matchers: allMatchers(value),
    continue: value.continue ?? false,
    notify:
      value.notify === undefined
        ? (parent?.notify ?? 'always')
        : value.notify === 'after_recovery_failed'
          ? 'after_recovery_failed'
          : 'always',
    muteTimeIntervals: value.mute_time_intervals ?? [],
    activeTimeIntervals: value.active_time_intervals ?? [],
    labels: labelsFromPairs([...labelPairs(parent?.labels ?? NO_LABELS), ...(value.labels ?? [])]),
    routes: [],
  };
  return { ...route, routes: (value.routes ?? []).map(child => finishRoute(child, route)) };
}

export function allMatchers(value: {
  readonly match?: ReadonlyMap<string, string> | undefined;
  readonly match_re?: ReadonlyMap<string, string> | undefined;
  readonly matchers?: readonly CompiledMatcher[] | undefined;
}): readonly Matcher[] {
  return [
    ...[...(value.match ?? [])].map(([name, text]): Matcher => ({ name, op: '=', value: text })),
    ...[...(value.match_re ?? [])].map(([name, pattern]): Matcher => ({ name, op: '=~', value: pattern })),
    ...(value.matchers ?? []).map(({ name, op, value: text }): Matcher => ({ name, op, value: text })),
  ];
}
