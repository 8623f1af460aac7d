// alertmanager.yml: `inhibit_rules`: alerts that keep others quiet while they fire.

import type { Node } from 'yaml';
import { type CompiledMatcher, fitsEmptyText, type Matcher } from '../../model/index.ts';
import {
  hasKey,
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
import { allMatchers, regexText } from './route.ts';

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
      source_match: mapOf(text(), labelName()),
      source_match_re: mapOf(regexText(), labelName()),
      source_matchers: matchers(grammar),
      target_match: mapOf(text(), labelName()),
      target_match_re: mapOf(regexText(), labelName()),
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
  return list(
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
