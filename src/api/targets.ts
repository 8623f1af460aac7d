// Prometheus's routes for targets: what is scraped, what its pages say of their metrics, and how its labels came about.

import { compareUtf8, type ServerResponse } from '../base/index.ts';
import { compileRelabelRules, RELABEL_DEFAULTS, type RelabelRule, relabel } from '../exposition/index.ts';
import { compileMatchers, labelsFromPairs, labelsToRecord, matchesAll } from '../model/index.ts';
import type { LabelRecord, RelabelStepJson, TargetMetadataJson, TargetsData } from './contract.ts';
import type { ApiDeps } from './deps.ts';
import { targetJson } from './encode.ts';
import { countParam } from './params.ts';
import type { Asked } from './prometheus.ts';
import { failure, success } from './respond.ts';
import { plainSelector } from './selectors.ts';

export function targets(deps: ApiDeps, { params }: Asked): ServerResponse {
  const state = (params.get('state') ?? '').toLowerCase();
  const pool = params.get('scrapePool') ?? '';
  // As in Prometheus a state that is none selects nothing.
  const isShown = (one: string): boolean => state === '' || state === 'any' || state === one;
  const active = isShown('active') ? deps.targets() : [];
  const dropped = isShown('dropped') ? deps.droppedTargets() : [];
  const data: TargetsData = {
    activeTargets: active.filter(({ job }) => pool === '' || job === pool).map(targetJson),
    droppedTargets: dropped.filter(({ scrapePool }) => pool === '' || scrapePool === pool),
    droppedTargetCounts: isShown('dropped') ? deps.droppedTargetCounts() : {},
  };
  return success(data);
}

export function scrapePools(deps: ApiDeps): ServerResponse {
  return success({ scrapePools: [...new Set(deps.scrapePools())].sort(compareUtf8) });
}

/** Of each target, or of those that `match_target` selects by their labels; at most `limit` entries. */
export function targetMetadata(deps: ApiDeps, { params }: Asked): ServerResponse {
  const limit = countParam(params, 'limit');
  if (!limit.ok) return failure('bad_data', limit.error);
  const selector = params.get('match_target') ?? '';
  const plain = selector === '' ? undefined : plainSelector(selector);
  if (plain?.ok === false) return failure('bad_data', `invalid parameter "match_target": ${plain.error}`);
  const matchers = compileMatchers(plain?.value ?? []);
  if (!matchers.ok) return failure('bad_data', `invalid parameter "match_target": ${matchers.error}`);
  const wanted = params.get('metric') ?? '';
  const data: TargetMetadataJson[] = [];
  for (const { id, labels } of deps.targets()) {
    if (!matchesAll(matchers.value, labels)) continue;
    const target = labelsToRecord(labels);
    for (const { metric, type, help, unit } of deps.targetMetadata(id)) {
      if (wanted === '') data.push({ target, metric, type, help, unit });
      else if (metric === wanted) data.push({ target, type, help, unit });
    }
  }
  return success(limit.value < 0 ? data : data.slice(0, limit.value));
}

/** What each relabelling rule of a scrape job makes of some labels; the rule that drops them is the last one shown. */
export function relabelSteps(deps: ApiDeps, { params }: Asked): ServerResponse {
  const pool = params.get('scrapePool') ?? '';
  const rules = deps.relabelRules(pool);
  if (rules === undefined)
    return failure('bad_data', `invalid parameter "scrapePool": there is no scrape pool "${pool}"`);
  const given = labelsOf(params.get('labels') ?? '');
  if (given === undefined)
    return failure('bad_data', 'invalid parameter "labels": a JSON object whose values are texts expected');
  const compiled = compileRelabelRules(rules);
  if (!compiled.ok) return failure('internal', compiled.error);
  let labels = labelsFromPairs(Object.entries(given));
  const steps: RelabelStepJson[] = [];
  for (const rule of compiled.value) {
    const changed = relabel(labels, [rule]);
    const output = changed === undefined ? {} : labelsToRecord(changed);
    steps.push({ rule: ruleJson(rule), output, keep: changed !== undefined });
    if (changed === undefined) break;
    labels = changed;
  }
  return success({ steps });
}

function labelsOf(text: string): LabelRecord | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    return Object.values(value).every(one => typeof one === 'string') ? (value as LabelRecord) : undefined;
  } catch {
    return undefined;
  }
}

/** As it is written in a configuration; what is empty is left out. */
function ruleJson(rule: RelabelRule): RelabelStepJson['rule'] {
  const { sourceLabels, separator, regex, modulus, targetLabel, replacement, action } = rule;
  const joins = sourceLabels.length > 1 || separator !== RELABEL_DEFAULTS.separator;
  return {
    ...(sourceLabels.length === 0 ? {} : { source_labels: sourceLabels }),
    ...(joins ? { separator } : {}),
    regex,
    ...(modulus === 0 ? {} : { modulus }),
    ...(targetLabel === '' ? {} : { target_label: targetLabel }),
    ...(replacement === '' ? {} : { replacement }),
    action,
  };
}
