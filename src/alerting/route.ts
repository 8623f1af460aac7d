// The routing tree: which receivers hear of an alert, and how its alerts are gathered. Alertmanager's semantics.

import { err, ok, type Result } from '../base/index.ts';
import {
  type CompiledMatcher,
  compileMatchers,
  type Labels,
  labelsFromSorted,
  type Matcher,
  type MatchOp,
  matchesAll,
} from '../model/index.ts';

/** `after_recovery_failed`: people are told only when the machine could not help itself. */
export type NotifyWhen = 'always' | 'after_recovery_failed';

/** A route as configured, with what it inherits from its parent already filled in. */
export interface RouteSpec {
  readonly receiver: string;
  readonly groupBy: readonly string[] | 'all';
  readonly groupWaitMs: number;
  readonly groupIntervalMs: number;
  readonly repeatIntervalMs: number;
  readonly matchers: readonly Matcher[];
  readonly continue: boolean;
  readonly notify: NotifyWhen;
  /** Names of time intervals: inside one of them its messages are held back. Not inherited. */
  readonly muteTimeIntervals: readonly string[];
  /** Where there are any: outside of all of them its messages are held back. Not inherited. */
  readonly activeTimeIntervals: readonly string[];
  /** Said of its groups by the API. */
  readonly labels: Labels;
  readonly routes: readonly RouteSpec[];
}

export interface Route extends Omit<RouteSpec, 'matchers' | 'routes'> {
  /** As Alertmanager prints it: `{}/{team="db"}/{severity="critical"}`. Siblings with equal matchers share a key. */
  readonly key: string;
  /** Unique within the tree: positions from the root, "0.2.1". */
  readonly id: string;
  readonly matchers: readonly CompiledMatcher[];
  readonly routes: readonly Route[];
}

/** Compiles the matchers of a whole tree and names its routes. */
export function buildRoute(spec: RouteSpec): Result<Route, string> {
  return build(spec, { parentKey: '', id: '0' });
}

function build(
  spec: RouteSpec,
  place: { readonly parentKey: string; readonly id: string },
): Result<Route, string> {
  const matchers = compileMatchers([...spec.matchers].sort(compareMatchers));
  if (!matchers.ok) return err(matchers.error);
  const own = formatMatchers(spec.matchers);
  const key = place.parentKey === '' ? own : `${place.parentKey}/${own}`;
  const routes: Route[] = [];
  for (const [i, child] of spec.routes.entries()) {
    const built = build(child, { parentKey: key, id: `${place.id}.${i}` });
    if (!built.ok) return built;
    routes.push(built.value);
  }
  return ok({ ...spec, key, id: place.id, matchers: matchers.value, routes });
}

/**
 * The routes that take an alert, in order: depth first, the first matching child wins unless it says `continue`,
 * a route without a matching child takes the alert itself. The root takes everything, whatever its matchers.
 */
export function matchRoutes(root: Route, labels: Labels): readonly Route[] {
  const found = matchBelow(root, labels);
  return found.length > 0 ? found : [root];
}

function matchBelow(route: Route, labels: Labels): readonly Route[] {
  if (!matchesAll(route.matchers, labels)) return [];
  const all: Route[] = [];
  for (const child of route.routes) {
    const found = matchBelow(child, labels);
    all.push(...found);
    if (found.length > 0 && !child.continue) break;
  }
  return all.length > 0 ? all : [route];
}

/** The labels that name the group of an alert under a route. */
export function groupLabelsOf(route: Route, labels: Labels): Labels {
  if (route.groupBy === 'all') return labels;
  const flat: string[] = [];
  for (let i = 0; i < labels.length; i += 2) {
    const name = labels[i] as string;
    if (route.groupBy.includes(name)) flat.push(name, labels[i + 1] as string);
  }
  return labelsFromSorted(Object.freeze(flat));
}

/** As Alertmanager prints it: `{}/{team="db"}:{alertname="Down", cluster="a"}`. */
export function groupKeyOf(route: Route, groupLabels: Labels): string {
  let parts = '';
  for (let i = 0; i < groupLabels.length; i += 2)
    parts += `${i === 0 ? '' : ', '}${groupLabels[i]}=${JSON.stringify(groupLabels[i + 1])}`;
  return `${route.key}:{${parts}}`;
}

