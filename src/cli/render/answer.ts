// An answer for people: tables, plots and bars.

import type { HistogramJson, MatrixRow, Point, QueryData, VectorRow } from '../../api/index.ts';
import { formatDuration, never } from '../../base/index.ts';
import { type Bar, bars, histogramBars, histogramFigures } from './bars.ts';
import { type Figures, figuresOf, type Line, linesOf, type Span, spanOf } from './lines.ts';
import { counted, numberOf, shortNumber } from './numbers.ts';
import { csvText, plainText } from './plain.ts';
import { plot } from './plot.ts';
import { labelColumns, ownLabels, selectorText, splitLabels } from './series.ts';
import { sparkline, sparkWidth } from './sparkline.ts';
import type { Style } from './style.ts';
import { type Column, table } from './table.ts';
import type { TimeTexts } from './times.ts';
import { cutText, textWidth, visible, wrapText } from './width.ts';

/** `auto`: what suits the answer. */
export type AnswerFormat = 'auto' | 'table' | 'plot' | 'plain' | 'csv';

export interface AnswerOptions {
  readonly format: AnswerFormat;
  /** Of the terminal; undefined where there is none. */
  readonly width: number | undefined;
  readonly style: Style;
  readonly times: TimeTexts;
  /** What was asked for, where it was a range: a series that ended is not to look like one that goes on. */
  readonly asked?: Span | undefined;
}

/** Plots and bars where no terminal says how wide. */
const WIDTH = 80;
/** More lines in one plot are a tangle; that many are told apart by colour. */
const LINES_MAX = 6;
/** More native histograms than that are told by their figures. */
const HISTOGRAMS_MAX = 4;
const SHARED_ROWS = 11;
const SINGLE_ROWS = 5;
/** Of what is always the same, or no number. */
const FLAT_ROWS = 3;
const SPARK_COLUMNS = 40;
const SPARK_COLUMNS_MIN = 9;

export function answerText(data: QueryData, options: AnswerOptions): string {
  switch (options.format) {
    case 'plain':
      return plainText(data);
    case 'csv':
      return csvText(data);
    default:
      break;
  }
  switch (data.resultType) {
    case 'scalar':
    case 'string':
      return `${visible(data.result[1])}\n`;
    case 'vector':
      return data.result.length === 0 ? noSeries(options) : vectorText(data.result, options);
    case 'matrix':
      return data.result.length === 0 ? noSeries(options) : matrixText(data.result, options);
    default:
      return never(data);
  }
}

function noSeries({ style }: AnswerOptions): string {
  return `${style.dim('no series')}\n`;
}

function cutLine(text: string, { width }: AnswerOptions): string {
  return width === undefined ? text : cutText(text, width);
}

/** What stands above a table or a plot: the labels of all its series. */
function headText(text: string, { style, width }: AnswerOptions): string {
  return text === '' ? '' : `${wrapText(text, width).map(style.bold).join('\n')}\n`;
}

// --- instants ---------------------------------------------------------------------------------------

function vectorText(rows: readonly VectorRow[], options: AnswerOptions): string {
  const histograms = rows.flatMap(row => (row.histogram === undefined ? [] : [row]));
  const isCharted = options.format === 'plot' || (options.format === 'auto' && rows.length <= HISTOGRAMS_MAX);
  if (histograms.length === rows.length && isCharted)
    return rows.map(row => histogramText(row, options)).join('\n') + footer(rows, options);
  if (options.format === 'plot') return barsText(rows, options);
  const [only] = rows;
  if (rows.length === 1 && only !== undefined) return singleText(only, options);
  const metrics = rows.map(({ metric }) => metric);
  const { common, names } = splitLabels(metrics);
  const values: Column = { header: 'value', align: 'right', isCut: false, cells: rows.map(valueText) };
  const head = headText(common, options);
  const body =
    table([...labelColumns(metrics, names), values], options) ??
    // So many labels that no column would be left of them: one column of all.
    listed(
      metrics.map(metric => ownLabels(metric, names)),
      values.cells,
      options,
    );
  return head + body + footer(rows, options);
}

