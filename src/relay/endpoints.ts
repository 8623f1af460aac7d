// From discovered target groups to the addresses of Alertmanagers: labels, relabelling, URL. Pure. As Prometheus:
// `__scheme__` and `__alerts_path__` are there for relabelling to read and to write.

import { posix } from 'node:path';
import { type CompiledRelabelRule, relabel } from '../exposition/index.ts';
import { type Labels, labelsFromPairs, labelValue } from '../model/index.ts';
import type { RelaySet } from './settings.ts';

/** What discovery found together. */
export interface FoundGroup {
  /** Labels of each: at least `__address__`. */
  readonly targets: readonly Readonly<Record<string, string>>[];
  readonly labels: Readonly<Record<string, string>>;
}

export interface Endpoints {
  /** Each URL once, in the order in which they were found. */
  readonly active: readonly string[];
  /** Dropped by relabelling: the URLs that they would have had. */
  readonly dropped: readonly string[];
  /** Found, and of no use: why. */
  readonly problems: readonly string[];
}

export function endpointsOf(
  set: Pick<RelaySet, 'scheme' | 'pathPrefix'>,
  rules: readonly CompiledRelabelRule[],
  groups: readonly FoundGroup[],
): Endpoints {
  const active = new Set<string>();
  const dropped: string[] = [];
  const problems: string[] = [];
  for (const group of groups) {
    for (const own of group.targets) {
      const before = discovered(set, { own, shared: group.labels });
      const after = relabel(before, rules);
      if (after === undefined) {
        dropped.push(urlOf(before));
        continue;
      }
      const problem = problemOf(after);
      if (problem === undefined) active.add(urlOf(after));
      else problems.push(problem);
    }
  }
  return { active: [...active], dropped, problems };
}

/** The set's scheme and path go before a target's own labels, and its group's go before them. */
function discovered(
  { scheme, pathPrefix }: Pick<RelaySet, 'scheme' | 'pathPrefix'>,
  found: {
    readonly own: Readonly<Record<string, string>>;
    readonly shared: Readonly<Record<string, string>>;
  },
): Labels {
  const shared = Object.entries(found.shared).filter(([name]) => found.own[name] === undefined);
  return labelsFromPairs([
    ...Object.entries(found.own),
    ['__scheme__', scheme],
    ['__alerts_path__', posix.join('/', pathPrefix, '/api/v2/alerts')],
    ...shared,
  ]);
}

function problemOf(labels: Labels): string | undefined {
  const address = labelValue(labels, '__address__');
  if (address === '') return 'an Alertmanager without an address';
  if (address.includes('/')) return `"${address}" is not a valid address: host:port expected`;
  const scheme = labelValue(labels, '__scheme__');
  return scheme === 'http' || scheme === 'https'
    ? undefined
    : `"${scheme}" is not a scheme: http or https expected`;
}

function urlOf(labels: Labels): string {
  const path = labelValue(labels, '__alerts_path__');
  const rooted = path === '' || path.startsWith('/') ? path : `/${path}`;
  return `${labelValue(labels, '__scheme__')}://${labelValue(labels, '__address__')}${encodeURI(wellFormed(rooted))}`;
}

/** Half a surrogate pair cannot be written as UTF-8. */
function wellFormed(value: string): string {
  return value.replace(/\p{Surrogate}/gu, '\ufffd');
}
