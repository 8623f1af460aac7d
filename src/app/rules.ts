// The files that a configuration names: its rules, parsed (the stock rules where it names none), and its templates, checked.

import type { Config, NamedText, PlacedText } from '../config/index.ts';
import type { Diagnostic, Query } from '../model/index.ts';
import { checkTemplateFiles, checkTemplateNames } from '../notify/index.ts';
import { type NoData, type RuleFile, readRules, STOCK_RULES, STOCK_RULES_FILE } from '../rules/index.ts';
import { heartbeatProblems, heartbeatRuleFiles } from './heartbeat.ts';

interface Judged extends NamedText {
  /** What missing data means to its rules that do not say it themselves. */
  readonly noData: NoData;
}

/** What names the files, and what may call their templates. */
export interface RulesAndTexts {
  readonly config: Config;
  readonly templateTexts: readonly PlacedText[];
}

export interface NamedFiles {
  readonly files: readonly RuleFile[];
  /** Of the rules and of the templates. */
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * `stock`: the built-in rules are on where the configuration has no `rule_files` (an empty list turns them off), and under
 * them missing data is `unknown` rather than resolved.
 */
export function readNamedFiles(
  { config, templateTexts }: RulesAndTexts,
  query: Query,
  { stock, hostname }: { readonly stock: boolean; readonly hostname: string },
): NamedFiles {
  const isStock = stock && !config.namesRuleFiles;
  const texts = isStock ? [{ path: STOCK_RULES_FILE, text: STOCK_RULES }] : config.ruleFiles;
  const noData: NoData = config.noDataDefault ?? (isStock ? 'unknown' : 'prometheus');
  const all: readonly Judged[] = [
    ...texts.map(one => ({ ...one, noData })),
    // No sample of the program itself is no sign of life, whatever missing data means elsewhere.
    ...heartbeatRuleFiles(config, hostname).map(one => ({ ...one, noData: 'prometheus' as const })),
  ];
  const files: RuleFile[] = [];
  const diagnostics: Diagnostic[] = [
    ...checkTemplateFiles(config.templateFiles),
    ...checkTemplateNames(templateTexts, config.templateFiles),
    ...heartbeatProblems(config),
  ];
  for (const { path, text, noData: meaning } of all) {
    const read = readRules(text, { file: path, prepare: expr => query.prepare(expr), noData: meaning });
    diagnostics.push(...read.diagnostics);
    if (read.file !== undefined) files.push(read.file);
  }
  return { files, diagnostics };
}