function valueText({ value, histogram }: VectorRow): string {
  if (value !== undefined) return value[1];
  return histogram === undefined ? '' : histogramFigures(histogram[1]);
}

function listed(series: readonly string[], values: readonly string[], options: AnswerOptions): string {
  const columns: readonly Column[] = [
    { header: 'series', align: 'left', isCut: true, cells: series },
    { header: 'value', align: 'right', isCut: false, cells: values },
  ];
  return table(columns, options) ?? table(columns, { ...options, width: undefined }) ?? '';
}

function singleText(row: VectorRow, options: AnswerOptions): string {
  const { style, width } = options;
  const series = wrapText(selectorText(row.metric), width);
  const value = valueText(row);
  const last = textWidth(series.at(-1) ?? '') + 2 + textWidth(value);
  const gap = width === undefined || last <= width ? '  ' : '\n';
  return `${series.join('\n')}${gap}${style.bold(value)}\n${footer([row], options)}`;
}

function footer(rows: readonly VectorRow[], options: AnswerOptions): string {
  const { style, times } = options;
  const at: Point[0] | undefined = (rows[0]?.value ?? rows[0]?.histogram)?.[0];
  if (at === undefined) return '';
  return `${style.dim(cutLine(`${counted(rows.length, 'series')}, ${times.full(at * 1000)}`, options))}\n`;
}

function histogramText({ metric, histogram }: VectorRow, options: AnswerOptions): string {
  const value: HistogramJson = histogram?.[1] ?? { count: '0', sum: '0' };
  const { style, width = WIDTH } = options;
  const head = `${headText(selectorText(metric), options)}${histogramFigures(value)}\n`;
  return head + histogramBars(value, { width, style });
}

function barsText(rows: readonly VectorRow[], options: AnswerOptions): string {
  const { style, width = WIDTH } = options;
  const metrics = rows.map(({ metric }) => metric);
  const { common, names } = splitLabels(metrics);
  const all = rows.map((row): Bar => {
    const value = row.value === undefined ? numberOf(row.histogram?.[1].count ?? '') : numberOf(row.value[1]);
    const text = row.value === undefined ? valueText(row) : shortNumber(value, 6);
    return { label: rows.length === 1 ? '' : ownLabels(row.metric, names), value, text };
  });
  const head = headText(common, options);
  return head + bars(all, { width, style }) + footer(rows, options);
}

// --- ranges -----------------------------------------------------------------------------------------

function matrixText(rows: readonly MatrixRow[], options: AnswerOptions): string {
  const lines = linesOf(rows);
  if (lines.length === 0) return noSeries(options);
  const isPlot = options.format === 'plot' || (options.format === 'auto' && lines.length <= LINES_MAX);
  const text = isPlot ? plotsText(lines, options) : sparklinesText(lines, options);
  const { fromMs, toMs, stepMs } = options.asked ?? spanOf(lines);
  const { style, times } = options;
  const step = stepMs > 0 ? `, step ${formatDuration(stepMs)}` : '';
  const told = `${counted(rows.length, 'series')}, ${times.range(fromMs, toMs)}${step}`;
  return `${text}${style.dim(cutLine(told, options))}\n`;
}

/** Colours tell the lines of one plot apart; without them each series has a plot of its own. */
function plotsText(lines: readonly Line[], options: AnswerOptions): string {
  const { style, times, width = WIDTH } = options;
  const span = options.asked ?? spanOf(lines);
  const common = { width, span, style, times };
  if (lines.length === 1 || (style.isColoured && lines.length <= LINES_MAX)) {
    const height = lines.every(isFlat) ? FLAT_ROWS : SHARED_ROWS;
    const drawn = plot(lines, { ...common, height, hasTimeAxis: true });
    return drawn + legend(lines, options);
  }
  const { common: same, names } = splitLabels(lines.map(({ metric }) => metric));
  const head = headText(same, options);
  const plots = lines.map((line, i) => {
    const title = `${ownLabels(line.metric, names)}${ofText(line)}  ${figuresText(figuresOf(line))}`;
    const isLast = i === lines.length - 1;
    const height = isFlat(line) ? FLAT_ROWS : SINGLE_ROWS;
    const drawn = plot([line], { ...common, height, firstColour: i, hasTimeAxis: isLast });
    return `${style.series(i, cutText(title, width))}\n${drawn}`;
  });
  return head + plots.join('\n');
}

