// Rule files in Prometheus's format: YAML text to rules, with everything wrong with it as diagnostics.

import type { Result } from '../base/index.ts';
import {
  duration,
  INVALID,
  integer,
  keyNode,
  list,
  mapOf,
  mapped,
  optional,
  parseDocument,
  type ReadContext,
  readDocument,
  record,
  required,
  type Schema,
  text,
  withDefault,
  type YamlDocument,
} from '../config/index.ts';
import {
  type Diagnostic,
  type Labels,
  labelsFromPairs,
  labelsKey,
  type QueryFailure,
  type QueryPlan,
  type RuleId,
  ruleKey,
} from '../model/index.ts';
import { describeFailure, nodeInScalar, type YamlNode } from './positions.ts';
import { indentQuotedLines } from './quoted-lines.ts';
import {
  type AlertingRule,
  NO_DATA_POLICIES,
  type NoData,
  parseRuleTemplate,
  type Rule,
  type RuleFile,
  type RuleGroup,
  type TemplatedText,
} from './rule.ts';

export interface ReadRulesOptions {
  readonly file: string;
  /** `Query.prepare`: the verdict on expressions. */
  readonly prepare: (expr: string) => Result<QueryPlan, QueryFailure>;
  /** Of alerting rules in this file that do not say it themselves. Default: Prometheus's semantics. */
  readonly noData?: NoData;
  /**
   * Our keys beside Prometheus's: `accept` them (the default), `ignore` what they say, or `refuse` them, as Prometheus does.
   */
  readonly ownKeys?: 'accept' | 'ignore' | 'refuse';
  /** `legacy` allows only the names of Prometheus 2. Default: any UTF-8, as Prometheus 3. */
  readonly nameValidation?: 'legacy' | 'utf8';
  /** Keys that are none of Prometheus's are passed over. */
  readonly allowsUnknownKeys?: boolean;
}

export interface ReadRulesOutcome {
  /** Undefined when something is wrong with the file: as Prometheus, all of it is refused then. */
  readonly file: RuleFile | undefined;
  readonly diagnostics: readonly Diagnostic[];
}

export function readRules(text: string, options: ReadRulesOptions): ReadRulesOutcome {
  const { source, document } = documentOf(text, options.file);
  if (document.root === undefined && document.diagnostics.length === 0) {
    return { file: { file: options.file, groups: [] }, diagnostics: [] };
  }
  const { allowsUnknownKeys = false } = options;
  const outcome = readDocument(document, fileSchema({ ...options, source }), { allowsUnknownKeys });
  return { file: outcome.value, diagnostics: outcome.diagnostics };
}

/** Read as it stands; where that is no YAML, with the indentation that Prometheus forgives mended. */
function documentOf(text: string, file: string): { source: string; document: YamlDocument } {
  const document = parseDocument(text, file);
  if (document.root !== undefined || document.diagnostics.length === 0) return { source: text, document };
  const source = indentQuotedLines(text);
  const mended = parseDocument(source, file);
  return mended.root === undefined ? { source: text, document } : { source, document: mended };
}

type Settings = ReadRulesOptions & { readonly source: string };

/** What stands in a file already: names of groups, and rules by name and labels. */
interface Known {
  readonly groups: Set<string>;
  readonly rules: Set<string>;
}

function fileSchema(settings: Settings): Schema<RuleFile> {
  const group = groupSchema(settings, { groups: new Set(), rules: new Set() });
  return mapped(record({ groups: withDefault(list(group), []) }), ({ groups }) => ({
    file: settings.file,
    groups,
  }));
}

