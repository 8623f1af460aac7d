// A routing tree as text: who is told of what, and of one alert which way it goes.

import type { Route, RouteExplanation, RouteStep } from '../../alerting/index.ts';
import { formatDuration } from '../../base/index.ts';
import { formatMatcher } from '../../model/index.ts';
import type { Style } from './style.ts';
import { visible } from './width.ts';

export interface TreeOptions {
  readonly style: Style;
}

/** A line a route: its matchers, its receiver, and of its settings those that its parent has not. */
export function routeTreeText(root: Route, { style }: TreeOptions): string {
  const lines: string[] = [];
  const add = (route: Route, parent: Route | undefined, lead: Lead): void => {
    const settings = settingsOf(route, parent);
    lines.push(
      `${style.dim(lead.own)}${matchersText(route, parent)} → ${style.bold(visible(route.receiver))}` +
        (settings === '' ? '' : `  ${style.dim(settings)}`),
    );
    route.routes.forEach((child, i) => {
      add(child, route, leadOf(lead, i === route.routes.length - 1));
    });
  };
  add(root, undefined, ROOT);
  return `${lines.join('\n')}\n`;
}

/** The same of one alert: at each route what became of it there, and why. */
export function routedText({ steps, taken }: RouteExplanation, { style }: TreeOptions): string {
  const groups = new Map(taken.map(one => [one.route, one.groupKey]));
  const lines = steps.map((step, i) => {
    const [mark, paint] = MARKS[step.verdict];
    const { route, depth } = step;
    const target = step.verdict === 'taken' ? ` → ${style.bold(visible(route.receiver))}` : '';
    const isRoot = depth === 0;
    const text = `${matchersText(route, isRoot ? undefined : route)}${target}`;
    const group = groups.get(route);
    const reason = group === undefined ? step.reason : `${step.reason}; group ${visible(group)}`;
    return `${style.dim(indentOf(steps, i))}${style[paint](mark)} ${text}  ${style.dim(reason)}`;
  });
  return `${lines.join('\n')}\n`;
}

const MARKS: Readonly<Record<RouteStep['verdict'], readonly [mark: string, paint: 'good' | 'bad' | 'dim']>> =
  {
    taken: ['✓', 'good'],
    'passed to a child': ['↓', 'dim'],
    'no match': ['✗', 'bad'],
    'not tried': ['·', 'dim'],
  };

interface Lead {
  /** In front of the route, and of what is below it. */
  readonly own: string;
  readonly below: string;
}

const ROOT: Lead = { own: '', below: '' };

function leadOf(parent: Lead, isLast: boolean): Lead {
  return {
    own: `${parent.below}${isLast ? '└─ ' : '├─ '}`,
    below: `${parent.below}${isLast ? '   ' : '│  '}`,
  };
}

function indentOf(steps: readonly RouteStep[], at: number): string {
  return '  '.repeat(steps[at]?.depth ?? 0);
}

function matchersText(route: Route, parent: Route | undefined): string {
  if (route.matchers.length === 0) return parent === undefined ? 'every alert' : '{}';
  return visible(`{${route.matchers.map(formatMatcher).join(', ')}}`);
}

function settingsOf(route: Route, parent: Route | undefined): string {
  const differs = (key: keyof Route): boolean =>
    parent === undefined || JSON.stringify(route[key]) !== JSON.stringify(parent[key]);
  const groupBy = route.groupBy === 'all' ? 'all labels' : route.groupBy.join(', ') || 'nothing';
  return [
    route.continue ? 'continue' : '',
    differs('groupBy') ? `by ${visible(groupBy)}` : '',
    differs('groupWaitMs') ? `wait ${formatDuration(route.groupWaitMs)}` : '',
    differs('groupIntervalMs') ? `interval ${formatDuration(route.groupIntervalMs)}` : '',
    differs('repeatIntervalMs') ? `repeat ${formatDuration(route.repeatIntervalMs)}` : '',
    route.muteTimeIntervals.length === 0 ? '' : `muted in ${visible(route.muteTimeIntervals.join(', '))}`,
    route.activeTimeIntervals.length === 0 ? '' : `only in ${visible(route.activeTimeIntervals.join(', '))}`,
    route.notify === 'always' ? '' : 'after recovery failed',
  ]
    .filter(text => text !== '')
    .join('; ');
}
