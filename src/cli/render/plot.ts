// Line plots of braille dots, two columns and four rows of them a character, with the axes' labels.

import { isGap, type Line, type Span } from './lines.ts';
import { distinctNumbers } from './numbers.ts';
import type { Style } from './style.ts';
import type { TimeTexts } from './times.ts';
import { padText, textWidth } from './width.ts';

const DOTS_X = 2;
const DOTS_Y = 4;
const BRAILLE = 0x2800;
/** Bits of a braille character by row and column. */
const BITS: readonly (readonly [left: number, right: number])[] = [
  [0x01, 0x08],
  [0x02, 0x10],
  [0x04, 0x20],
  [0x40, 0x80],
];
/** A sample with a gap on both sides. */
const ALONE = '•';
const ABOVE = '▲';
const BELOW = '▼';

export interface PlotOptions {
  /** Columns altogether, labels included. */
  readonly width: number;
  /** Rows of the plot itself. */
  readonly height: number;
  readonly span: Span;
  readonly style: Style;
  readonly times: TimeTexts;
  /** The colour of the first line, of several plots. */
  readonly firstColour?: number;
  /** Without, the labels of time are left to the next plot below. */
  readonly hasTimeAxis: boolean;
}

interface Scale {
  readonly min: number;
  readonly max: number;
  /** What is written beside the rows: row and text. */
  readonly marks: readonly { readonly row: number; readonly value: number }[];
}

export function plot(lines: readonly Line[], options: PlotOptions): string {
  const { height, span, style, times } = options;
  const scale = scaleOf(lines, height);
  const texts = distinctNumbers(scale.marks.map(mark => mark.value));
  const gutter = Math.max(0, ...texts.map(textWidth));
  const columns = Math.max(8, options.width - gutter - 2);
  const canvas = new Canvas(columns, height);
  lines.forEach((line, i) => {
    draw(canvas, line, { span, scale, colour: i + (options.firstColour ?? 0) });
  });
  const rows = Array.from({ length: height }, (_, row) => {
    const mark = scale.marks.findIndex(one => one.row === row);
    const label = padText(mark < 0 ? '' : (texts[mark] ?? ''), gutter, 'right');
    return `${style.dim(`${label} ${mark < 0 ? '│' : '┤'}`)}${canvas.row(row, style)}`.trimEnd();
  });
  const blank = ' '.repeat(gutter + 1);
  if (options.hasTimeAxis) {
    rows.push(style.dim(`${blank}└${'─'.repeat(columns)}`));
    rows.push(style.dim(`${blank} ${timeAxis(span, columns, times)}`.trimEnd()));
  }
  return `${rows.join('\n')}\n`;
}

/** Infinities do not stretch it, and what is constant lies in the middle. */
function scaleOf(lines: readonly Line[], height: number): Scale {
  let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const { values } of lines) {
    for (const value of values) {
      if (!Number.isFinite(value)) continue;
      min = Math.min(min, value);
      max = Math.max(max, value);
    }
  }
  const middle = Math.floor((height - 1) / 2);
  if (min > max) return { min: -1, max: 1, marks: [] };
  if (min === max) {
    const around = min === 0 ? 1 : Math.abs(min);
    return { min: min - around, max: max + around, marks: [{ row: middle, value: min }] };
  }
  const marks = [
    { row: 0, value: max },
    { row: height - 1, value: min },
  ];
  const isOdd = height % 2 === 1 && height >= 5;
  if (isOdd) marks.push({ row: middle, value: min + (max - min) / 2 });
  return { min, max, marks };
}