function groupSchema(settings: Settings, known: Known): Schema<RuleGroup> {
  const fields = record(
    {
      name: required(text({ notEmpty: true }), 'Name of the group, unique in its file.'),
      interval: optional(duration(), 'How often the rules are evaluated.'),
      limit: withDefault(
        integer({ min: 0 }),
        0,
        'Most alerts or series that one rule may give; 0 is no limit.',
      ),
      query_offset: optional(duration(), 'How far in the past the expressions are evaluated.'),
      labels: withDefault(labelMap(settings, 'label'), NO_TEXTS, 'Added to each rule; its own labels win.'),
      rules: withDefault(list(ruleSchema(settings)), []),
    },
    (value, context, node) => {
      if (known.groups.has(value.name)) {
        context.report({
          code: 'rules-duplicate-group',
          message: `Cannot use the group name "${value.name}" twice: groupname: "${value.name}" is repeated in the same file`,
          remedy: 'rename one of the two, or merge them',
          at: keyNode(node, 'name'),
        });
      }
      known.groups.add(value.name);
    },
  );
  return mapped(fields, (value, context) => ({
    file: settings.file,
    name: value.name,
    intervalMs: value.interval === 0 ? undefined : value.interval,
    limit: value.limit,
    queryOffsetMs: value.query_offset,
    rules: finishRules(value, settings, { context, known }),
  }));
}

type Texts = ReadonlyMap<string, string>;
const NO_TEXTS: Texts = new Map();

/** A rule before it knows its group. */
type RawRule =
  | (Pick<Rule & { kind: 'recording' }, 'kind' | 'record' | 'expr' | 'plan' | 'line'> & {
      readonly texts: Texts;
      readonly node: YamlNode;
    })
  | (Pick<AlertingRule, 'kind' | 'alert' | 'expr' | 'plan' | 'line' | 'forMs' | 'keepFiringForMs'> & {
      readonly noData: NoData | undefined;
      readonly texts: Texts;
      readonly annotations: readonly TemplatedText[];
      readonly node: YamlNode;
    });

function finishRules(
  group: { readonly name: string; readonly labels: Texts; readonly rules: readonly RawRule[] },
  settings: Settings,
  { context, known }: { readonly context: ReadContext; readonly known: Known },
): readonly Rule[] {
  const keys = new Map<string, number>();
  return group.rules.map((raw): Rule => {
    const merged = new Map([...group.labels, ...raw.texts]);
    const labels: Labels = labelsFromPairs(merged);
    const name = raw.kind === 'recording' ? raw.record : raw.alert;
    const id: RuleId = { file: settings.file, group: group.name, name, labelsKey: labelsKey(labels) };
    const plain = ruleKey(id);
    const count = (keys.get(plain) ?? 0) + 1;
    keys.set(plain, count);
    const key = count === 1 ? plain : `${plain}#${count}`;
    const twin = `${name}\0${id.labelsKey}`;
    if (known.rules.has(twin)) {
      context.report({
        code: 'rules-duplicate-rule',
        severity: 'warning',
        message: `Cannot tell the rules "${name}" of ${settings.file} apart: same name and same labels`,
        remedy:
          raw.kind === 'recording'
            ? 'give one of them another name or another label: their series may collide'
            : 'give one of them another label: alerts of equal labels are one alert',
        at: raw.node,
      });
    }
    known.rules.add(twin);
    const base = { id, key, labels, expr: raw.expr, plan: raw.plan, line: raw.line };
    if (raw.kind === 'recording') return { ...base, kind: 'recording', record: raw.record };
    return {
      ...base,
      kind: 'alerting',
      alert: raw.alert,
      forMs: raw.forMs,
      keepFiringForMs: raw.keepFiringForMs,
      labelTemplates: templatesOf(merged, name),
      annotations: raw.annotations,
      noData: raw.noData ?? settings.noData ?? 'prometheus',
      isNoDataOwn: raw.noData !== undefined,
    };
  });
}

/** Templates that were parsed before without an error. */
function templatesOf(texts: Texts, alert: string): readonly TemplatedText[] {
  const templates: TemplatedText[] = [];
  for (const [name, value] of texts) {
    const parsed = parseRuleTemplate(`__alert_${alert}`, value);
    if (parsed.ok) templates.push({ name, text: value, template: parsed.value });
  }
  return templates;
}

/** Ours: Prometheus refuses a file that has them. */
const OWN_FIELDS = {
  no_data: optional(text({ oneOf: NO_DATA_POLICIES }), 'What the alert becomes while its data is missing.'),
};

