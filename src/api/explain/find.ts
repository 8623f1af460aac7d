// Which alert is meant: by its fingerprint, its name, or its name with matchers of its labels.

import { err, ok, type Result } from '../../base/index.ts';
import {
  type Alert,
  compileMatchers,
  type Labels,
  labelsFrom,
  type Matcher,
  matchesAll,
} from '../../model/index.ts';
import type { ApiDeps, RuleGroupView, RuleView } from '../deps.ts';
import { plainSelector } from '../selectors.ts';

/** Alerts of one name that are looked at. */
const KNOWN_MAX = 500;
/** Of them so many are asked for their state at a past time. */
const STATES_ASKED = 50;

export interface Wanted {
  readonly fingerprint: string | undefined;
  /** "" where only matchers are given. */
  readonly name: string;
  fits(labels: Labels): boolean;
}

/** `Down`, `Down{instance="a"}`, `{instance="a"}` or a fingerprint. */
export function readWanted(text: string): Result<Wanted, string> {
  const at = text.indexOf('{');
  const name = (at < 0 ? text : text.slice(0, at)).trim();
  const matchers: Matcher[] = [];
  if (at >= 0) {
    const selector = text.slice(at).replace(/\s/g, '') === '{}' ? ok([]) : plainSelector(text.slice(at));
    if (!selector.ok) return err(`the labels of "${text}": ${selector.error}`);
    matchers.push(...selector.value);
  }
  const compiled = compileMatchers(matchers);
  if (!compiled.ok) return err(compiled.error);
  const fingerprint = at < 0 && /^[0-9a-f]{16}$/.test(name) ? name : undefined;
  return ok({ fingerprint, name, fits: labels => matchesAll(compiled.value, labels) });
}

export interface Candidate {
  readonly fingerprint: string;
  readonly labels: Labels;
  readonly state: string;
  /** As the rules have it now; undefined for a past time, and for what is over. */
  readonly alert: Alert | undefined;
}

const ORDER: readonly string[] = ['firing', 'unknown', 'pending', 'resolved', 'inactive'];

export interface Found {
  /** The most urgent first, with their states at that time. */
  readonly alerts: readonly Candidate[];
  /** What is meant was first named later than the time that is asked for. */
  readonly laterMs: number | undefined;
}

/** All alerts that are meant. */
export async function findAlerts(
  deps: ApiDeps,
  wanted: Wanted,
  at: { readonly atMs: number; readonly isPast: boolean },
): Promise<Result<Found, string>> {
  const { fingerprint, name } = wanted;
  const filter = fingerprint !== undefined ? { fingerprint } : name === '' ? {} : { name };
  const known = await deps.state.knownAlerts({ ...filter, limit: KNOWN_MAX });
  if (!known.ok) return err(known.error.message);
  const found = new Map<string, Candidate>();
  if (!at.isPast) {
    for (const alert of [...deps.alerts(), ...deps.postedAlerts()]) {
      if (fingerprint !== undefined ? alert.fingerprint !== fingerprint : !isNamed(alert.labels, wanted))
        continue;
      const { labels, state } = alert;
      found.set(alert.fingerprint, { fingerprint: alert.fingerprint, labels, state, alert });
    }
  }
  let laterMs: number | undefined;
  for (const one of known.value) {
    const labels = labelsFrom(one.labels);
    if (found.has(one.fingerprint) || !wanted.fits(labels)) continue;
    if (one.firstAtMs > at.atMs) {
      laterMs = Math.min(laterMs ?? one.firstAtMs, one.firstAtMs);
      continue;
    }
    const asked = found.size < STATES_ASKED ? await stateAt(deps, one.fingerprint, at.atMs) : ok('resolved');
    if (!asked.ok) return asked;
    found.set(one.fingerprint, {
      fingerprint: one.fingerprint,
      labels,
      state: asked.value,
      alert: undefined,
    });
  }
  const rank = ({ state }: Candidate): number => ORDER.indexOf(state);
  return ok({ alerts: [...found.values()].sort((a, b) => rank(a) - rank(b)), laterMs });
}

function isNamed(labels: Labels, wanted: Wanted): boolean {
  if (wanted.name !== '' && nameOf(labels) !== wanted.name) return false;
  return wanted.fits(labels);
}

async function stateAt(deps: ApiDeps, fingerprint: string, atMs: number): Promise<Result<string, string>> {
  const events = await deps.state.journal({
    subject: { kind: 'alert', fingerprint },
    stage: 'rule',
    toMs: atMs,
    limit: 5,
    newestFirst: true,
  });
  if (!events.ok) return err(events.error.message);
  return ok(events.value.find(({ verdict }) => ORDER.includes(verdict))?.verdict ?? 'inactive');
}

export function nameOf(labels: Labels): string {
  const at = labels.indexOf('alertname');
  return at >= 0 && at % 2 === 0 ? (labels[at + 1] ?? '') : '';
}

export interface FoundRule {
  readonly group: RuleGroupView;
  readonly rule: RuleView;
}

/** The rules that make alerts of this name. */
export function findRules(deps: ApiDeps, name: string): readonly FoundRule[] {
  return deps
    .ruleGroups()
    .flatMap(group => group.rules.map(rule => ({ group, rule })))
    .filter(({ rule }) => rule.kind === 'alerting' && rule.name === name);
}

/** Names of rules that resemble what was asked for. */
export function similarNames(deps: ApiDeps, name: string): readonly string[] {
  const wanted = name.toLowerCase();
  const names = deps
    .ruleGroups()
    .flatMap(group => group.rules.filter(rule => rule.kind === 'alerting').map(rule => rule.name));
  const similar = [...new Set(names)].filter(one => {
    const other = one.toLowerCase();
    return wanted !== '' && (other.includes(wanted) || wanted.includes(other));
  });
  return similar.slice(0, 5);
}
