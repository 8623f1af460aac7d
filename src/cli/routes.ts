// watchkeeper check routes and watchkeeper test routes: the routing tree of a file, and where an alert would go.

import { buildRoute, explainRoute, type Route } from '../alerting/index.ts';
import { REGISTRIES } from '../app/index.ts';
import { err, ok, type Result } from '../base/index.ts';
import { detectKind, parseMatchers, readRoute, resolveFrom } from '../config/index.ts';
import { formatDiagnostic, formatLabels, formatMatcher, labelsFromPairs } from '../model/index.ts';
import type { CommandContext, ExitCode } from './command.ts';
import { routedText, routeTreeText } from './render/index.ts';
import { terminalOf } from './terminal.ts';

/** Prints the tree of each file, or what is wrong with it. */
export async function checkRoutes(
  context: CommandContext,
  files: readonly string[],
  { json }: { readonly json: boolean },
): Promise<ExitCode> {
  let worst: ExitCode = 0;
  for (const file of files) {
    const route = await routeOf(context, file);
    if (!route.ok) {
      context.warn(route.error);
      worst = 1;
      continue;
    }
    const title = files.length > 1 ? `${file}:\n` : '';
    context.out(
      json
        ? `${JSON.stringify({ file, route: routeJson(route.value) })}\n`
        : title + routeTreeText(route.value, terminalOf(context)),
    );
  }
  return worst;
}

export interface TestRoutesOptions {
  /** The receivers that are expected, in their order; undefined: none are. */
  readonly expected: string | undefined;
  readonly tree: boolean;
  readonly json: boolean;
}

/** Prints the receivers of an alert with such labels, as amtool does. The error is one of usage. */
export async function testRoutes(
  context: CommandContext,
  {
    file,
    words,
    options,
  }: {
    readonly file: string;
    readonly words: readonly string[];
    readonly options: TestRoutesOptions;
  },
): Promise<Result<ExitCode, string>> {
  const labels = readLabels(words);
  if (!labels.ok) return labels;
  const route = await routeOf(context, file);
  if (!route.ok) {
    context.warn(route.error);
    return ok(1);
  }
  const explained = explainRoute(route.value, labels.value);
  const receivers = explained.taken.map(taken => taken.route.receiver);
  const found = receivers.join(',');
  if (options.json) {
    const routes = explained.taken.map(taken => ({
      receiver: taken.route.receiver,
      route: taken.route.key,
      group: taken.groupKey,
    }));
    context.out(`${JSON.stringify({ labels: formatLabels(labels.value), receivers, routes })}\n`);
  } else {
    if (options.tree) context.out(routedText(explained, terminalOf(context)));
    context.out(`${found}\n`);
  }
  if (options.expected === undefined || options.expected === found) return ok(0);
  context.warn(`The alert goes to other receivers: "${options.expected}" expected, "${found}" found\n`);
  return ok(1);
}

/** In the grammar of matchers, as amtool reads them: values may be quoted. */
function readLabels(words: readonly string[]): Result<ReturnType<typeof labelsFromPairs>, string> {
  const pairs: (readonly [string, string])[] = [];
  for (const word of words) {
    const parsed = parseMatchers(word);
    if (!parsed.ok) return err(`"${word}" is no label: ${parsed.error}`);
    const [only] = parsed.value;
    if (only === undefined || parsed.value.length > 1 || only.op !== '=')
      return err(`"${word}" is no label: NAME=VALUE expected`);
    pairs.push([only.name, only.value]);
  }
  return ok(labelsFromPairs(pairs));
}

/** The error is what is wrong, in lines. */
async function routeOf(context: CommandContext, file: string): Promise<Result<Route, string>> {
  const read = await context.disk.readFile(resolveFrom(`${context.cwd}/.`, file));
  if (!read.ok) return err(`Cannot read "${file}": ${read.error.message}\n`);
  const text = new TextDecoder().decode(read.value);
  const kind = detectKind(text);
  if (kind === 'prometheus')
    return err(
      `Cannot find routes in "${file}": it is a prometheus.yml, and routes stand in an alertmanager.yml\n`,
    );
  const { route, diagnostics } = readRoute(kind, { text, file }, { registries: REGISTRIES });
  const errors = diagnostics.filter(one => one.severity === 'error');
  if (errors.length > 0) return err(errors.map(one => `${formatDiagnostic(one)}\n`).join(''));
  if (route === undefined) return err(`Cannot find routes in "${file}": it has no "route"\n`);
  const built = buildRoute(route);
  return built.ok ? built : err(`${file}: ${built.error}\n`);
}

interface RouteJson {
  readonly receiver: string;
  readonly matchers: readonly string[];
  readonly continue: boolean;
  readonly group_by: readonly string[];
  readonly group_wait_ms: number;
  readonly group_interval_ms: number;
  readonly repeat_interval_ms: number;
  readonly mute_time_intervals: readonly string[];
  readonly active_time_intervals: readonly string[];
  readonly routes: readonly RouteJson[];
}

function routeJson(route: Route): RouteJson {
  return {
    receiver: route.receiver,
    matchers: route.matchers.map(formatMatcher),
    continue: route.continue,
    group_by: route.groupBy === 'all' ? ['...'] : route.groupBy,
    group_wait_ms: route.groupWaitMs,
    group_interval_ms: route.groupIntervalMs,
    repeat_interval_ms: route.repeatIntervalMs,
    mute_time_intervals: route.muteTimeIntervals,
    active_time_intervals: route.activeTimeIntervals,
    routes: route.routes.map(routeJson),
  };
}
