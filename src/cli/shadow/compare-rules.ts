// Rules and their alerts, here and there.

import type { LabelRecord, RuleJson } from '../../api/index.ts';
import { utcText } from '../render/index.ts';
import {
  alertingRules,
  alertsOf,
  canonicalExpr,
  type Difference,
  longestIntervalMs,
  type Side,
  type SideAlert,
  type Snapshot,
} from './sides.ts';

export function compareRules({ here, there }: Snapshot): readonly Difference[] {
  const names = [...new Set([...alertingRules(here), ...alertingRules(there)].map(rule => rule.name))];
  return names.flatMap(name => {
    const mine = rulesNamed(here, name);
    const theirs = rulesNamed(there, name);
    if (mine.length === 0)
      return [
        ruleDifference(name, 'no such rule', theirs.map(ruleText).join('; '), 'the rule is missing here'),
      ];
    if (theirs.length === 0)
      return [
        ruleDifference(name, mine.map(ruleText).join('; '), 'no such rule', 'the rule is missing there'),
      ];
    return pairDifferences(name, mine, theirs);
  });
}

function ruleDifference(subject: string, here: string, there: string, reason: string): Difference {
  return { kind: 'rule', subject, here, there, reason, isExpected: false, sinceMs: 0 };
}

function rulesNamed(side: Side, name: string): readonly RuleJson[] {
  return alertingRules(side).filter(rule => rule.name === name);
}

