// Alerts and silences as tables.

import { type GettableAlertJson, type GettableSilenceJson, matcherOf } from '../../api/index.ts';
import { formatDuration } from '../../base/index.ts';
import { formatMatcher } from '../../model/index.ts';
import { counted } from './numbers.ts';
import { selectorText } from './series.ts';
import type { Style } from './style.ts';
import { type Column, table } from './table.ts';
import type { TimeTexts } from './times.ts';
import { visible } from './width.ts';

export interface ListOptions {
  readonly width: number | undefined;
  readonly style: Style;
  readonly times: TimeTexts;
}

/** The longest firing first. */
export function alertsText(alerts: readonly GettableAlertJson[], options: ListOptions): string {
  const { style, times } = options;
  if (alerts.length === 0) return `${style.dim('no alerts')}\n`;
  const sorted = [...alerts].sort((a, b) => Date.parse(a.startsAt) - Date.parse(b.startsAt));
  const text = (header: string, cellOf: (alert: GettableAlertJson) => string, isCut = true): Column => ({
    header,
    align: 'left',
    isCut,
    cells: sorted.map(cellOf),
  });
  const columns: readonly Column[] = [
    text('alert', ({ labels }) => visible(labels['alertname'] ?? '')),
    {
      ...text('state', stateOf, false),
      paint: (row, cell) => (sorted[row]?.status.state === 'active' ? style.bad(cell) : style.dim(cell)),
    },
    text('since', ({ startsAt }) => times.full(Date.parse(startsAt)), false),
    text('labels', ({ labels: { alertname: _, ...labels } }) => selectorText(labels)),
    text('summary', ({ annotations }) => visible(annotations['summary'] ?? annotations['description'] ?? '')),
    text('receivers', ({ receivers }) => visible(receivers.map(({ name }) => name).join(', '))),
  ];
  return `${fitted(columns, options)}${style.dim(counted(alerts.length, 'alert'))}\n`;
}

/** Why it is kept back is told, where it is. */
function stateOf({ status }: GettableAlertJson): string {
  const { state, silencedBy, inhibitedBy, mutedBy } = status;
  if (state !== 'suppressed') return state;
  const why = [
    silencedBy.length > 0 ? 'silenced' : '',
    inhibitedBy.length > 0 ? 'inhibited' : '',
    mutedBy.length > 0 ? 'muted' : '',
  ].filter(word => word !== '');
  return why.join(', ') || state;
}

/** In the order of the API: first those that hold, the next to end in front. */
export function silencesText(
  silences: readonly GettableSilenceJson[],
  options: ListOptions & { readonly nowMs: number },
): string {
  const { style, times, nowMs } = options;
  if (silences.length === 0) return `${style.dim('no silences')}\n`;
  const text = (header: string, cellOf: (silence: GettableSilenceJson) => string, isCut = true): Column => ({
    header,
    align: 'left',
    isCut,
    cells: silences.map(cellOf),
  });
  const columns: readonly Column[] = [
    text('id', ({ id }) => visible(id), false),
    {
      ...text('state', ({ status }) => status.state, false),
      paint: (row, cell) => (silences[row]?.status.state === 'active' ? style.good(cell) : style.dim(cell)),
    },
    text('matchers', matchersText),
    text(
      'ends',
      ({ endsAt }) => `${times.full(Date.parse(endsAt))} ${distance(Date.parse(endsAt) - nowMs)}`,
      false,
    ),
    text('by', ({ createdBy }) => visible(createdBy)),
    text('comment', ({ comment }) => visible(comment)),
  ];
  return `${fitted(columns, options)}${style.dim(counted(silences.length, 'silence'))}\n`;
}

function fitted(columns: readonly Column[], options: ListOptions): string {
  return table(columns, options) ?? table(columns, { ...options, width: undefined }) ?? '';
}

function matchersText({ matchers }: GettableSilenceJson): string {
  return visible(matchers.map(one => formatMatcher(matcherOf(one))).join(' '));
}

const MINUTE_MS = 60_000;

/** To the minute. */
function distance(ms: number): string {
  const length =
    Math.abs(ms) < MINUTE_MS ? 'under 1m' : formatDuration(Math.round(Math.abs(ms) / MINUTE_MS) * MINUTE_MS);
  return ms < 0 ? `(${length} ago)` : `(in ${length})`;
}
