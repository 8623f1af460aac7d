// alertmanager.yml: `inhibit_rules`. Read and checked; not carried out yet.

import { list, mapOf, optionals, record, text } from '../schema.ts';
import { labelName } from '../shared/checks.ts';
import { type MatcherGrammar, matchers } from './matchers.ts';
import { regexText } from './route.ts';

export function inhibitRules(grammar: MatcherGrammar) {
  const rule = record(
    optionals({
      name: text(),
      source_match: mapOf(text(), labelName()),
      source_match_re: mapOf(regexText(), labelName()),
      source_matchers: matchers(grammar),
      target_match: mapOf(text(), labelName()),
      target_match_re: mapOf(regexText(), labelName()),
      target_matchers: matchers(grammar),
      sources: list(record(optionals({ matchers: matchers(grammar), equal: list(labelName()) }))),
      equal: list(labelName()),
    }),
  );
  return list(rule);
}