function refuseOwnKeys(context: ReadContext, node: YamlNode): void {
  for (const key of Object.keys(OWN_FIELDS)) {
    const at = keyNode(node, key);
    if (at === undefined) continue;
    context.report({
      code: 'config-unknown-key',
      message: `Cannot use "${key}" in a portable file: it is a key of Watchkeeper, and Prometheus refuses it`,
      remedy: 'remove it, or check without --portable',
      at,
    });
  }
}

function ruleSchema(settings: Settings): Schema<RawRule> {
  const fields = record(
    {
      record: withDefault(text(), '', 'Name of the series that a recording rule writes.'),
      alert: withDefault(text(), '', 'Name of the alert.'),
      expr: withDefault(
        located(text()),
        { value: '', node: undefined, at: undefined },
        'A PromQL expression.',
      ),
      for: withDefault(duration(), 0, 'How long the expression must hold before the alert fires.'),
      keep_firing_for: withDefault(
        duration(),
        0,
        'How long it goes on firing after the expression held last.',
      ),
      labels: withDefault(
        labelMap(settings, 'label'),
        NO_TEXTS,
        'Labels of the alert (templates) or series.',
      ),
      annotations: withDefault(labelMap(settings, 'annotation'), NO_TEXTS, 'Texts of the alert (templates).'),
      ...OWN_FIELDS,
    },
    (value, context, node) => {
      checkRule(value, context, node);
      if (settings.ownKeys === 'refuse') refuseOwnKeys(context, node);
    },
  );
  return mapped(fields, (value, context, node): RawRule | typeof INVALID => {
    const plan = planOf(value.expr, settings, context);
    if (plan === INVALID) return INVALID;
    const line = value.expr.at === undefined ? 0 : lineOf(settings.source, value.expr.at);
    const base = { expr: value.expr.value, plan, line, texts: value.labels, node };
    if (value.record !== '') {
      return checkRecordName(value.record, settings, context)
        ? { ...base, kind: 'recording', record: value.record }
        : INVALID;
    }
    if (!wellFormed(value.alert)) {
      context.report({
        code: 'config-bad-value',
        message: `Cannot use "${value.alert}": invalid alert name: not UTF-8`,
      });
      return INVALID;
    }
    return {
      ...base,
      kind: 'alerting',
      alert: value.alert,
      forMs: value.for,
      keepFiringForMs: value.keep_firing_for,
      noData: settings.ownKeys === 'ignore' ? undefined : NO_DATA_POLICIES.find(one => one === value.no_data),
      annotations: templatesOf(value.annotations, value.alert),
    };
  });
}

interface RawFields {
  readonly record: string;
  readonly alert: string;
  readonly expr: Located;
  readonly for: number;
  readonly keep_firing_for: number;
  readonly no_data?: string | undefined;
  readonly labels: Texts;
  readonly annotations: Texts;
}

/** What no single key can know. */
function checkRule(value: RawFields, context: ReadContext, node: YamlNode): void {
  const problem = (message: string, key?: string, remedy?: string): void =>
    context.report({
      code: 'config-conflict',
      message,
      at: key === undefined ? node : keyNode(node, key),
      ...(remedy === undefined ? {} : { remedy }),
    });
  if (value.record !== '' && value.alert !== '') {
    problem(
      "Cannot read the rule: only one of 'record' and 'alert' must be set",
      'alert',
      'make two rules of it',
    );
  }
  if (value.record === '' && value.alert === '') {
    problem("Cannot read the rule: one of 'record' or 'alert' must be set");
  }
  if (value.expr.value === '') {
    context.report({
      code: 'config-missing-key',
      message: "Cannot read the rule: field 'expr' must be set in rule",
      at: keyNode(node, 'expr') ?? node,
    });
  }
  if (value.record !== '') {
    for (const key of ['for', 'keep_firing_for'] as const) {
      if (value[key] !== 0)
        problem(`Cannot use '${key}' here: invalid field '${key}' in recording rule`, key);
    }
    if (value.no_data !== undefined)
      problem("Cannot use 'no_data' here: a recording rule has no alerts", 'no_data');
    if (value.annotations.size > 0) {
      problem("Cannot use 'annotations' here: invalid field 'annotations' in recording rule", 'annotations');
    }
  }
}

