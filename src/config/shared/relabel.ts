// relabel_configs: the rules that rewrite labels of targets, samples and alerts, checked for each action.

import type { Node } from 'yaml';
import { never } from '../../base/index.ts';
import { compileRegex } from '../../model/index.ts';
import { nearest } from '../nearest.ts';
import {
  INVALID,
  integer,
  list,
  mapped,
  nullable,
  optional,
  type ReadContext,
  record,
  type Schema,
  text,
  withDefault,
} from '../schema.ts';
import { isLabelName, isWellFormed, reportAt } from './checks.ts';

const RELABEL_ACTIONS = [
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

/** One rule, defaults applied: what exposition/ compiles and runs (config/ stands beside it and cannot import it). */
export interface RelabelRule {
  readonly action: RelabelAction;
  readonly sourceLabels: readonly string[];
  readonly separator: string;
  /** RE2, anchored at both ends. */
  readonly regex: string;
  readonly modulus: number;
  readonly targetLabel: string;
  readonly replacement: string;
}

/** Prometheus's defaults. */
const RELABEL_DEFAULTS = { separator: ';', regex: '(.*)', replacement: '$1' };

const action: Schema<RelabelAction> = mapped(text(), (written, context) => {
  const known = RELABEL_ACTIONS.find(name => name === written.toLowerCase());
  if (known !== undefined) return known;
  const near = nearest(written, RELABEL_ACTIONS);
  context.report({
    code: 'config-bad-value',
    message:
      written === ''
        ? 'Cannot use an empty relabel action: leave the key out for "replace"'
        : `Cannot use the relabel action "${written}": one of ${RELABEL_ACTIONS.join(', ')} expected`,
    ...(near === undefined ? {} : { remedy: `did you mean "${near}"?` }),
  });
  return INVALID;
});

const regex: Schema<string> = mapped(text(), (pattern, context) => {
  const compiled = compileRegex(pattern);
  if (compiled.ok) return pattern;
  context.report({
    code: 'config-bad-value',
    message: `Cannot use the regular expression "${pattern}": ${compiled.error}`,
    remedy: 'RE2 syntax: no lookahead, no back references; escape special characters with a backslash',
  });
  return INVALID;
});

export const relabelRule: Schema<RelabelRule> = mapped(
  record({
    source_labels: optional(list(text())),
    separator: optional(text()),
    regex: nullable(regex, RELABEL_DEFAULTS.regex),
    modulus: withDefault(integer({ min: 0 }), 0),
    target_label: withDefault(text(), ''),
    replacement: optional(text()),
    action: nullable<RelabelAction>(action, 'replace'),
  }),
  (value, context, node) => {
    const rule: RelabelRule = {
      action: value.action,
      sourceLabels: value.source_labels ?? [],
      separator: value.separator ?? RELABEL_DEFAULTS.separator,
      regex: value.regex,
      modulus: value.modulus,
      targetLabel: value.target_label,
      replacement: value.replacement ?? RELABEL_DEFAULTS.replacement,
    };
    return checkRule(rule, context, context.resolve(node)) ? rule : INVALID;
  },
);

export const relabelRules: Schema<readonly RelabelRule[]> = list(relabelRule);

function checkRule(rule: RelabelRule, context: ReadContext, node: Node): boolean {
  const { action: kind } = rule;
  let valid = true;
  const refuse = (key: string, message: string, remedy?: string): void => {
    valid = false;
    reportAt(node, key, context, { message, ...(remedy === undefined ? {} : { remedy }) });
  };
  if (kind === 'hashmod' && rule.modulus === 0) {
    refuse(
      'modulus',
      'Cannot use the action "hashmod": it requires a "modulus" above zero',
      'add "modulus: 8"',
    );
  }
  const wantsTarget = ['replace', 'hashmod', 'lowercase', 'uppercase', 'keepequal', 'dropequal'].includes(
    kind,
  );
  if (wantsTarget && rule.targetLabel === '') {
    refuse('action', `Cannot use the action "${kind}": it requires a "target_label"`, 'add "target_label"');
  }
  if (wantsTarget && rule.targetLabel !== '' && !isLabelName(rule.targetLabel)) {
    refuse(
      'target_label',
      `Cannot take ${JSON.stringify(rule.targetLabel)} as target_label: not a label name`,
    );
  }
  const fixed = ['lowercase', 'uppercase', 'keepequal', 'dropequal'].includes(kind);
  if (fixed && rule.replacement !== RELABEL_DEFAULTS.replacement) {
    refuse(
      'replacement',
      `Cannot use "replacement" with the action "${kind}": it has none`,
      'remove the key',
    );
  }
  if (kind === 'labelmap' && !isWellFormed(rule.replacement)) {
    refuse('replacement', `Cannot take ${JSON.stringify(rule.replacement)} as replacement: not a label name`);
  }
  if (kind === 'keepequal' || kind === 'dropequal') {
    onlyKeys(rule, ['source_labels', 'target_label'], key =>
      refuse(
        key,
        `Cannot use "${key}" with the action "${kind}": it takes only source_labels and target_label`,
      ),
    );
  }
  if (kind === 'labeldrop' || kind === 'labelkeep') {
    onlyKeys(rule, ['regex'], key =>
      refuse(key, `Cannot use "${key}" with the action "${kind}": it takes only regex`),
    );
  }
  return valid;
}

/** The keys beside the allowed ones that are set to something else than their default. */
function onlyKeys(rule: RelabelRule, allowed: readonly string[], refuse: (key: string) => void): void {
  const changed: Readonly<Record<string, boolean>> = {
    source_labels: rule.sourceLabels.length > 0,
    separator: rule.separator !== RELABEL_DEFAULTS.separator,
    regex: rule.regex !== RELABEL_DEFAULTS.regex,
    modulus: rule.modulus !== 0,
    target_label: rule.targetLabel !== '',
    replacement: rule.replacement !== RELABEL_DEFAULTS.replacement,
  };
  for (const [key, isChanged] of Object.entries(changed))
    if (isChanged && !allowed.includes(key)) refuse(key);
}

/** A name in which `$1` or `${name}` stands for what the expression found. */
const LEGACY_NAME_TEMPLATE = /^(?:[a-zA-Z_]|\$(?:\{\w+\}|\w))(?:\w|\$(?:\{\w+\}|\w))*$/;

/** Why the rule cannot be used where names are letters, digits and "_" only; undefined when it can. */
export function legacyNameProblem(rule: RelabelRule): string | undefined {
  const { key, written } = writtenName(rule);
  if (written === undefined) return undefined;
  const template = rule.action === 'labelmap' || (rule.action === 'replace' && written.includes('$'));
  const fits = template ? LEGACY_NAME_TEMPLATE.test(written) : isLabelName(written, 'legacy');
  return fits ? undefined : `its ${key} ${JSON.stringify(written)} is not a label name of the legacy scheme`;
}

/** Where the rule's action takes the name of a label that it writes. */
function writtenName(rule: RelabelRule): { readonly key: string; readonly written?: string } {
  switch (rule.action) {
    case 'replace':
    case 'hashmod':
    case 'lowercase':
    case 'uppercase':
    case 'keepequal':
    case 'dropequal':
      return { key: 'target_label', written: rule.targetLabel };
    case 'labelmap':
      return { key: 'replacement', written: rule.replacement };
    case 'keep':
    case 'drop':
    case 'labeldrop':
    case 'labelkeep':
      return { key: '' };
    default:
      return never(rule.action);
  }
}
