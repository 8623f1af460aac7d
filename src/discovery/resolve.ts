// Target groups into targets that can be scraped: defaults, relabelling, checks. Pure.

import { createHash } from 'node:crypto';
import { err, expectOk, formatDuration, ok, parseDuration, type Result } from '../base/index.ts';
import {
  type CompiledRelabelRule,
  compileRelabelRules,
  type RelabelRule,
  relabel,
} from '../exposition/index.ts';
import {
  type Labels,
  labelPairs,
  labelsFromPairs,
  labelsKey,
  labelValue,
  type ScrapeTarget,
  targetId,
} from '../model/index.ts';
import type { TargetGroup } from './kind.ts';

/** What of a scrape job decides about its targets. */
export interface TargetDefaults {
  readonly jobName: string;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly metricsPath: string;
  readonly scheme: string;
  readonly params: ReadonlyMap<string, readonly string[]>;
  readonly honorLabels: boolean;
  readonly honorTimestamps: boolean;
  readonly sampleLimit: number;
  readonly bodyBytesMax: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly relabel: readonly RelabelRule[];
}

/** A target that is not scraped: a rule dropped it, or it makes no valid target. */
export interface DroppedTarget {
  readonly job: string;
  readonly discoveredLabels: Labels;
  /** "" when relabelling dropped it, which is what the user asked for. */
  readonly problem: string;
}

export interface ResolvedTargets {
  readonly targets: readonly ScrapeTarget[];
  readonly dropped: readonly DroppedTarget[];
}

/** Two groups may name one target; it is scraped once. */
export function resolveTargets(defaults: TargetDefaults, groups: readonly TargetGroup[]): ResolvedTargets {
  // Configuration has checked the expressions.
  const rules = expectOk(compileRelabelRules(defaults.relabel));
  const targets = new Map<string, ScrapeTarget>();
  const dropped: DroppedTarget[] = [];
  for (const group of groups) {
    for (const own of group.targets) {
      const discoveredLabels = discovered(defaults, { ...group.labels, ...own });
      const resolved = resolveTarget(defaults, discoveredLabels, rules);
      if (!resolved.ok) dropped.push({ job: defaults.jobName, discoveredLabels, problem: resolved.error });
      else if (!targets.has(resolved.value.id)) targets.set(resolved.value.id, resolved.value);
    }
  }
  return { targets: [...targets.values()], dropped };
}

/** The labels that relabelling sees: what discovery found, then the job's settings where it found none. */
function discovered(defaults: TargetDefaults, found: Readonly<Record<string, string>>): Labels {
  const set = new Map(Object.entries(found));
  const fill = (name: string, value: string): void => {
    if ((set.get(name) ?? '') === '') set.set(name, value);
  };
  fill('job', defaults.jobName);
  fill('__scrape_interval__', formatDuration(defaults.intervalMs));
  fill('__scrape_timeout__', formatDuration(defaults.timeoutMs));
  fill('__metrics_path__', defaults.metricsPath);
  fill('__scheme__', defaults.scheme);
  for (const [name, values] of defaults.params) {
    const first = values[0];
    if (first !== undefined) set.set(`__param_${name}`, first);
  }
  return labelsFromPairs(set);
}

function resolveTarget(
  defaults: TargetDefaults,
  discoveredLabels: Labels,
  rules: readonly CompiledRelabelRule[],
): Result<ScrapeTarget, string> {
  const relabelled = relabel(discoveredLabels, rules);
  if (relabelled === undefined) return err('');
  const address = labelValue(relabelled, '__address__');
  if (address === '') return err('no address');
  if (address.includes('/')) return err(`"${address}" is not a valid address: host:port expected`);
  const scheme = labelValue(relabelled, '__scheme__');
  if (scheme !== 'http' && scheme !== 'https')
    return err(`"${scheme}" is not a scheme: http or https expected`);
  const times = scrapeTimes(relabelled);
  if (!times.ok) return times;

  const labels = publicLabels(relabelled, address);
  const url = targetUrl(relabelled, defaults.params);
  const job = labelValue(labels, 'job');
  return ok({
    id: targetId(`${defaults.jobName}/${labelValue(labels, 'instance')}#${identity(labels, url)}`),
    job,
    url,
    labels,
    discoveredLabels,
    ...times.value,
    honorLabels: defaults.honorLabels,
    honorTimestamps: defaults.honorTimestamps,
    sampleLimit: defaults.sampleLimit,
    bodyBytesMax: defaults.bodyBytesMax,
    headers: defaults.headers,
  });
}

