// Answers for other programs: promtool's lines, and CSV.

import type {
  HistogramJson,
  HistogramPoint,
  LabelRecord,
  MatrixRow,
  Point,
  QueryData,
} from '../../api/index.ts';
import { compareUtf8 } from '../../base/index.ts';
import { METRIC_NAME } from '../../model/index.ts';

/** One line a sample, as promtool prints: `name{labels} => value @[time]`. */
export function plainText(data: QueryData): string {
  switch (data.resultType) {
    case 'vector':
      return data.result
        .map(row => `${seriesText(row.metric)} => ${pointText(row.value ?? row.histogram)}`)
        .join('');
    case 'matrix':
      return data.result
        .map(row => `${seriesText(row.metric)} =>\n${rowPoints(row).map(pointText).join('')}`)
        .join('');
    default:
      return `${data.result[1]} @[${data.result[0]}]\n`;
  }
}

/** Floats and histograms in the order of time. */
function rowPoints({ values = [], histograms = [] }: MatrixRow): readonly (Point | HistogramPoint)[] {
  return [...values, ...histograms].sort(([a], [b]) => a - b);
}

function pointText(point: Point | HistogramPoint | undefined): string {
  if (point === undefined) return '';
  return `${valueText(point[1])} @[${point[0]}]\n`;
}

function valueText(value: string | HistogramJson): string {
  return typeof value === 'string' ? value : histogramText(value);
}

/** As Prometheus prints it: {count:4, sum:5, (0.5,1]:4}. */
function histogramText({ count, sum, buckets = [] }: HistogramJson): string {
  const parts = buckets.map(
    ([bounds, lower, upper, held]) =>
      `${bounds % 2 === 1 ? '[' : '('}${lower},${upper}${bounds % 3 === 0 ? ']' : ')'}:${held}`,
  );
  return `{${[`count:${count}`, `sum:${sum}`, ...parts].join(', ')}}`;
}

function seriesText(metric: LabelRecord): string {
  const { __name__: name = '', ...labels } = metric;
  const parts = Object.entries(labels).map(([label, value]) => `${label}=${JSON.stringify(value)}`);
  return parts.length === 0 && name !== '' ? name : `${name}{${parts.join(', ')}}`;
}

/** A column a label name, then the time in seconds and the value; a line a sample. */
export function csvText(data: QueryData): string {
  if (data.resultType !== 'vector' && data.resultType !== 'matrix') {
    const [atS, value] = data.result;
    return csvLines([
      ['time', 'value'],
      [String(atS), value],
    ]);
  }
  const rows = data.result.map(row => ({ metric: row.metric, points: pointsOf(row) }));
  const names = [...new Set(rows.flatMap(({ metric }) => Object.keys(metric)))].sort(
    (a, b) => Number(b === METRIC_NAME) - Number(a === METRIC_NAME) || compareUtf8(a, b),
  );
  const lines = rows.flatMap(({ metric, points }) => {
    const labels = names.map(name => (Object.hasOwn(metric, name) ? (metric[name] ?? '') : ''));
    return points.map(([atS, value]) => [...labels, String(atS), valueText(value)]);
  });
  return csvLines([[...names, 'time', 'value'], ...lines]);
}

function pointsOf(
  row: MatrixRow & { readonly value?: Point; readonly histogram?: HistogramPoint },
): readonly (Point | HistogramPoint)[] {
  const one = row.value ?? row.histogram;
  return one === undefined ? rowPoints(row) : [one];
}

/** As RFC 4180 quotes. */
function csvLines(rows: readonly (readonly string[])[]): string {
  const cell = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  return rows.map(row => `${row.map(cell).join(',')}\n`).join('');
}
