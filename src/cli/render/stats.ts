// What a store holds and how it grows, as tables: blocks and head, metrics, labels, and the forecast in sentences.

import { formatDuration } from '../../base/index.ts';
import type {
  BlockPart,
  FolderStats,
  Forecast,
  LabelStats,
  MetricStats,
  SavedByPolicy,
} from '../../storage/index.ts';
import { byteText, counted, grouped, shortNumber } from './numbers.ts';
import type { Style } from './style.ts';
import { type Column, table } from './table.ts';
import { visible } from './width.ts';

export type StatsOrder = 'bytes' | 'series' | 'samples';

export interface StatsReport extends Omit<FolderStats, 'metrics' | 'labels' | 'policies'> {
  readonly metrics: readonly MetricStats[];
  readonly metricCount: number;
  readonly labels: readonly LabelStats[];
  readonly labelCount: number;
  /** In their order; "" is all others. */
  readonly policies: readonly {
    readonly match: string;
    readonly keepMs: number;
    readonly saved: SavedByPolicy;
  }[];
  readonly limits: {
    readonly retentionMs: number;
    readonly retentionBytes: number;
    readonly freeBytes: number | null;
  };
  readonly forecast: Forecast | null;
}

export interface StatsOptions {
  readonly width: number | undefined;
  readonly style: Style;
  readonly by: StatsOrder;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

export function statsText(report: StatsReport, options: StatsOptions): string {
  const { metricCount, labelCount } = report;
  return [
    `${counted(report.series, 'series')}, ${counted(report.samples, 'sample')}, ${byteText(report.bytes)}\n`,
    shown(partColumns(report), options),
    report.unread.length === 0
      ? ''
      : `cannot be read: ${report.unread.map(visible).join(', ')} (storage verify says why)\n`,
    title(`metrics by ${options.by}`, report.metrics.length, metricCount),
    shown(metricColumns(report), options),
    title('labels by values', report.labels.length, labelCount),
    shown(labelColumns(report), options),
    report.policies.length === 0 ? '' : `\nretention by policy\n${shown(policyColumns(report), options)}`,
    `\n${forecastText(report)}`,
  ].join('');
}

function title(what: string, count: number, all: number): string {
  return `\n${what}${count < all ? ` (${count} of ${grouped(all)})` : ''}\n`;
}

/** As wide as it gets where the terminal is too narrow for it: the lines wrap then. */
function shown(columns: readonly Column[], { width, style }: StatsOptions): string {
  return table(columns, { width, style }) ?? table(columns, { width: undefined, style }) ?? '';
}

function partColumns({ blocks, head }: StatsReport): readonly Column[] {
  const parts: readonly BlockPart[] = [...blocks, { ...head, name: 'head', deletedSeries: 0 }];
  return [
    text('part', parts, part => part.name),
    text('from', parts, part => timeText(part.minMs)),
    text('to', parts, part => timeText(part.maxMs)),
    number('series', parts, part => grouped(part.series)),
    number('samples', parts, part => grouped(part.samples)),
    number('bytes', parts, part => byteText(part.bytes)),
    number('B/sample', parts, part => (part.samples === 0 ? '' : shortNumber(part.bytes / part.samples, 3))),
    number('new series/h', parts, newText),
    number('series with deletions', parts, part =>
      part.deletedSeries === 0 ? '' : grouped(part.deletedSeries),
    ),
  ];
}

function newText({ newSeries, minMs, maxMs }: BlockPart): string {
  if (newSeries === null || !(maxMs > minMs)) return '';
  return shortNumber(newSeries / Math.max(1, (maxMs - minMs) / HOUR_MS), 3);
}

function timeText(timeMs: number): string {
  return Number.isFinite(timeMs) ? `${new Date(timeMs).toISOString().slice(0, 16)}Z` : '';
}

function metricColumns({ metrics, bytes, samples, series }: StatsReport): readonly Column[] {
  return [
    { ...text('metric', metrics, one => visible(one.metric)), isCut: true },
    number('series', metrics, one => grouped(one.series)),
    number('', metrics, one => percent(one.series, series)),
    number('samples', metrics, one => grouped(one.samples)),
    number('', metrics, one => percent(one.samples, samples)),
    number('bytes', metrics, one => byteText(one.bytes)),
    number('', metrics, one => percent(one.bytes, bytes)),
  ];
}

function labelColumns({ labels, series }: StatsReport): readonly Column[] {
  return [
    { ...text('label', labels, one => visible(one.label)), isCut: true },
    number('values', labels, one => grouped(one.values)),
    number('series', labels, one => grouped(one.series)),
    number('', labels, one => percent(one.series, series)),
    number('bytes of values', labels, one => byteText(one.bytes)),
  ];
}

function policyColumns({ policies }: StatsReport): readonly Column[] {
  return [
    text('match', policies, one => (one.match === '' ? 'all others' : visible(one.match))),
    number('keep', policies, one => formatDuration(one.keepMs)),
    number('samples dropped', policies, one => grouped(one.saved.samples)),
    number('saved', policies, one => byteText(one.saved.bytes)),
  ];
}

function percent(part: number, whole: number): string {
  return whole === 0 ? '' : `${((100 * part) / whole).toFixed(1)} %`;
}

function text<T>(header: string, rows: readonly T[], textOf: (row: T) => string): Column {
  return { header, align: 'left', cells: rows.map(textOf), isCut: false };
}

function number<T>(header: string, rows: readonly T[], textOf: (row: T) => string): Column {
  return { ...text(header, rows, textOf), align: 'right' };
}

function forecastText({ forecast, limits, bytes }: StatsReport): string {
  if (forecast === null) return 'too few samples to tell how it grows\n';
  const { bytesPerDay, samplesPerDay, newSeriesPerHour, retentionInDays, bytesAtRetention } = forecast;
  const age = `${shortNumber(limits.retentionMs / DAY_MS, 3)} days`;
  const lines = [
    `growth     ${byteText(bytesPerDay)} and ${grouped(Math.round(samplesPerDay))} samples a day, ${shortNumber(newSeriesPerHour, 3)} new series an hour`,
    retentionInDays === 0
      ? `retention  ${age}: reached; what comes takes the place of what goes`
      : `retention  ${age}: reached in ${daysText(retentionInDays)}, with ${byteText(bytesAtRetention)}`,
  ];
  if (limits.retentionBytes > 0)
    lines.push(
      `size       ${byteText(limits.retentionBytes)}: ${forecast.sizeInDays === null ? 'not reached' : reachedText(forecast.sizeInDays, bytes >= limits.retentionBytes)}`,
    );
  if (limits.freeBytes !== null)
    lines.push(
      `disk       ${byteText(limits.freeBytes)} free: ${forecast.diskFullInDays === null ? 'enough' : `full in ${daysText(forecast.diskFullInDays)}`}`,
    );
  return lines.map(line => `${line}\n`).join('');
}

function reachedText(days: number, isReached: boolean): string {
  return isReached ? 'reached; the oldest blocks go' : `reached in ${daysText(days)}`;
}

function daysText(days: number): string {
  return `${days < 10 ? days.toFixed(1) : Math.round(days)} days`;
}
