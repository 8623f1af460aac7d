// The place of an error in an expression, shown below it.

import { textWidth, visible } from './width.ts';

const PLACE = / \(at (\d+)\.\.(\d+)\)$/;

/** The error and, where it says "(at 3..7)", the line of the expression with these characters underlined. */
export function pointedAt(error: string, expr: string): string {
  const [told = '', first = '1', last = '1'] = PLACE.exec(error) ?? [];
  if (told === '') return error;
  const from = Math.min(Number(first) - 1, expr.length);
  const lineStart = expr.lastIndexOf('\n', from - 1) + 1;
  const rest = expr.slice(lineStart);
  const line = rest.includes('\n') ? rest.slice(0, rest.indexOf('\n')) : rest;
  const before = visible(line.slice(0, from - lineStart));
  const marked = visible(line.slice(from - lineStart, Math.max(from + 1, Number(last)) - lineStart));
  // Behind the end there is nothing to underline: a mark says where more was expected.
  const mark = '^'.repeat(Math.max(1, textWidth(marked)));
  return `${error.slice(0, -told.length)}\n  ${visible(line)}\n  ${' '.repeat(textWidth(before))}${mark}`;
}
