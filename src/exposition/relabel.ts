// Relabelling: rules over one label set. Pure; used on targets by discovery and on samples by collect.

import { createHash } from 'node:crypto';
import { err, never, ok, type Result } from '../base/index.ts';
import {
  compileRegex,
  expandTemplate,
  type Labels,
  labelPairs,
  labelsFromPairs,
  type Regex,
} from '../model/index.ts';

export const RELABEL_ACTIONS = [
  'replace',
  'keep',
  'drop',
  'keepequal',
  'dropequal',
  'hashmod',
  'labelmap',
  'labeldrop',
  'labelkeep',
  'lowercase',
  'uppercase',
] as const;
export type RelabelAction = (typeof RELABEL_ACTIONS)[number];

/** A rule as written, defaults applied. */
export interface RelabelRule {
  readonly action: RelabelAction;
  readonly sourceLabels: readonly string[];
  readonly separator: string;
  readonly regex: string;
  readonly modulus: number;
  readonly targetLabel: string;
  readonly replacement: string;
}

/** Prometheus's defaults. */
export const RELABEL_DEFAULTS: RelabelRule = {
  action: 'replace',
  sourceLabels: [],
  separator: ';',
  regex: '(.*)',
  modulus: 0,
  targetLabel: '',
  replacement: '$1',
};

export interface CompiledRelabelRule extends RelabelRule {
  readonly compiled: Regex;
}

/** The error names the rule by its place and says RE2's message. */
export function compileRelabelRules(
  rules: readonly RelabelRule[],
): Result<readonly CompiledRelabelRule[], string> {
  const compiled: CompiledRelabelRule[] = [];
  for (const [i, rule] of rules.entries()) {
    const regex = compileRegex(rule.regex);
    if (!regex.ok) return err(`Cannot use relabelling rule ${i + 1}: regex "${rule.regex}": ${regex.error}`);
    compiled.push({ ...rule, compiled: regex.value });
  }
  return ok(compiled);
}

/** The label set after all rules, or undefined when a rule drops it. */
export function relabel(labels: Labels, rules: readonly CompiledRelabelRule[]): Labels | undefined {
  if (rules.length === 0) return labels;
  const set = new Map(labelPairs(labels));
  for (const rule of rules) if (!applyRule(set, rule)) return undefined;
  return labelsFromPairs(set);
}

/** Changes the set in place; false drops it. An absent label reads as "", and a label set to "" is removed. */
function applyRule(set: Map<string, string>, rule: CompiledRelabelRule): boolean {
  const value = rule.sourceLabels.map(name => set.get(name) ?? '').join(rule.separator);
  const { action, compiled, targetLabel } = rule;
  switch (action) {
    case 'replace':
      replace(set, rule, value);
      return true;
    case 'keep':
      return compiled.test(value);
    case 'drop':
      return !compiled.test(value);
    case 'keepequal':
      return (set.get(targetLabel) ?? '') === value;
    case 'dropequal':
      return (set.get(targetLabel) ?? '') !== value;
    case 'lowercase':
      put(set, targetLabel, mapRunes(value, lowerRune));
      return true;
    case 'uppercase':
      put(set, targetLabel, mapRunes(value, upperRune));
      return true;
    case 'hashmod':
      put(set, targetLabel, hashMod(value, rule.modulus));
      return true;
    case 'labelmap':
      for (const [name, old] of [...set]) {
        const groups = compiled.groups(name);
        if (groups !== undefined) put(set, expandTemplate(rule.replacement, compiled, groups), old);
      }
      return true;
    case 'labeldrop':
      for (const name of [...set.keys()]) if (compiled.test(name)) set.delete(name);
      return true;
    case 'labelkeep':
      for (const name of [...set.keys()]) if (!compiled.test(name)) set.delete(name);
      return true;
    default:
      return never(action);
  }
}

function replace(set: Map<string, string>, rule: CompiledRelabelRule, value: string): void {
  const groups = rule.compiled.groups(value);
  if (groups === undefined) return;
  const target = expandTemplate(rule.targetLabel, rule.compiled, groups);
  // Any UTF-8 text but the empty one is a label name; a target that expands to nothing sets nothing.
  if (target === '') return;
  put(set, target, expandTemplate(rule.replacement, rule.compiled, groups));
}

function put(set: Map<string, string>, name: string, value: string): void {
  if (name === '') return;
  if (value === '') set.delete(name);
  else set.set(name, value);
}

/** The last eight bytes of the MD5 sum as a big-endian number, modulo. */
function hashMod(value: string, modulus: number): string {
  const sum = createHash('md5').update(value, 'utf8').digest();
  return String(sum.readBigUInt64BE(8) % BigInt(modulus));
}

/** Go maps rune by rune and never makes one rune into several, unlike JavaScript ("ß" stays "ß"). */
function mapRunes(text: string, map: (rune: string) => string): string {
  return /^[\x00-\x7f]*$/.test(text) ? map(text) : Array.from(text, map).join('');
}

function upperRune(rune: string): string {
  const upper = rune.toUpperCase();
  return Array.from(upper).length > Array.from(rune).length ? rune : upper;
}

function lowerRune(rune: string): string {
  const lower = rune.toLowerCase();
  return Array.from(lower).length > Array.from(rune).length ? (Array.from(lower)[0] ?? rune) : lower;
}
