// An explanation as text: the causes first, then the way from the sample to the receivers, each step with its reason.

import {
  CAUSE_WORDS,
  type CauseJson,
  type ConditionJson,
  causeText,
  type ExplainJson,
} from '../../api/index.ts';
import { selectorText } from './series.ts';
import { utcText } from './times.ts';
import { visible } from './width.ts';

export interface ExplanationOptions {
  readonly history: boolean;
}

export function explanationText(data: ExplainJson, options: ExplanationOptions): string {
  const lines = [headline(data), ...data.causes.map(cause => line('because', sentence(cause)))];
  const { alert } = data;
  if (alert !== null) lines.push(line('labels', labelsText(alert.labels, '')));
  lines.push(
    ...rulesLines(data),
    ...data.conditions.map(condition => line('sample', conditionText(condition))),
  );
  if (options.history) lines.push(...historyLines(data));
  else {
    lines.push(...data.routes.map(step => routeLine(step)));
    lines.push(...data.stages.map(stageLine));
  }
  if (alert !== null && data.stages.length === 0 && data.history.length === 0)
    lines.push('  the journal has no event about it yet');
  if (data.isPast) lines.push(line('config', data.configVersion === '' ? 'not known' : data.configVersion));
  lines.push(...otherLines(data));
  return `${lines.map(visible).join('\n')}\n`;
}

function headline({ alert, rules, isPast, atMs }: ExplainJson): string {
  const when = isPast ? ` at ${utcText(atMs)}` : '';
  if (alert === null) return `There is no alert ${rules[0]?.name ?? ''}${when}`.trimEnd();
  const name = alert.labels['alertname'] ?? '';
  return `${name} ${isPast ? 'was' : 'is'} ${alert.state}${when}${alert.reason === '' ? '' : `: ${alert.reason}`}`;
}

/** Own words for own times; a cause that a newer server knows comes with its own text. */
function sentence(cause: CauseJson): string {
  const words: string | undefined = CAUSE_WORDS[cause.code];
  return words === undefined ? cause.text : causeText(words, cause.params, utcText);
}

function rulesLines({ alert, rules }: ExplainJson): readonly string[] {
  if (rules.length === 0) return alert === null || alert.expr === '' ? [] : [line('rule', alert.expr)];
  return rules.map(({ expr, file, group, health, lastError }) => {
    const wrong = health === 'err' ? `; failed: ${lastError}` : '';
    return line('rule', `${expr} (group ${group} of ${file}${wrong})`);
  });
}

function conditionText({ left, op, right, threshold, series, seriesTotal, error }: ConditionJson): string {
  if (error !== '') return `${left}: ${error}`;
  if (seriesTotal === 0) return `${left} has no series`;
  if (series.length === 0) return `${left} has no series of this alert, and ${seriesTotal} of others`;
  const wanted = op === '' ? '' : ` ${op} ${threshold ?? right}`;
  const shown = series.map(
    ({ labels, value, holds }) =>
      `${seriesText(labels)}${value}${op === '' ? '' : holds ? ' holds' : ' does not hold'}`,
  );
  const more = seriesTotal > series.length ? `, and ${seriesTotal - series.length} more series` : '';
  return `${left}${wanted}: ${shown.join('; ')}${more}`;
}

function routeLine({ route, depth, receiver, verdict, reason }: ExplainJson['routes'][number]): string {
  return line('tree', `${'  '.repeat(depth)}${route} → ${receiver}: ${verdict}, ${reason}`);
}

function stageLine(event: ExplainJson['stages'][number]): string {
  const until = event.lastAtMs > event.atMs ? `, last said ${utcText(event.lastAtMs)}` : '';
  return line(event.stage, `${utcText(event.atMs)}  ${event.verdict}: ${event.reason}${until}`);
}

/** The oldest first, as it is read. */
function historyLines({ history }: ExplainJson): readonly string[] {
  return [...history].reverse().map(event => {
    const repeats =
      event.repeats > 0 ? ` (${event.repeats} more times, last ${utcText(event.lastAtMs)})` : '';
    return line(event.stage, `${utcText(event.atMs)}  ${event.verdict}: ${event.reason}${repeats}`);
  });
}

function otherLines({ others }: ExplainJson): readonly string[] {
  return others.map(other =>
    line('also', `${other.state} ${labelsText(other.labels, ' ')}${other.fingerprint}`),
  );
}

function line(name: string, text: string): string {
  return `  ${name.padEnd(12)}${text}`;
}

/** A scalar has no labels. */
function seriesText(labels: Readonly<Record<string, string>>): string {
  return Object.keys(labels).length === 0 ? '' : `${selectorText(labels)} `;
}

/** `after` follows unless there are none. */
function labelsText(labels: Readonly<Record<string, string>>, after: string): string {
  const texts = Object.entries(labels).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return texts.length === 0 ? '' : `${texts.join(' ')}${after}`;
}
