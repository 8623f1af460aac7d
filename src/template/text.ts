// Text functions that Prometheus's and Alertmanager's sets share.

import { RE2JS } from 're2js';
import { err, ok, type Result } from '../base/index.ts';
import { expandTemplate as expandReplacement } from '../model/index.ts';
import { type TemplateFunction, type Value, withTraits } from './values.ts';

/** A function of texts that cannot fail. */
export function textFunction(count: number, make: (...args: readonly string[]) => Value): TemplateFunction {
  return {
    params: new Array<'string'>(count).fill('string'),
    call: args => ok(make(...args.map(String))),
  };
}

/** Upper case at the beginning of each word, the rest as it is. */
export function titleCase(text: string): string {
  return text.replace(/(?<![\p{L}\p{N}\p{M}'’_])\p{Ll}/gu, letter => letter.toUpperCase());
}

function compile(pattern: string): Result<RE2JS, string> {
  try {
    return ok(RE2JS.compile(pattern));
  } catch (error) {
    return err(error instanceof Error ? error.message : String(error));
  }
}

/** Whether the pattern is found anywhere in the text. */
export const matchFunction: TemplateFunction = {
  params: ['string', 'string'],
  call: ([pattern, text]) => {
    const regex = compile(String(pattern));
    return regex.ok ? ok(regex.value.matcher(String(text)).find()) : regex;
  },
};

export const reReplaceAllFunction: TemplateFunction = {
  params: ['string', 'string', 'string'],
  call: ([pattern, replacement, text]) => {
    const regex = compile(String(pattern));
    return regex.ok ? ok(replaceAll(regex.value, String(replacement), String(text))) : regex;
  },
};

function replaceAll(regex: RE2JS, replacement: string, text: string): string {
  const matcher = regex.matcher(text);
  const groupNames: string[] = new Array(regex.groupCount() + 1).fill('');
  for (const [name, index] of Object.entries(regex.namedGroups())) groupNames[index as number] = name;
  const names = { pattern: '', groupNames, test: () => true, groups: () => undefined };
  let result = '';
  let last = 0;
  while (matcher.find()) {
    const groups = groupNames.map((_, i) => matcher.group(i) ?? '');
    result += text.slice(last, matcher.start()) + expandReplacement(replacement, names, groups);
    last = matcher.end();
  }
  return result + text.slice(last);
}

/** A text that the HTML mode does not escape. */
export function safeText(text: string, safe: 'html' | 'url'): Value {
  const type = safe === 'html' ? 'template.HTML' : 'template.URL';
  return withTraits(
    {},
    { type, struct: false, methods: new Map(), text: () => text, json: () => text, safe },
  );
}