export interface RouteStep {
  readonly route: Route;
  readonly depth: number;
  /** Whether the route's own matchers fit; `taken` when the alert is handled here. */
  readonly verdict: 'taken' | 'passed to a child' | 'no match' | 'not tried';
  /** The first matcher that does not fit, or why the route was not tried. */
  readonly reason: string;
}

export interface RouteExplanation {
  /** In the order of the tree, each route with what became of the alert there. */
  readonly steps: readonly RouteStep[];
  readonly taken: readonly { readonly route: Route; readonly groupKey: string }[];
}

/** Walks the whole tree and says at every route why the alert was or was not taken there. */
export function explainRoute(root: Route, labels: Labels): RouteExplanation {
  const routes = matchRoutes(root, labels);
  const steps: RouteStep[] = [];
  explain(root, { labels, depth: 0, stoppedBy: undefined, taken: new Set(routes) }, steps);
  return {
    steps,
    taken: routes.map(route => ({ route, groupKey: groupKeyOf(route, groupLabelsOf(route, labels)) })),
  };
}

interface ExplainAt {
  readonly labels: Labels;
  readonly depth: number;
  /** The route that ended the search before this one was tried. */
  readonly stoppedBy: Route | undefined;
  readonly taken: ReadonlySet<Route>;
}

/** Appends the steps of a subtree; true when it took the alert. */
function explain(route: Route, at: ExplainAt, steps: RouteStep[]): boolean {
  const misfit = route.matchers.find(one => !matchesAll([one], at.labels));
  if (at.stoppedBy !== undefined || misfit !== undefined) {
    const [verdict, reason] =
      at.stoppedBy !== undefined
        ? (['not tried', `${at.stoppedBy.key} took the alert and does not say continue`] as const)
        : (['no match', `${formatRouteMatcher(misfit as Matcher)} does not fit`] as const);
    const rootTakes = at.taken.has(route);
    steps.push({ route, depth: at.depth, verdict: rootTakes ? 'taken' : verdict, reason });
    return rootTakes;
  }
  const own = steps.length;
  const took = at.taken.has(route);
  steps.push({
    route,
    depth: at.depth,
    verdict: took ? 'taken' : 'passed to a child',
    reason: took
      ? 'its matchers fit and no child took the alert'
      : 'its matchers fit and a child took the alert',
  });
  let stoppedBy: Route | undefined;
  let below = false;
  for (const child of route.routes) {
    const found = explain(child, { ...at, depth: at.depth + 1, stoppedBy }, steps);
    below ||= found;
    if (found && !child.continue) stoppedBy ??= child;
  }
  return steps[own]?.verdict === 'taken' || below;
}

/** The longest repeat interval of a tree: what is told must be remembered for longer than that. */
export function repeatIntervalMsMax(route: Route): number {
  return Math.max(route.repeatIntervalMs, ...route.routes.map(repeatIntervalMsMax));
}

/** The receivers that a tree names. */
export function receiversOf(route: Route): ReadonlySet<string> {
  return new Set([route.receiver, ...route.routes.flatMap(child => [...receiversOf(child)])]);
}

// --- how Alertmanager prints matchers -------------------------------------------------------------

const OP_ORDER: Readonly<Record<MatchOp, number>> = { '=': 0, '!=': 1, '=~': 2, '!~': 3 };

/** By name, value, operator: part of the route's key, so the order is Alertmanager's. */
function compareMatchers(a: Matcher, b: Matcher): number {
  if (a.name !== b.name) return a.name < b.name ? -1 : 1;
  if (a.value !== b.value) return a.value < b.value ? -1 : 1;
  return OP_ORDER[a.op] - OP_ORDER[b.op];
}

function formatMatchers(matchers: readonly Matcher[]): string {
  return `{${[...matchers].sort(compareMatchers).map(formatRouteMatcher).join(',')}}`;
}

function formatRouteMatcher(matcher: Matcher): string {
  const { name, op, value } = matcher;
  // A name with a character of the matcher language is quoted, and then Go's quoting serves the value too.
  if (/[\s{}!=~,\\"'`]/.test(name)) return `${JSON.stringify(name)}${op}${JSON.stringify(value)}`;
  return `${name}${op}"${value.replace(/\\/g, '\\\\').replace(/\n/g, '\\n').replace(/"/g, '\\"')}"`;
}
