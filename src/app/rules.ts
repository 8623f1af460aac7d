// The files that a configuration names: its rules, parsed (the stock rules where it names none), and its templates, checked.

import type { Config } from '../config/index.ts';
import type { Diagnostic, Query } from '../model/index.ts';
import { checkTemplateFiles } from '../notify/index.ts';
import { type RuleFile, readRules, STOCK_RULES, STOCK_RULES_FILE } from '../rules/index.ts';

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
  config: Config,
  query: Query,
  { stock }: { readonly stock: boolean },
): NamedFiles {
  const isStock = stock && !config.namesRuleFiles;
  const texts = isStock ? [{ path: STOCK_RULES_FILE, text: STOCK_RULES }] : config.ruleFiles;
  const noData = isStock || config.noDataDefault === 'unknown' ? 'unknown' : 'prometheus';
  const files: RuleFile[] = [];
  const diagnostics: Diagnostic[] = [...checkTemplateFiles(config.templateFiles)];
  for (const { path, text } of texts) {
    const read = readRules(text, { file: path, prepare: expr => query.prepare(expr), noData });
    diagnostics.push(...read.diagnostics);
    if (read.file !== undefined) files.push(read.file);
  }
  return { files, diagnostics };
}
