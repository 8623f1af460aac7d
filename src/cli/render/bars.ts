// Horizontal bars: the buckets of a native histogram, and the values of an instant.

import type { HistogramJson } from '../../api/index.ts';
import { numberOf, shortNumber } from './numbers.ts';
import type { Style } from './style.ts';
import { cutText, padText, textWidth } from './width.ts';

export interface Bar {
  readonly label: string;
  readonly value: number;
  readonly text: string;
}

/** Eighths of a character, from none to seven. */
const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
const FULL = '█';
const LABEL_SHARE = 0.5;
const BAR_MIN = 8;

export function bars(
  all: readonly Bar[],
  { width, style }: { readonly width: number; readonly style: Style },
): string {
  let labelWidth = 0;
  let textColumns = 0;
  let [least, most] = [0, 0];
  for (const { label, text, value } of all) {
    labelWidth = Math.max(labelWidth, textWidth(label));
    textColumns = Math.max(textColumns, textWidth(text));
    if (!Number.isFinite(value)) continue;
    least = Math.min(least, value);
    most = Math.max(most, value);
  }
  labelWidth = Math.min(labelWidth, Math.max(BAR_MIN, Math.floor(width * LABEL_SHARE)));
  const room = Math.max(BAR_MIN, width - labelWidth - textColumns - 4);
  const lines = all.map(({ label, text, value }) => {
    const name = padText(cutText(label, labelWidth), labelWidth, 'left');
    const bar = barOf(value, { least, most, room });
    return `${name}  ${padText(text, textColumns, 'right')}  ${style.series(0, bar)}`.trimEnd();
  });
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
}

/** From zero to the right, or to the left of it where values below zero are about. */
function barOf(
  value: number,
  { least, most, room }: { readonly least: number; readonly most: number; readonly room: number },
): string {
  if (!Number.isFinite(value) || most === least) return '';
  const perColumn = (most - least) / room;
  const zero = Math.round(-least / perColumn);
  if (value < 0) {
    const length = Math.max(1, Math.round(-value / perColumn));
    return ' '.repeat(Math.max(0, zero - length)) + FULL.repeat(Math.min(zero, length));
  }
  // What is there is seen, however little it is.
  const eighths = Math.min(
    (room - zero) * 8,
    Math.max(value > 0 ? 1 : 0, Math.round((value / perColumn) * 8)),
  );
  return ' '.repeat(zero) + FULL.repeat(Math.floor(eighths / 8)) + (EIGHTHS[eighths % 8] ?? '');
}

/** More rows than that are not looked at: neighbours are added up. */
const BUCKETS_MAX = 32;

/** `(0.5, 1]  4  ████`, a bucket a row. */
export function histogramBars(
  { buckets = [] }: HistogramJson,
  options: { readonly width: number; readonly style: Style },
): string {
  const together = Math.ceil(buckets.length / BUCKETS_MAX);
  const rows: Bar[] = [];
  for (let i = 0; i < buckets.length; i += together) {
    const group = buckets.slice(i, i + together);
    const [first, last] = [group[0], group.at(-1)];
    if (first === undefined || last === undefined) continue;
    const count = group.reduce((sum, [, , , held]) => sum + numberOf(held), 0);
    const open = first[0] % 2 === 1 ? '[' : '(';
    const close = last[0] % 3 === 0 ? ']' : ')';
    const label = `${open}${shortNumber(numberOf(first[1]))}, ${shortNumber(numberOf(last[2]))}${close}`;
    rows.push({ label, value: count, text: shortNumber(count, 6) });
  }
  return bars(rows, options);
}

/** `count 4, sum 5, avg 1.25` */
export function histogramFigures({ count, sum }: HistogramJson): string {
  const [held, total] = [numberOf(count), numberOf(sum)];
  const avg = held === 0 ? '' : `, avg ${shortNumber(total / held)}`;
  return `count ${shortNumber(held, 6)}, sum ${shortNumber(total, 6)}${avg}`;
}
