// A check of a rule test that does not hold: where it stands, what was expected and what came.

import type { RuleTestFailure, TestItem } from '../../rules/index.ts';
import type { Style } from './style.ts';
import { visible } from './width.ts';

export interface FailureOptions {
  readonly file: string;
  readonly style: Style;
  /** Tell only the parts that differ. */
  readonly isDiff: boolean;
}

export function failureText(failure: RuleTestFailure, options: FailureOptions): string {
  const { line, column, test, check, expected, got, error } = failure;
  const { file, style, isDiff } = options;
  const place = `${file}:${line}:${column}: ${failure.code}:`;
  const head = `${style.bold(place)} ${visible(test)}: ${visible(check)}`;
  if (error !== undefined) return `${head}\n    ${style.bad(`! ${visible(error)}`)}`;
  const [missing, extra] = [compared(expected, got).others, compared(got, expected).others];
  const body = isDiff ? pairedLines(missing, extra, style) : itemLines(failure, { missing, extra }, style);
  return [`${head} ${style.dim('(- expected, + got)')}`, ...body]
    .map((text, i) => (i === 0 ? text : `    ${text}`))
    .join('\n');
}

/** Those of `items` that the other list has too, and those that it lacks; of equal ones each stands for one. */
function compared(
  items: readonly TestItem[],
  list: readonly TestItem[],
): { readonly same: readonly TestItem[]; readonly others: readonly TestItem[] } {
  const left = new Map<string, number>();
  for (const { text } of list) left.set(text, (left.get(text) ?? 0) + 1);
  const [same, others]: [TestItem[], TestItem[]] = [[], []];
  for (const item of items) {
    const count = left.get(item.text) ?? 0;
    left.set(item.text, count - 1);
    (count > 0 ? same : others).push(item);
  }
  return { same, others };
}

/** What is as expected, what is missing and what is too much. */
function itemLines(
  { expected, got }: RuleTestFailure,
  { missing, extra }: { readonly missing: readonly TestItem[]; readonly extra: readonly TestItem[] },
  style: Style,
): readonly string[] {
  return [
    ...compared(expected, got).same.map(({ text }) => style.dim(`  ${visible(text)}`)),
    ...(expected.length === 0 ? [style.bad('- nothing')] : []),
    ...missing.map(({ text }) => style.bad(`- ${visible(text)}`)),
    ...(got.length === 0 ? [style.good('+ nothing')] : []),
    ...extra.map(({ text }) => style.good(`+ ${visible(text)}`)),
  ];
}

/** Each that is missing beside the one that is most like it, and of the two only what differs. */
function pairedLines(
  missing: readonly TestItem[],
  extra: readonly TestItem[],
  style: Style,
): readonly string[] {
  const left = [...extra];
  const lines: string[] = [];
  for (const item of missing) {
    const like = mostLike(item, left);
    if (like === undefined) {
      lines.push(style.bad(`- ${visible(item.text)}`));
      continue;
    }
    left.splice(left.indexOf(like), 1);
    lines.push(...partLines(item, like, style));
  }
  return [...lines, ...left.map(({ text }) => style.good(`+ ${visible(text)}`))];
}

function mostLike(item: TestItem, others: readonly TestItem[]): TestItem | undefined {
  let best: TestItem | undefined;
  let most = 0;
  for (const other of others) {
    const common = item.parts.filter(part => has(other, part)).length;
    if (common <= most) continue;
    most = common;
    best = other;
  }
  // A value alone against another has nothing in common, and still is meant.
  return best ?? (others.length === 1 ? others[0] : undefined);
}

type Part = TestItem['parts'][number];

function has({ parts }: TestItem, [name, value]: Part): boolean {
  return parts.some(([other, text]) => other === name && text === value);
}

function partLines(expected: TestItem, got: TestItem, style: Style): readonly string[] {
  const same = expected.parts.filter(part => has(got, part));
  const told = same.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(', ');
  return [
    style.dim(`  {${visible(told)}}`),
    ...expected.parts.filter(part => !has(got, part)).map(part => style.bad(`  - ${partText(part)}`)),
    ...got.parts.filter(part => !has(expected, part)).map(part => style.good(`  + ${partText(part)}`)),
  ];
}

function partText([name, value]: Part): string {
  return `${name}: ${visible(value)}`;
}
