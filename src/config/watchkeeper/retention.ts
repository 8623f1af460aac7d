// `storage.retention`: one duration for all samples, or a list that keeps some of them shorter or longer than the others.

import { isSeq, type Node } from 'yaml';
import { compileMatchers, type Matcher, type RetentionPolicy } from '../../model/index.ts';
import { parseMatchers } from '../alertmanager/matchers.ts';
import {
  bad,
  duration,
  INVALID,
  list,
  mapped,
  optional,
  record,
  required,
  type Schema,
  text,
} from '../schema.ts';

export interface Retention {
  /** Of whatever no policy is about. */
  readonly keepMs: number;
  /** The first one that fits a series counts. */
  readonly policies: readonly RetentionPolicy[];
}

const KEEP_MS_MIN = 60_000;

interface Entry {
  /** Undefined: all others. */
  readonly selector: Pick<RetentionPolicy, 'match' | 'matchers'> | undefined;
  readonly keepMs: number;
}

const selector: Schema<Pick<RetentionPolicy, 'match' | 'matchers'>> = mapped(text(), (match, context) => {
  const matchers = selectorOf(match.trim());
  if (matchers === undefined)
    return bad(
      `Cannot use the selector "${match}": a metric name, matchers in braces, or both expected`,
      context,
      `write for example '{__name__=~"debug_.*"}' or up{job="test"}`,
    );
  return { match: match.trim(), matchers };
});

const entries: Schema<readonly Entry[]> = list(
  mapped(
    record({ match: optional(selector), keep: required(duration({ min: KEEP_MS_MIN })) }),
    ({ match, keep }) => ({ selector: match, keepMs: keep }),
  ),
);

const plain = duration({ min: KEEP_MS_MIN });

/** `keepMs` where the list has no entry for all others. */
export function retention(keepMs: number): Schema<Retention> {
  const listed = mapped(entries, (read, context) => {
    const others = read.filter(one => one.selector === undefined);
    if (others.length > 1)
      return bad(
        'Cannot keep all others in two ways: two entries have no "match"',
        context,
        'leave one of them out',
      );
    return {
      keepMs: others[0]?.keepMs ?? keepMs,
      policies: read.flatMap(({ selector: one, keepMs: keep }) =>
        one === undefined ? [] : [{ ...one, keepMs: keep }],
      ),
    };
  });
  return {
    says: 'duration, or list of {match, keep}',
    read(node: Node, context) {
      if (isSeq(context.resolve(node))) return listed.read(node, context);
      const read = plain.read(node, context);
      return read === INVALID ? INVALID : { keepMs: read, policies: [] };
    },
  };
}

/** Undefined where it is none, or one that would fit every series. */
function selectorOf(match: string): readonly Matcher[] | undefined {
  const parts = /^([a-zA-Z_:][a-zA-Z0-9_:]*)?\s*(\{[\s\S]*\})?$/.exec(match);
  const [, name, braces] = parts ?? [];
  const read = parseMatchers(braces ?? '{}', 'utf8');
  if (parts === null || !read.ok) return undefined;
  const named: readonly Matcher[] = name === undefined ? [] : [{ name: '__name__', op: '=', value: name }];
  const matchers = [...named, ...read.value];
  const compiled = compileMatchers(matchers);
  return compiled.ok && compiled.value.some(one => !one.test('')) ? matchers : undefined;
}
