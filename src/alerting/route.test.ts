// Routing and grouping: properties over random trees and label sets, and the explanation of a route.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { labelsFrom, labelsToRecord, matchesAll } from '../model/index.ts';
import {
  buildRoute,
  explainRoute,
  groupKeyOf,
  groupLabelsOf,
  matchRoutes,
  type Route,
  type RouteSpec,
} from './route.ts';
import { routeSpec } from './testdata/harness.ts';

const SEED = 20_260_801;
const name = fc.constantFrom('team', 'severity', 'job', 'instance');
const value = fc.constantFrom('a', 'b', 'c', 'x"y', 'é,\n');
const labels = fc
  .dictionary(name, value, { maxKeys: 4 })
  .map(record => labelsFrom({ alertname: 'Down', ...record }));
const matcher = fc.record({
  name,
  op: fc.constantFrom('=', '!=', '=~', '!~' as const),
  value: fc.constantFrom('a', 'b', 'c'),
});
const tree = fc.letrec<{ route: RouteSpec }>(tie => ({
  route: fc
    .record({
      matchers: fc.array(matcher, { maxLength: 2 }),
      continue: fc.boolean(),
      groupBy: fc.oneof(fc.constant('all' as const), fc.uniqueArray(name, { maxLength: 3 })),
      routes: fc.oneof({ maxDepth: 3 }, fc.constant([]), fc.array(tie('route'), { maxLength: 3 })),
    })
    .map(part => routeSpec(part as Partial<RouteSpec>)),
})).route;

function built(spec: RouteSpec): Route {
  const route = buildRoute({ ...spec, matchers: [] });
  if (!route.ok) throw new Error(route.error);
  return route.value;
}

describe('routing', () => {
  it('always takes an alert, at routes whose whole path fits, in the order of the tree', () => {
    fc.assert(
      fc.property(tree, labels, (spec, set) => {
        const root = built(spec);
        const taken = matchRoutes(root, set);
        expect(taken.length).toBeGreaterThan(0);
        const ids = taken.map(route => route.id);
        expect(ids).toEqual([...ids].sort());
        for (const route of taken) {
          for (const step of pathTo(root, route.id)) expect(matchesAll(step.matchers, set)).toBe(true);
          // No child takes what its parent took.
          expect(route.routes.every(child => !matchesAll(child.matchers, set))).toBe(true);
        }
      }),
      { seed: SEED },
    );
  });

  it('explains every route of the tree and takes the same ones as the router', () => {
    fc.assert(
      fc.property(tree, labels, (spec, set) => {
        const root = built(spec);
        const said = explainRoute(root, set);
        expect(said.steps.filter(step => step.verdict === 'taken').map(step => step.route.id)).toEqual(
          matchRoutes(root, set).map(route => route.id),
        );
        expect(new Set(said.steps.map(step => step.route.id)).size).toBe(said.steps.length);
        for (const step of said.steps) {
          if (step.verdict === 'no match') expect(matchesAll(step.route.matchers, set)).toBe(false);
        }
      }),
      { seed: SEED },
    );
  });
});

describe('grouping', () => {
  it('puts alerts together exactly when they agree in the labels of group_by', () => {
    fc.assert(
      fc.property(tree, labels, labels, (spec, a, b) => {
        const root = built(spec);
        const names = root.groupBy === 'all' ? undefined : root.groupBy;
        const part = (set: typeof a): string => {
          const record = labelsToRecord(set);
          const kept = Object.entries(record).filter(([one]) => names === undefined || names.includes(one));
          return JSON.stringify(kept.sort());
        };
        const same = groupKeyOf(root, groupLabelsOf(root, a)) === groupKeyOf(root, groupLabelsOf(root, b));
        expect(same).toBe(part(a) === part(b));
      }),
      { seed: SEED },
    );
  });
});

function pathTo(root: Route, id: string): readonly Route[] {
  const path = [root];
  for (const position of id.split('.').slice(1)) {
    const child = path.at(-1)?.routes[Number(position)];
    if (child !== undefined) path.push(child);
  }
  return path;
}

it('refuses a pattern that is none, naming the matcher', () => {
  const route = buildRoute(routeSpec({ matchers: [{ name: 'job', op: '=~', value: '(' }] }));
  expect(route.ok ? '' : route.error).toContain('job=~"("');
});