function draw(
  canvas: Canvas,
  { timesMs, values }: Line,
  how: { readonly span: Span; readonly scale: Scale; readonly colour: number },
): void {
  const { span, scale, colour } = how;
  const [right, bottom] = [canvas.columns * DOTS_X - 1, canvas.rows * DOTS_Y - 1];
  const width = span.toMs - span.fromMs;
  let before: { readonly x: number; readonly y: number; readonly atMs: number } | undefined;
  values.forEach((value, i) => {
    const atMs = timesMs[i] ?? 0;
    const share = width > 0 ? Math.min(1, Math.max(0, (atMs - span.fromMs) / width)) : 0.5;
    const x = Math.round(share * right);
    if (!Number.isFinite(value)) {
      before = undefined;
      if (!Number.isNaN(value))
        canvas.write(x, value > 0 ? 0 : bottom, { char: value > 0 ? ABOVE : BELOW, colour });
      return;
    }
    const y = Math.round(((scale.max - value) / (scale.max - scale.min)) * bottom);
    const isJoined = before !== undefined && !isGap(before.atMs, atMs, span);
    if (before !== undefined && isJoined) canvas.line(before, { x, y }, colour);
    else if (!isFollowed(i)) canvas.write(x, y, { char: ALONE, colour });
    before = { x, y, atMs };
  });

  function isFollowed(i: number): boolean {
    const next = values[i + 1];
    return next !== undefined && Number.isFinite(next) && !isGap(timesMs[i] ?? 0, timesMs[i + 1] ?? 0, span);
  }
}

function timeAxis(span: Span, columns: number, times: TimeTexts): string {
  const text = times.axis(span.fromMs, span.toMs);
  const [from, to] = [text(span.fromMs), text(span.toMs)];
  if (span.fromMs === span.toMs) return padText(from, Math.ceil((columns + from.length) / 2), 'right');
  const middle = text((span.fromMs + span.toMs) / 2);
  const room = columns - from.length - to.length;
  if (room < 1) return from;
  if (room < middle.length + 4) return `${from}${' '.repeat(room)}${to}`;
  const left = Math.floor((columns - middle.length) / 2) - from.length;
  return `${from}${' '.repeat(left)}${middle}${' '.repeat(room - left - middle.length)}${to}`;
}

/** Owns the dots and who drew in which character last. */
class Canvas {
  readonly columns: number;
  readonly rows: number;
  readonly #dots: Uint8Array;
  /** Colour and one: 0 is nobody. */
  readonly #owners: Uint16Array;
  readonly #chars = new Map<number, string>();

  constructor(columns: number, rows: number) {
    this.columns = columns;
    this.rows = rows;
    this.#dots = new Uint8Array(columns * rows);
    this.#owners = new Uint16Array(columns * rows);
  }

  /** A whole character at a dot's place. */
  write(x: number, y: number, { char, colour }: { readonly char: string; readonly colour: number }): void {
    const cell = this.#cellAt(x, y);
    this.#chars.set(cell, char);
    this.#owners[cell] = colour + 1;
  }

  /** Bresenham's: each dot between the two, once. */
  line(
    from: { readonly x: number; readonly y: number },
    to: { readonly x: number; readonly y: number },
    colour: number,
  ): void {
    let { x, y } = from;
    const [dx, dy] = [Math.abs(to.x - x), -Math.abs(to.y - y)];
    const [stepX, stepY] = [x < to.x ? 1 : -1, y < to.y ? 1 : -1];
    let error = dx + dy;
    for (;;) {
      this.#dot(x, y, colour);
      if (x === to.x && y === to.y) return;
      const twice = 2 * error;
      if (twice >= dy) {
        error += dy;
        x += stepX;
      }
      if (twice <= dx) {
        error += dx;
        y += stepY;
      }
    }
  }

  row(row: number, style: Style): string {
    let text = '';
    let [piece, painter] = ['', 0];
    const paint = (): string => (painter === 0 ? piece : style.series(painter - 1, piece));
    for (let column = 0; column < this.columns; column++) {
      const cell = row * this.columns + column;
      const owner = this.#owners[cell] ?? 0;
      if (owner !== painter) {
        text += paint();
        [piece, painter] = ['', owner];
      }
      const dots = this.#dots[cell] ?? 0;
      piece += this.#chars.get(cell) ?? (dots === 0 ? ' ' : String.fromCharCode(BRAILLE + dots));
    }
    return text + paint();
  }

  #dot(x: number, y: number, colour: number): void {
    const cell = this.#cellAt(x, y);
    this.#dots[cell] = (this.#dots[cell] ?? 0) | (BITS[y % DOTS_Y]?.[x % DOTS_X === 0 ? 0 : 1] ?? 0);
    this.#owners[cell] = colour + 1;
  }

  #cellAt(x: number, y: number): number {
    return Math.floor(y / DOTS_Y) * this.columns + Math.floor(x / DOTS_X);
  }
}
