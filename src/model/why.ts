// Why an alert of a rule is as it is: a code with what belongs to it, so that a page can say it in any language. The English text
// is what the journal and all APIs carry.

export const WHY_WORDS = {
  holds: 'the condition holds',
  resumed: 'the condition holds again after a restart, and the time down does not count',
  begins_anew: 'the condition holds again after a restart, and `for` begins anew',
  not_yet: 'not in the answer of the first evaluation after a restart, which decides nothing yet',
  not_in_answer: 'no longer in the answer',
  below: 'the condition no longer holds',
  target_gone: 'its target left discovery: {target}',
  target_silent: 'its target is silent: {target}',
  series_ended: 'its series ended: the target delivers without it',
  target_delivers: 'no longer in the answer, and its target delivers',
  restarted: 'evaluation was restarted and there is not enough data yet',
  restarted_silent: 'evaluation was restarted and its target has not delivered yet',
  settling: 'its target delivers again and there is not enough data yet',
  not_knowable: 'its data is missing and the cause cannot be known',
  recorded: 'its data is missing: recorded by {target}',
  ended_earlier: 'it ended earlier, and was only pending since',
  kept_firing: '{reason}; kept firing by keep_firing_for',
  before_for: '{reason} before `for` had passed',
  counts: '{reason}, which counts as the condition',
  over_limit: 'rule failed: exceeded limit of {limit} with {count} alerts',
  rule_removed: 'its rule was removed',
} as const;

export type WhyCode = keyof typeof WHY_WORDS;

/** Plain JSON: it travels in the evidence of journal lines. */
export type Why = {
  readonly code: WhyCode;
  readonly params?: { readonly [name: string]: string | number };
  /** What stands for `{reason}`. */
  readonly of?: Why;
};

/** By default in English. A slot without a value stays as it is. */
export function whyText(why: Why, words: Readonly<Record<WhyCode, string>> = WHY_WORDS): string {
  const { code, params, of } = why;
  const text = words[code];
  if (params === undefined && of === undefined) return text;
  return text.replace(/\{(\w+)\}/g, (slot, name: string) =>
    name === 'reason' && of !== undefined ? whyText(of, words) : String(params?.[name] ?? slot),
  );
}

/** For whoever finds one in JSON that another version may have written. */
export function readWhy(value: unknown): Why | undefined {
  if (typeof value !== 'object' || value === null || !('code' in value)) return undefined;
  const { code } = value;
  if (!isWhyCode(code)) return undefined;
  const params = 'params' in value ? readParams(value.params) : undefined;
  const of = 'of' in value ? readWhy(value.of) : undefined;
  return { code, ...(params === undefined ? {} : { params }), ...(of === undefined ? {} : { of }) };
}

function isWhyCode(code: unknown): code is WhyCode {
  return typeof code === 'string' && Object.hasOwn(WHY_WORDS, code);
}

function readParams(value: unknown): NonNullable<Why['params']> | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const known = Object.entries(value).filter(
    (entry): entry is [string, string | number] =>
      typeof entry[1] === 'string' || typeof entry[1] === 'number',
  );
  return Object.fromEntries(known);
}