interface Located {
  readonly value: string;
  readonly node: YamlNode | undefined;
  readonly at: number | undefined;
}

function located(schema: Schema<string>): Schema<Located> {
  return mapped(schema, (value, context, node) => {
    const resolved = context.resolve(node);
    return { value, node: resolved, at: resolved.range?.[0] };
  });
}

function lineOf(source: string, offset: number): number {
  let line = 1;
  for (let i = source.indexOf('\n'); i >= 0 && i < offset; i = source.indexOf('\n', i + 1)) line++;
  return line;
}

function planOf(expr: Located, settings: Settings, context: ReadContext): QueryPlan | typeof INVALID {
  if (expr.value === '') return INVALID;
  const prepared = settings.prepare(expr.value);
  if (prepared.ok) return prepared.value;
  const failure = prepared.error;
  const start = failure.span?.start ?? 0;
  const node = expr.node;
  const at =
    node === undefined
      ? undefined
      : nodeInScalar(node, { source: settings.source, value: expr.value, offset: start });
  context.report({
    code: 'rules-bad-expression',
    message: describeFailure(expr.value, failure),
    at,
  });
  return INVALID;
}

const LEGACY_LABEL = /^[A-Za-z_][A-Za-z0-9_]*$/;
const LEGACY_METRIC = /^[A-Za-z_:][A-Za-z0-9_:]*$/;

function checkRecordName(name: string, settings: Settings, context: ReadContext): boolean {
  const fail = (message: string): boolean => {
    context.report({ code: 'config-bad-value', message });
    return false;
  };
  // A brace is legal in a UTF-8 name and still nearly always a selector in the wrong place: Prometheus refuses it.
  if (/[{}]/.test(name)) {
    return fail(
      `Cannot record to "${name}": braces present in the recording rule name; should it be in expr?: ${name}`,
    );
  }
  const valid = settings.nameValidation === 'legacy' ? LEGACY_METRIC.test(name) : wellFormed(name);
  return valid ? true : fail(`Cannot record to "${name}": invalid recording rule name: ${name}`);
}

/** Labels or annotations: names valid, values templates that parse. */
function labelMap(settings: Settings, what: 'label' | 'annotation'): Schema<Texts> {
  const legacy = settings.nameValidation === 'legacy';
  const validName = (name: string): boolean => {
    if (name === '' || (what === 'label' && name === '__name__')) return false;
    return legacy ? LEGACY_LABEL.test(name) : wellFormed(name);
  };
  const key = mapped(text(), (name, context) => {
    if (validName(name)) return name;
    context.report({
      code: 'config-bad-value',
      message: `Cannot use "${name}": invalid ${what} name: ${name}`,
    });
    return INVALID;
  });
  const value = mapped(text(), (written, context, node) => {
    if (!wellFormed(written)) {
      context.report({
        code: 'config-bad-value',
        message: `Cannot use "${written}": invalid ${what} value: not UTF-8`,
      });
      return INVALID;
    }
    const parsed = parseRuleTemplate(context.path, written);
    if (parsed.ok) return written;
    const scalar = context.resolve(node);
    const { line, column, cause } = parsed.error;
    const offset = offsetOf(written, line, column);
    context.report({
      code: 'rules-bad-template',
      message: `Cannot parse the template of ${what} "${context.path.split('.').at(-1) ?? ''}": ${cause}`,
      at: nodeInScalar(scalar, { source: settings.source, value: written, offset }),
    });
    return INVALID;
  });
  return mapOf(value, key);
}

function offsetOf(value: string, line: number, column: number): number {
  let offset = 0;
  for (let i = 1; i < line; i++) offset = value.indexOf('\n', offset) + 1;
  return offset + column - 1;
}

/** Whether the text has a UTF-8 form: half a surrogate pair has none. */
function wellFormed(value: string): boolean {
  return !/\p{Surrogate}/u.test(value);
}