function isFlat({ values }: Line): boolean {
  const numbers = values.filter(Number.isFinite);
  return numbers.every(value => value === numbers[0]);
}

function ofText({ of }: Line): string {
  return of === '' ? '' : ` (${of})`;
}

function figuresText({ last, min, max, avg }: Figures): string {
  const text = shortNumber;
  return `last ${text(last)}  min ${text(min)}  max ${text(max)}  avg ${text(avg)}`;
}

/** The lines of a plot by colour, with their figures. */
function legend(lines: readonly Line[], options: AnswerOptions): string {
  const { style } = options;
  const metrics = lines.map(({ metric }) => metric);
  const { common, names } = splitLabels(metrics);
  const [only] = lines;
  if (lines.length === 1 && only !== undefined) {
    const series = `${selectorText(only.metric)}${ofText(only)}`;
    return `${headText(series, options)}${figuresText(figuresOf(only))}\n`;
  }
  const series: Column = {
    header: 'series',
    align: 'left',
    isCut: true,
    cells: lines.map(line => `─ ${ownLabels(line.metric, names)}${ofText(line)}`),
    paint: (row, cell) => style.series(row, cell),
  };
  const head = headText(common, options);
  const columns = [series, ...figureColumns(lines)];
  return head + (table(columns, options) ?? table(columns, { ...options, width: undefined }) ?? '');
}

function figureColumns(lines: readonly Line[]): readonly Column[] {
  const figures = lines.map(figuresOf);
  const column = (header: keyof Figures): Column => ({
    header,
    align: 'right',
    isCut: false,
    cells: figures.map(one => shortNumber(one[header])),
  });
  return [column('last'), column('min'), column('max'), column('avg')];
}

function sparklinesText(lines: readonly Line[], options: AnswerOptions): string {
  const { width } = options;
  const metrics = lines.map(({ metric }) => metric);
  const { common, names } = splitLabels(metrics);
  const labels = labelColumns(metrics, names);
  const series: Column = {
    header: 'series',
    align: 'left',
    isCut: true,
    cells: metrics.map(metric => ownLabels(metric, names)),
  };
  const share = width === undefined ? SPARK_COLUMNS : Math.floor(width / 3);
  const drawn = sparkColumn(lines, Math.max(SPARK_COLUMNS_MIN, Math.min(SPARK_COLUMNS, share)), options);
  const short = sparkColumn(lines, SPARK_COLUMNS_MIN, options);
  const [last, ...others] = figureColumns(lines);
  const of: readonly Column[] = lines.some(line => line.of !== '')
    ? [{ header: 'of', align: 'left', isCut: false, cells: lines.map(line => line.of) }]
    : [];
  // The narrower the terminal, the less is told.
  const attempts = [
    [...labels, ...of, drawn, last, ...others],
    [...labels, ...of, short, last, ...others],
    [series, ...of, short, last, ...others],
    [series, ...of, short, last],
  ].map(columns => columns.filter(column => column !== undefined));
  const head = headText(common, options);
  for (const columns of attempts) {
    const body = table(columns, options);
    if (body !== undefined) return head + body;
  }
  return head + (table(attempts.at(-1) ?? [], { ...options, width: undefined }) ?? '');
}

function sparkColumn(lines: readonly Line[], columns: number, { style, asked }: AnswerOptions): Column {
  const span = asked ?? spanOf(lines);
  const width = sparkWidth(span, columns);
  return {
    header: 'over time',
    align: 'left',
    isCut: false,
    cells: lines.map(line => sparkline(line, span, width)),
    paint: (_, cell) => style.series(0, cell),
  };
}
