// Alertmanager's routing tables: a tree, the labels of an alert, the receivers and the route keys it must reach.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { buildRoute, matchRoutes, type Route, type RouteSpec } from '../../src/alerting/index.ts';
import { parseDuration } from '../../src/base/index.ts';
import { labelsFrom, type Matcher, type MatchOp, NO_LABELS } from '../../src/model/index.ts';
import { describeCorpus, readJsonLines, reportCases } from '../support/corpora.ts';

interface Row {
  readonly n: number;
  readonly test: string;
  readonly route?: string;
  readonly config_file?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly receivers?: readonly string[];
  readonly matches?: readonly Readonly<Record<string, unknown>>[];
  readonly keys?: readonly string[];
}

/** As the YAML has it, before inheritance. */
interface RawRoute {
  readonly receiver?: string;
  readonly group_by?: readonly string[];
  readonly group_wait?: string;
  readonly group_interval?: string;
  readonly repeat_interval?: string;
  readonly match?: Readonly<Record<string, string | number>>;
  readonly match_re?: Readonly<Record<string, string>>;
  readonly matchers?: readonly string[];
  readonly continue?: boolean;
  readonly routes?: readonly RawRoute[];
}

const ROOT: RouteSpec = {
  receiver: '',
  groupBy: [],
  groupWaitMs: 30_000,
  groupIntervalMs: 300_000,
  repeatIntervalMs: 4 * 3_600_000,
  matchers: [],
  continue: false,
  notify: 'always',
  muteTimeIntervals: [],
  activeTimeIntervals: [],
  labels: NO_LABELS,
  routes: [],
};

describeCorpus('alertmanager/tables', folder => {
  const rows = readJsonLines<Row>(join(folder, 'routing.jsonl'));
  const files = new Set<string>();

  it.each(rows.map(row => [`${row.test} #${row.n}`, row] as const))('%s', (_, row) => {
    const root = treeOf(row, folder, files);
    const taken = matchRoutes(root, labelsFrom(row.labels));
    if (row.receivers !== undefined) expect(taken.map(route => route.receiver)).toEqual(row.receivers);
    if (row.keys !== undefined) expect(taken.map(route => route.key)).toEqual(row.keys);
    if (row.matches !== undefined) {
      expect(taken.map(settingsOf)).toEqual(row.matches.map(match => ({ ...DEFAULTS, ...match })));
    }
  });

  it('ran every row of the table', () => {
    expect(rows.length).toBeGreaterThan(0);
    reportCases('routing', { files: files.size + 1, cases: rows.length });
  });
});

function treeOf(row: Row, folder: string, files: Set<string>): Route {
  let raw: RawRoute;
  if (row.config_file !== undefined) {
    const path = join(folder, row.config_file);
    files.add(path);
    raw = (parse(readFileSync(path, 'utf8')) as { readonly route: RawRoute }).route;
  } else {
    raw = parse(row.route ?? '') as RawRoute;
  }
  const built = buildRoute(specOf(raw, ROOT));
  if (!built.ok) throw new Error(built.error);
  return built.value;
}

function specOf(raw: RawRoute, parent: RouteSpec): RouteSpec {
  const own: RouteSpec = {
    ...parent,
    receiver: raw.receiver ?? parent.receiver,
    groupBy:
      raw.group_by === undefined ? parent.groupBy : raw.group_by.includes('...') ? 'all' : raw.group_by,
    groupWaitMs: durationOr(raw.group_wait, parent.groupWaitMs),
    groupIntervalMs: durationOr(raw.group_interval, parent.groupIntervalMs),
    repeatIntervalMs: durationOr(raw.repeat_interval, parent.repeatIntervalMs),
    matchers: [
      ...Object.entries(raw.match ?? {}).map(([name, value]) => ({
        name,
        op: '=' as const,
        value: String(value),
      })),
      // Alertmanager keeps the anchored pattern, and prints it.
      ...Object.entries(raw.match_re ?? {}).map(([name, value]) => ({
        name,
        op: '=~' as const,
        value: `^(?:${value})$`,
      })),
      ...(raw.matchers ?? []).map(matcherOf),
    ],
    continue: raw.continue ?? false,
    routes: [],
  };
  return { ...own, routes: (raw.routes ?? []).map(child => specOf(child, own)) };
}

function durationOr(text: string | undefined, otherwiseMs: number): number {
  if (text === undefined) return otherwiseMs;
  const parsed = parseDuration(text);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}

/** Enough of the language for the tables; the parser itself is tested with the matcher tables. */
function matcherOf(text: string): Matcher {
  const match = /^\s*\{?\s*(\w+)\s*(=~|!~|!=|=)\s*"?(.*?)"?\s*\}?\s*$/.exec(text);
  if (match === null) throw new Error(`not a matcher: ${text}`);
  return { name: match[1] ?? '', op: match[2] as MatchOp, value: match[3] ?? '' };
}

/** A row names what differs from Alertmanager's defaults (and sometimes what does not). */
const DEFAULTS = { group_by: [], group_wait_s: 30, group_interval_s: 300, repeat_interval_s: 14_400 };

function settingsOf(route: Route): Readonly<Record<string, unknown>> {
  return {
    receiver: route.receiver,
    group_by: route.groupBy === 'all' ? ['...'] : route.groupBy,
    group_wait_s: route.groupWaitMs / 1000,
    group_interval_s: route.groupIntervalMs / 1000,
    repeat_interval_s: route.repeatIntervalMs / 1000,
  };
}
