// alertmanager.yml: `inhibit_rules`: alerts that keep others quiet while they fire.

import { isSeq, type Node } from 'yaml';
import { type CompiledMatcher, fitsEmptyText, type Matcher } from '../../model/index.ts';
import {
  hasKey,
  keyNode,
  list,
  mapOf,
  mapped,
  optionals,
  type ReadContext,
  record,
  type Schema,
  text,
} from '../schema.ts';
import { labelName, reportAt } from '../shared/checks.ts';
import { type MatcherGrammar, matchers } from './matchers.ts';
import { allMatchers, CLASSIC_LABEL, regexText } from './route.ts';

/** Targets are quiet while each of the sources has an alert that fires and agrees with them on the `equal` labels. */
export interface InhibitRuleConfig {
  readonly name?: string;
  readonly sources: readonly { readonly matchers: readonly Matcher[]; readonly equal: readonly string[] }[];
  readonly targets: readonly Matcher[];
}

/** Keys of a rule with one source; `sources` stands in their place. */
const ONE_SOURCE = ['source_match', 'source_match_re', 'source_matchers', 'equal'];

export function inhibitRules(grammar: MatcherGrammar): Schema<readonly InhibitRuleConfig[]> {
  const source = mapped(
    record(optionals({ matchers: matchers(grammar), equal: list(labelName()) }), (value, context, node) =>
      checkSource(value.matchers ?? [], context, node),
    ),
    value => ({ matchers: plain(value.matchers ?? []), equal: value.equal ?? [] }),
  );
  const rule = record(
    optionals({
      name: text(),
      source_match: mapOf(text(), CLASSIC_LABEL),
      source_match_re: mapOf(regexText(), CLASSIC_LABEL),
      source_matchers: matchers(grammar),
      target_match: mapOf(text(), CLASSIC_LABEL),
      target_match_re: mapOf(regexText(), CLASSIC_LABEL),
      target_matchers: matchers(grammar),
      sources: list(source),
      equal: list(labelName()),
    }),
    (value, context, node) => {
      const beside = ONE_SOURCE.find(key => hasKey(node, key));
      if ((value.sources ?? []).length === 0 || beside === undefined) return;
      reportAt(node, beside, context, {
        message: `Cannot use "${beside}" beside "sources": sources cannot be combined with source_match, source_match_re, source_matchers, or equal`,
        remedy: 'write it as one more entry of sources',
        conflict: true,
      });
    },
  );
  const rules = list(
    mapped(rule, value => {
      const own = {
        matchers: allMatchers({
          match: value.source_match,
          match_re: value.source_match_re,
          matchers: value.source_matchers,
        }),
        equal: value.equal ?? [],
      };
      const sources = value.sources ?? [];
      return {
        ...(value.name === undefined || value.name === '' ? {} : { name: value.name }),
        sources: sources.length > 0 ? sources : [own],
        targets: allMatchers({
          match: value.target_match,
          match_re: value.target_match_re,
          matchers: value.target_matchers,
        }),
      };
    }),
  );
  return mapped(rules, (value, context, node) => {
    warnOfNames(value, context, node);
    return value;
  });
}

/** Two rules of one name both act, as in Alertmanager; whoever reads which rule kept an alert quiet cannot tell them apart. */
function warnOfNames(rules: readonly InhibitRuleConfig[], context: ReadContext, node: Node): void {
  const items = context.resolve(node);
  const known = new Set<string>();
  rules.forEach(({ name }, i) => {
    if (name !== undefined && known.has(name)) {
      const item = isSeq(items) ? context.resolve(items.items[i] as Node) : items;
      context.report({
        code: 'config-conflict',
        severity: 'warning',
        message: `Cannot tell two inhibition rules named "${name}" apart: both act, and explanations name one`,
        remedy: 'give each rule a name of its own',
        at: keyNode(item, 'name') ?? item,
      });
    }
    if (name !== undefined) known.add(name);
  });
}

function checkSource(own: readonly CompiledMatcher[], context: ReadContext, node: Node): void {
  const isEmpty = own.length === 0;
  if (!isEmpty && !fitsEmptyText(own)) return;
  reportAt(node, 'matchers', context, {
    message: `Cannot use the source ${context.path}: ${isEmpty ? 'matchers must not be empty' : 'at least one matcher must not match the empty string'}`,
    remedy: 'name the alerts that are to inhibit',
  });
}

function plain(own: readonly CompiledMatcher[]): readonly Matcher[] {
  return own.map(({ name, op, value }) => ({ name, op, value }));
}
