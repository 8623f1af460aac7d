// Columns of text, aligned, and cut to the width of the terminal.

import type { Style } from './style.ts';
import { cutText, padText, textWidth } from './width.ts';

export interface Column {
  readonly header: string;
  readonly align: 'left' | 'right';
  /** One a row. */
  readonly cells: readonly string[];
  /** Cells that may be cut where the table is too wide. Numbers may not: a cut one is another number. */
  readonly isCut: boolean;
  readonly paint?: (row: number, cell: string) => string;
}

export interface TableOptions {
  /** Columns of the terminal; undefined: as wide as it gets. */
  readonly width: number | undefined;
  readonly style: Style;
}

const GAP = '  ';
/** Fewer columns than that tell nothing of a text. */
const CUT_MIN = 6;

/** Undefined where it does not fit, however much is cut. */
export function table(columns: readonly Column[], { width, style }: TableOptions): string | undefined {
  const natural = columns.map(({ header, cells }) => Math.max(textWidth(header), ...widthsOf(cells)));
  const widths = width === undefined ? natural : fitted(columns, natural, width);
  if (widths === undefined) return undefined;
  const line = (textOf: (column: Column) => string, paint: (column: Column, cell: string) => string) =>
    columns
      .map((column, i) => {
        const columnWidth = widths[i] ?? 0;
        const cell = cutText(textOf(column), columnWidth);
        const isLast = i === columns.length - 1;
        const padded = isLast && column.align === 'left' ? cell : padText(cell, columnWidth, column.align);
        return paint(column, padded);
      })
      .join(GAP)
      .trimEnd();
  const rows = columns[0]?.cells.length ?? 0;
  const lines = [
    line(
      ({ header }) => header,
      (_, cell) => style.dim(cell),
    ),
  ];
  for (let row = 0; row < rows; row++) {
    lines.push(
      line(
        ({ cells }) => cells[row] ?? '',
        ({ paint }, cell) => paint?.(row, cell) ?? cell,
      ),
    );
  }
  return `${lines.join('\n')}\n`;
}

/** One number; a spread of very many cells would not do. */
function widthsOf(cells: readonly string[]): readonly [number] {
  let widest = 0;
  for (const cell of cells) widest = Math.max(widest, textWidth(cell));
  return [widest];
}

/** The widest columns give way first, to one level. */
function fitted(
  columns: readonly Column[],
  natural: readonly number[],
  width: number,
): readonly number[] | undefined {
  const gaps = GAP.length * (columns.length - 1);
  const sum = (level: number): number =>
    natural.reduce((all, one, i) => all + (columns[i]?.isCut === true ? Math.min(one, level) : one), gaps);
  let level = Math.max(...natural);
  while (level > CUT_MIN && sum(level) > width) level--;
  let spare = width - sum(level);
  if (spare < 0) return undefined;
  return natural.map((one, i) => {
    if (columns[i]?.isCut !== true || one <= level) return one;
    const more = spare > 0 ? 1 : 0;
    spare -= more;
    return level + more;
  });
}