/** Several rules may have one name: those that are equal go first, the rest differ in their order. */
function pairDifferences(
  name: string,
  mine: readonly RuleJson[],
  theirs: readonly RuleJson[],
): readonly Difference[] {
  const left = theirs.map(rule => ({ rule, text: ruleText(rule) }));
  const unpaired = mine.filter(rule => {
    const at = left.findIndex(other => other.text === ruleText(rule));
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
  const found: Difference[] = [];
  for (let i = 0; i < Math.max(unpaired.length, left.length); i++) {
    const [own, other] = [unpaired[i], left[i]?.rule];
    const what =
      own === undefined || other === undefined ? 'a rule of this name' : partsThatDiffer(own, other);
    const side = own === undefined ? 'is missing here' : other === undefined ? 'is missing there' : 'differs';
    found.push(
      ruleDifference(
        i === 0 ? name : `${name} (${i + 1})`,
        own === undefined ? 'no such rule' : ruleText(own),
        other === undefined ? 'no such rule' : ruleText(other),
        `${what} ${side}`,
      ),
    );
  }
  return found;
}

function partsThatDiffer(own: RuleJson, other: RuleJson): string {
  const parts = [
    canonicalExpr(own.query) === canonicalExpr(other.query) ? '' : 'the expression',
    (own.duration ?? 0) === (other.duration ?? 0) ? '' : '`for`',
    (own.keepFiringFor ?? 0) === (other.keepFiringFor ?? 0) ? '' : '`keep_firing_for`',
    JSON.stringify(sorted(own.labels)) === JSON.stringify(sorted(other.labels)) ? '' : 'labels',
  ].filter(part => part !== '');
  return parts.join(', ');
}

function ruleText(rule: RuleJson): string {
  const { query, duration = 0, keepFiringFor = 0, labels } = rule;
  return [
    canonicalExpr(query),
    duration > 0 ? `for ${duration}s` : '',
    keepFiringFor > 0 ? `keep_firing_for ${keepFiringFor}s` : '',
    Object.keys(labels ?? {}).length > 0 ? `labels ${JSON.stringify(sorted(labels))}` : '',
  ]
    .filter(part => part !== '')
    .join(', ');
}

function sorted(labels: LabelRecord | undefined): LabelRecord {
  return Object.fromEntries(Object.entries(labels ?? {}).sort(([a], [b]) => (a < b ? -1 : 1)));
}

// --- alerts ------------------------------------------------------------------------------------------

/** `rules`: what was found to differ of the rules themselves. */
export function compareAlerts(snapshot: Snapshot, rules: readonly Difference[]): readonly Difference[] {
  const mine = alertsOf(snapshot.here);
  const theirs = alertsOf(snapshot.there);
  const found: Difference[] = [];
  const onlyThere = new Map([...theirs].filter(([key]) => !mine.has(key)));
  for (const [key, alert] of mine) {
    const other = theirs.get(key);
    if (other !== undefined) found.push(...inBoth(alert, other, { snapshot, rules }));
    else {
      const renamed = nearest(alert, onlyThere);
      if (renamed === undefined) found.push(onlyHere(alert, snapshot, rules));
      else {
        onlyThere.delete(renamed.key);
        found.push(otherLabels(alert, renamed));
      }
    }
  }
  for (const alert of onlyThere.values()) found.push(onlyThereOf(alert, snapshot, rules));
  return found;
}

interface Known {
  readonly snapshot: Snapshot;
  readonly rules: readonly Difference[];
}

function inBoth(alert: SideAlert, other: SideAlert, { snapshot, rules }: Known): readonly Difference[] {
  const { shadowStartedAtMs } = snapshot;
  const toleranceMs = longestIntervalMs(snapshot);
  const common = { subject: alert.key, sinceMs: Math.max(alert.activeAtMs, other.activeAtMs) };
  const apartMs = Math.abs(alert.activeAtMs - other.activeAtMs);
  // The shadow cannot know how long the condition held before it began.
  const isYounger = other.activeAtMs <= shadowStartedAtMs && alert.activeAtMs > other.activeAtMs;
  const began = `the shadow began at ${utcText(shadowStartedAtMs)}, and counts from then`;
  const since = `since ${utcText(alert.activeAtMs)}`;
  const otherSince = `since ${utcText(other.activeAtMs)}`;
  if (alert.state !== other.state) {
    const reason = isYounger
      ? began
      : ruleReason(alert.rule, rules) || 'the condition held longer on one side';
    const texts = { here: `${alert.state} ${since}`, there: `${other.state} ${otherSince}` };
    return [{ kind: 'alert-state', ...common, ...texts, reason, isExpected: isYounger }];
  }
  if (apartMs <= toleranceMs) return [];
  const reason = isYounger ? began : ruleReason(alert.rule, rules) || 'its data came or went at another time';
  return [{ kind: 'alert-since', ...common, here: since, there: otherSince, reason, isExpected: isYounger }];
}

/** An alert of the same rule that shares more labels than it does not. */
function nearest(alert: SideAlert, others: ReadonlyMap<string, SideAlert>): SideAlert | undefined {
  let best: { readonly other: SideAlert; readonly apart: number } | undefined;
  for (const other of others.values()) {
    if (other.rule.name !== alert.rule.name) continue;
    const { apart, shared } = labelDistance(alert.labels, other.labels);
    if (apart > shared || (best !== undefined && best.apart <= apart)) continue;
    if (identity(alert.labels) !== identity(other.labels)) continue;
    best = { other, apart };
  }
  return best?.other;
}

/** An alert of another target is another alert, however much is alike. */
function identity({ job, instance }: LabelRecord): string {
  return JSON.stringify([job, instance]);
}

function labelDistance(a: LabelRecord, b: LabelRecord): { readonly apart: number; readonly shared: number } {
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  let apart = 0;
  for (const name of names) if (a[name] !== b[name]) apart += 1;
  return { apart, shared: names.size - apart };
}

function otherLabels(alert: SideAlert, other: SideAlert): Difference {
  const names = [...new Set([...Object.keys(alert.labels), ...Object.keys(other.labels)])].filter(
    name => alert.labels[name] !== other.labels[name],
  );
  const text = (labels: LabelRecord): string =>
    names.map(name => `${name}=${JSON.stringify(labels[name] ?? '')}`).join(', ');
  return {
    kind: 'alert-labels',
    subject: alert.key,
    here: text(alert.labels),
    there: text(other.labels),
    reason: `labels differ: ${names.join(', ')}`,
    isExpected: false,
    sinceMs: Math.max(alert.activeAtMs, other.activeAtMs),
  };
}

function onlyHere(alert: SideAlert, { there }: Snapshot, rules: readonly Difference[]): Difference {
  const unknown =
    alert.unknown === '' ? '' : `its data is missing, and here that does not resolve it: ${alert.unknown}`;
  return {
    kind: 'alert',
    subject: alert.key,
    here: `${alert.state} since ${utcText(alert.activeAtMs)}`,
    there: 'no such alert',
    reason:
      unknown ||
      ruleReason(alert.rule, rules) ||
      failureOf(there, alert.rule.name, 'there') ||
      'the rules are equal: the samples differ, or its target is not scraped there',
    isExpected: false,
    sinceMs: alert.activeAtMs,
  };
}

function onlyThereOf(alert: SideAlert, { here }: Snapshot, rules: readonly Difference[]): Difference {
  return {
    kind: 'alert',
    subject: alert.key,
    here: 'no such alert',
    there: `${alert.state} since ${utcText(alert.activeAtMs)}`,
    reason:
      ruleReason(alert.rule, rules) ||
      failureOf(here, alert.rule.name, 'here') ||
      'the rules are equal: the samples differ, or its target is not scraped here',
    isExpected: false,
    sinceMs: alert.activeAtMs,
  };
}

function ruleReason(rule: RuleJson, rules: readonly Difference[]): string {
  const found = rules.find(({ subject }) => subject === rule.name || subject.startsWith(`${rule.name} (`));
  return found === undefined ? '' : `${found.reason}: ${found.here} here, ${found.there} there`;
}

function failureOf(side: Side, name: string, where: string): string {
  const broken = rulesNamed(side, name).find(rule => rule.health === 'err');
  return broken === undefined ? '' : `the rule fails ${where}: ${broken.lastError ?? ''}`;
}