function scrapeTimes(labels: Labels): Result<{ intervalMs: number; timeoutMs: number }, string> {
  const interval = parseDuration(labelValue(labels, '__scrape_interval__'));
  if (!interval.ok) return err(`scrape interval: ${interval.error}`);
  if (interval.value === 0) return err('the scrape interval cannot be 0');
  const timeout = parseDuration(labelValue(labels, '__scrape_timeout__'));
  if (!timeout.ok) return err(`scrape timeout: ${timeout.error}`);
  if (timeout.value === 0) return err('the scrape timeout cannot be 0');
  if (timeout.value > interval.value) {
    const times = `${formatDuration(timeout.value)} > ${formatDuration(interval.value)}`;
    return err(`the scrape timeout cannot be greater than the scrape interval (${times})`);
  }
  return ok({ intervalMs: interval.value, timeoutMs: timeout.value });
}

/** Labels whose name begins with "__" end here; the address is the instance unless something else was said. */
function publicLabels(labels: Labels, address: string): Labels {
  const set = new Map<string, string>([['instance', address]]);
  for (const [name, value] of labelPairs(labels)) if (!name.startsWith('__')) set.set(name, value);
  return labelsFromPairs(set);
}

const PARAM_PREFIX = '__param_';

/** Parameters sorted by name; the first value of each is what relabelling left in `__param_NAME`. */
function targetUrl(labels: Labels, configured: ReadonlyMap<string, readonly string[]>): string {
  const params = new Map<string, string[]>();
  for (const [name, values] of configured) params.set(name, [...values]);
  for (const [name, value] of labelPairs(labels)) {
    if (!name.startsWith(PARAM_PREFIX)) continue;
    const key = name.slice(PARAM_PREFIX.length);
    const rest = params.get(key)?.slice(1) ?? [];
    params.set(key, [value, ...rest]);
  }
  const query = [...params.entries()]
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .flatMap(([name, values]) => values.map(value => `${escapeQuery(name)}=${escapeQuery(value)}`))
    .join('&');
  const path = labelValue(labels, '__metrics_path__');
  const rooted = path === '' || path.startsWith('/') ? path : `/${path}`;
  const base = `${labelValue(labels, '__scheme__')}://${labelValue(labels, '__address__')}${escapePath(rooted)}`;
  return query === '' ? base : `${base}?${query}`;
}

/** As Go's url.Values.Encode: form encoding. */
function escapeQuery(value: string): string {
  return encodeURIComponent(wellFormed(value))
    .replace(/[!'()*]/g, char => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
    .replace(/%20/g, '+');
}

function escapePath(path: string): string {
  return path
    .split('/')
    .map(part =>
      encodeURIComponent(wellFormed(part)).replace(/%(?:3A|40|26|3D|2B|24|2C|3B)/g, decodeURIComponent),
    )
    .join('/');
}

/** Half a surrogate pair cannot be written as UTF-8. */
function wellFormed(value: string): string {
  return value.replace(/[\ud800-\udfff]/gu, '\ufffd');
}

/** Long enough that two targets of one job and instance never meet. */
const IDENTITY_HEX_DIGITS = 16;

function identity(labels: Labels, url: string): string {
  const hash = createHash('sha256').update(`${labelsKey(labels)} ${url}`, 'utf8');
  return hash.digest('hex').slice(0, IDENTITY_HEX_DIGITS);
}
