// Inhibition: alerts that keep others quiet while they fire. Alertmanager's semantics, by lookup instead of by products.

import { assert } from '../base/index.ts';
import {
  type CompiledMatcher,
  compileMatchers,
  type Labels,
  labelValue,
  type Matcher,
  matchesAll,
} from '../model/index.ts';

export interface InhibitSource {
  readonly matchers: readonly Matcher[];
  /** Labels that must have the same value in source and target; an absent label is an empty one. */
  readonly equal: readonly string[];
}

/** Targets are quiet while each of the sources has an alert that fires. */
export interface InhibitRule {
  readonly name?: string;
  readonly sources: readonly InhibitSource[];
  readonly targets: readonly Matcher[];
}

interface CompiledSource {
  readonly matchers: readonly CompiledMatcher[];
  readonly equal: readonly string[];
  /** Values of the equal labels → the alerts that fire, in the order in which they began. */
  readonly firing: Map<string, Map<string, SourceAlert>>;
}

interface SourceAlert {
  /** It fits the target side too: such an alert does not inhibit others that fit both sides. */
  readonly isTarget: boolean;
}

interface CompiledRule {
  readonly name: string;
  readonly index: number;
  readonly sources: readonly CompiledSource[];
  readonly targets: readonly CompiledMatcher[];
}

/** What an alert's labels mean to the rules: worked out once an alert. */
interface Roles {
  readonly asSource: readonly {
    readonly source: CompiledSource;
    readonly key: string;
    readonly isTarget: boolean;
  }[];
  readonly asTarget: readonly {
    readonly rule: CompiledRule;
    /** Of each source: where to look, and whether the alert fits that source too. */
    readonly lookups: readonly {
      readonly source: CompiledSource;
      readonly key: string;
      readonly twoSided: boolean;
    }[];
  }[];
}

export interface Inhibited {
  /** Position of the rule in the configuration. */
  readonly rule: number;
  readonly name: string;
  /** Fingerprints, one a source of the rule. */
  readonly by: readonly string[];
}

const NO_ROLES: Roles = { asSource: [], asTarget: [] };

/** Owns which source alerts fire. */
export class Inhibition {
  readonly #rules: readonly CompiledRule[];
  readonly #roles = new Map<string, Roles>();

  constructor(rules: readonly CompiledRule[]) {
    this.#rules = rules;
  }

  /** Says whether an alert fires now. Cheap when nothing changed. */
  note(fingerprint: string, labels: Labels, fires: boolean): void {
    if (this.#rules.length === 0) return;
    const { asSource } = this.#rolesOf(fingerprint, labels);
    for (const { source, key, isTarget } of asSource) {
      const known = source.firing.get(key);
      if (fires && known === undefined) source.firing.set(key, new Map([[fingerprint, { isTarget }]]));
      else if (fires && known?.has(fingerprint) === false) known.set(fingerprint, { isTarget });
      else if (!fires && known !== undefined) {
        known.delete(fingerprint);
        if (known.size === 0) source.firing.delete(key);
      }
    }
  }

  /** An alert that nobody keeps any more. */
  forget(fingerprint: string, labels: Labels): void {
    this.note(fingerprint, labels, false);
    this.#roles.delete(fingerprint);
  }

  /** The first rule that keeps the alert quiet, and by which alerts. */
  inhibitedBy(fingerprint: string, labels: Labels): Inhibited | undefined {
    if (this.#rules.length === 0) return undefined;
    for (const { rule, lookups } of this.#rolesOf(fingerprint, labels).asTarget) {
      const by: string[] = [];
      for (const { source, key, twoSided } of lookups) {
        const found = firstOf(source.firing.get(key), twoSided);
        if (found === undefined) break;
        by.push(found);
      }
      if (by.length === lookups.length) return { rule: rule.index, name: rule.name, by };
    }
    return undefined;
  }

  #rolesOf(fingerprint: string, labels: Labels): Roles {
    const known = this.#roles.get(fingerprint);
    if (known !== undefined) return known;
    const roles = rolesOf(this.#rules, labels);
    this.#roles.set(fingerprint, roles);
    return roles;
  }
}

/** Throws for matchers that do not compile: configuration compiled the same ones before. */
export function inhibitionOf(rules: readonly InhibitRule[]): Inhibition {
  return new Inhibition(
    rules.map((rule, index) => ({
      name: rule.name ?? '',
      index,
      sources: rule.sources.map(({ matchers, equal }) => ({
        matchers: compiled(matchers),
        equal,
        firing: new Map(),
      })),
      targets: compiled(rule.targets),
    })),
  );
}

function compiled(matchers: readonly Matcher[]): readonly CompiledMatcher[] {
  const all = compileMatchers(matchers);
  assert(all.ok, 'the matchers of an inhibition rule are checked by config');
  return all.value;
}

function firstOf(
  alerts: ReadonlyMap<string, SourceAlert> | undefined,
  twoSided: boolean,
): string | undefined {
  for (const [fingerprint, { isTarget }] of alerts ?? []) if (!twoSided || !isTarget) return fingerprint;
  return undefined;
}

function rolesOf(rules: readonly CompiledRule[], labels: Labels): Roles {
  const asSource: Roles['asSource'][number][] = [];
  const asTarget: Roles['asTarget'][number][] = [];
  for (const rule of rules) {
    const isTarget = matchesAll(rule.targets, labels);
    const lookups = rule.sources.map(source => {
      const key = source.equal.map(name => JSON.stringify(labelValue(labels, name))).join();
      const twoSided = matchesAll(source.matchers, labels);
      if (twoSided) asSource.push({ source, key, isTarget });
      return { source, key, twoSided };
    });
    if (isTarget && lookups.length > 0) asTarget.push({ rule, lookups });
  }
  return asSource.length + asTarget.length === 0 ? NO_ROLES : { asSource, asTarget };
}
