// The rule files of a configuration, parsed; the stock rules where no configuration names any.

import type { Config } from '../config/index.ts';
import type { Diagnostic, Query } from '../model/index.ts';
import { type RuleFile, readRules, STOCK_RULES, STOCK_RULES_FILE } from '../rules/index.ts';

export interface ReadRuleFiles {
  readonly files: readonly RuleFile[];
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * `stock`: the built-in rules are on where the configuration has no `rule_files` (an empty list turns them off), and under
 * them missing data is `unknown` rather than resolved.
 */
export function readRuleFiles(
  config: Config,
  query: Query,
  { stock }: { readonly stock: boolean },
): ReadRuleFiles {
  const isStock = stock && !config.namesRuleFiles;
  const texts = isStock ? [{ path: STOCK_RULES_FILE, text: STOCK_RULES }] : config.ruleFiles;
  const noData = isStock || config.noDataDefault === 'unknown' ? 'unknown' : 'prometheus';
  const files: RuleFile[] = [];
  const diagnostics: Diagnostic[] = [];
  for (const { path, text } of texts) {
    const read = readRules(text, { file: path, prepare: expr => query.prepare(expr), noData });
    diagnostics.push(...read.diagnostics);
    if (read.file !== undefined) files.push(read.file);
  }
  return { files, diagnostics };
}
