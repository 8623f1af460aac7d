// A series in one line of text: blocks of eight heights, each series by its own least and most.

import { figuresOf, type Line, type Span } from './lines.ts';

const BLOCKS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const MIDDLE = '▄';
const GAP = ' ';
/** Of columns that hold an infinity. */
const ABOVE = '▲';
const BELOW = '▼';

/** At most `columns` wide, and never wider than there are steps. */
export function sparkline(line: Line, span: Span, columns: number): string {
  const width = sparkWidth(span, columns);
  const finite = { ...line, values: line.values.map(value => (Number.isFinite(value) ? value : Number.NaN)) };
  const { min, max, avg } = figuresOf(finite);
  const shown: number[] = new Array(width).fill(Number.NaN);
  line.values.forEach((value, i) => {
    const share =
      span.toMs > span.fromMs ? ((line.timesMs[i] ?? 0) - span.fromMs) / (span.toMs - span.fromMs) : 0;
    const column = Math.max(0, Math.min(width - 1, Math.floor(share * width)));
    const before = shown[column] ?? Number.NaN;
    // Of several in one column the one farthest from the rest: a peak and a dip stay visible.
    if (Number.isNaN(before) || Math.abs(value - avg) > Math.abs(before - avg)) shown[column] = value;
  });
  return shown.map(value => blockOf(value, min, max)).join('');
}

export function sparkWidth({ fromMs, toMs, stepMs }: Span, columns: number): number {
  const steps = stepMs > 0 ? Math.round((toMs - fromMs) / stepMs) + 1 : 1;
  return Math.max(1, Math.min(columns, steps));
}

function blockOf(value: number, min: number, max: number): string {
  if (Number.isNaN(value)) return GAP;
  if (!Number.isFinite(value)) return value > 0 ? ABOVE : BELOW;
  if (max === min) return MIDDLE;
  const level = Math.round(((value - min) / (max - min)) * (BLOCKS.length - 1));
  return BLOCKS[level] ?? MIDDLE;
}
