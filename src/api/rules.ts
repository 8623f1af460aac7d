// Prometheus's route for rules: which of them, and page by page.

import { createHash } from 'node:crypto';
import { err, ok, type Result, type ServerResponse } from '../base/index.ts';
import {
  type CompiledMatcher,
  compileMatchers,
  type Labels,
  labelsFromPairs,
  matchesAll,
} from '../model/index.ts';
import type { RuleGroupJson, RuleJson, RulesData } from './contract.ts';
import type { ApiDeps } from './deps.ts';
import { ruleGroupJson } from './encode.ts';
import { booleanParam } from './params.ts';
import type { Asked } from './prometheus.ts';
import { failure, success } from './respond.ts';
import { selectorParams } from './selectors.ts';

interface Wanted {
  /** Undefined: both. */
  readonly type: RuleJson['type'] | undefined;
  /** Of these three: empty for any. */
  readonly names: ReadonlySet<string>;
  readonly groups: ReadonlySet<string>;
  readonly files: ReadonlySet<string>;
  /** By the rules' own labels; empty for any. */
  readonly anyOf: readonly (readonly CompiledMatcher[])[];
  readonly withAlerts: boolean;
  /** Groups at once; 0: all. */
  readonly pageSize: number;
  /** Of the group that the page begins with; "" for the first. */
  readonly token: string;
}

export function rules(deps: ApiDeps, { params }: Asked): ServerResponse {
  const wanted = wantedOf(params);
  if (!wanted.ok) return failure('bad_data', wanted.error);
  const page = pageOf(deps.ruleGroups().map(ruleGroupJson), wanted.value);
  return page.ok ? success(page.value) : failure('bad_data', page.error);
}

function wantedOf(params: URLSearchParams): Result<Wanted, string> {
  const type = typeOf((params.get('type') ?? '').toLowerCase());
  if (!type.ok) return type;
  const anyOf = matchersOf(params);
  if (!anyOf.ok) return anyOf;
  const excluded = booleanParam(params, 'exclude_alerts', false);
  if (!excluded.ok) return excluded;
  const size = params.get('group_limit') ?? '';
  const token = params.get('group_next_token') ?? '';
  if (size !== '' && !/^[1-9]\d{0,8}$/.test(size))
    return err('invalid parameter "group_limit": a whole number above zero expected');
  if (size === '' && token !== '')
    return err('invalid parameter "group_next_token": group_limit is needed beside it');
  const set = (name: string): ReadonlySet<string> => new Set(params.getAll(name));
  return ok({
    type: type.value,
    names: set('rule_name[]'),
    groups: set('rule_group[]'),
    files: set('file[]'),
    anyOf: anyOf.value,
    withAlerts: !excluded.value,
    pageSize: Number(size),
    token,
  });
}

function typeOf(text: string): Result<Wanted['type'], string> {
  if (text === '') return ok(undefined);
  if (text === 'alert') return ok('alerting');
  return text === 'record'
    ? ok('recording')
    : err(`invalid parameter "type": "${text}": alert or record expected`);
}

function matchersOf(params: URLSearchParams): Result<Wanted['anyOf'], string> {
  const selectors = selectorParams(params);
  if (!selectors.ok) return selectors;
  const anyOf: (readonly CompiledMatcher[])[] = [];
  for (const matchers of selectors.value) {
    const compiled = compileMatchers(matchers);
    if (!compiled.ok) return err(`invalid parameter "match[]": ${compiled.error}`);
    anyOf.push(compiled.value);
  }
  return ok(anyOf);
}

/** Groups of which nothing is wanted are left out. The token names the group that the next page begins with. */
function pageOf(groups: readonly RuleGroupJson[], wanted: Wanted): Result<RulesData, string> {
  const { pageSize, token } = wanted;
  const start = token === '' ? 0 : groups.findIndex(group => tokenOf(group) === token);
  if (start < 0)
    return err(`invalid parameter "group_next_token": "${token}" names no group: were the rules reloaded?`);
  const page: RuleGroupJson[] = [];
  for (const group of groups.slice(start)) {
    const found = withWantedRules(group, wanted);
    if (found.rules.length === 0) continue;
    if (pageSize > 0 && page.length === pageSize) return ok({ groups: page, groupNextToken: tokenOf(group) });
    page.push(found);
  }
  return ok({ groups: page });
}

function withWantedRules(group: RuleGroupJson, wanted: Wanted): RuleGroupJson {
  const { type, names, groups, files, anyOf, withAlerts } = wanted;
  const isWanted = isIn(groups, group.name) && isIn(files, group.file);
  const found = group.rules.filter(
    rule =>
      isWanted && (type === undefined || rule.type === type) && isIn(names, rule.name) && fits(rule, anyOf),
  );
  return { ...group, rules: withAlerts ? found : found.map(withoutAlerts) };
}

function isIn(wanted: ReadonlySet<string>, name: string): boolean {
  return wanted.size === 0 || wanted.has(name);
}

function fits(rule: RuleJson, anyOf: Wanted['anyOf']): boolean {
  if (anyOf.length === 0) return true;
  const labels: Labels = labelsFromPairs(Object.entries(rule.labels));
  return anyOf.some(matchers => matchesAll(matchers, labels));
}

function withoutAlerts(rule: RuleJson): RuleJson {
  return rule.alerts === undefined ? rule : { ...rule, alerts: [] };
}

/** The same over reloads, as long as the group keeps its file and name. */
function tokenOf({ file, name }: RuleGroupJson): string {
  return createHash('sha1').update(`${file};${name}`).digest('hex');
}
