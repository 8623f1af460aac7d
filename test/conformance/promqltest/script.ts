// Prometheus's test-script language read into commands.

import { parseDuration } from '../../../src/base/index.ts';
import type { Labels, QueryTimes } from '../../../src/model/index.ts';
import { unquote } from '../../../src/promql/parser/index.ts';
import {
  type NotationSeries,
  type NotationValue,
  parseMetric,
  parseSeriesLine,
  parseValues,
} from './notation.ts';

export type Command =
  | { readonly kind: 'clear' }
  | {
      readonly kind: 'load';
      readonly line: number;
      readonly gapMs: number;
      /** load_with_nhcb: classic histograms are stored as native ones as well. */
      readonly customBuckets: boolean;
      readonly series: readonly NotationSeries[];
    }
  | EvalCommand;

export interface Expectation {
  readonly kind: 'fail' | 'warn' | 'no_warn' | 'info' | 'no_info' | 'ordered';
  readonly message?: string;
  readonly pattern?: string;
}

export type ExpectedRow =
  | { readonly kind: 'series'; readonly labels: Labels; readonly values: readonly NotationValue[] }
  | { readonly kind: 'scalar'; readonly values: readonly NotationValue[] };

export interface EvalCommand {
  readonly kind: 'eval';
  readonly line: number;
  readonly expr: string;
  readonly times: QueryTimes;
  readonly expectations: readonly Expectation[];
  readonly text?: string;
  /** `expect range vector from … to … step …`. */
  readonly rangeVector?: QueryTimes;
  readonly rows: readonly ExpectedRow[];
}

export function parseScript(text: string): readonly Command[] {
  const lines = text.split('\n');
  const commands: Command[] = [];
  let i = 0;
  const body = (): string[] => {
    const found: string[] = [];
    // A block goes on until an empty line or the next command; a comment inside it does not end it.
    while (
      i < lines.length &&
      (lines[i] as string).trim() !== '' &&
      !/^(eval|load|clear)/.test(lines[i] as string)
    ) {
      const trimmed = (lines[i] as string).trim();
      if (!trimmed.startsWith('#')) found.push(trimmed);
      i++;
    }
    return found;
  };
  while (i < lines.length) {
    const line = (lines[i] as string).trim();
    const number = i + 1;
    i++;
    if (line === '' || line.startsWith('#')) continue;
    if (line === 'clear') commands.push({ kind: 'clear' });
    else if (line.startsWith('load')) commands.push(parseLoad(line, body(), number));
    else if (line.startsWith('eval')) commands.push(parseEval(line, body(), number));
    else throw new Error(`line ${number}: unknown command: ${line}`);
  }
  return commands;
}

function parseLoad(line: string, body: readonly string[], number: number): Command {
  const match = /^load(_with_nhcb)?\s+(\S+)$/.exec(line);
  if (match === null) throw new Error(`line ${number}: ${line}`);
  const series = body.map(text => {
    const parsed = parseSeriesLine(text);
    if (!parsed.ok) throw new Error(`line ${number}: ${text}: ${parsed.error}`);
    return parsed.value;
  });
  return {
    kind: 'load',
    line: number,
    gapMs: durationMs(match[2] as string),
    customBuckets: match[1] !== undefined,
    series,
  };
}

function durationMs(text: string): number {
  if (/^[\d.]+$/.test(text)) return Number(text) * 1000;
  const parsed = parseDuration(text);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}

const INSTANT = /^eval(?:_(fail|warn|info|ordered))?\s+instant\s+(?:at\s+(\S+)\s+)(.+)$/;
const RANGE = /^eval(?:_(fail|warn|info))?\s+range\s+from\s+(\S+)\s+to\s+(\S+)\s+step\s+(\S+)\s+(.+)$/;

function parseEval(line: string, body: readonly string[], number: number): EvalCommand {
  const instant = INSTANT.exec(line);
  const range = RANGE.exec(line);
  const word = instant?.[1] ?? range?.[1];
  const expectations: Expectation[] = [];
  if (word === 'fail' || word === 'warn' || word === 'info' || word === 'ordered') {
    expectations.push({ kind: word });
  }
  let times: QueryTimes;
  let expr: string;
  if (instant !== null) {
    const atMs = durationMs(instant[2] as string);
    times = { startMs: atMs, endMs: atMs, stepMs: 0 };
    expr = instant[3] as string;
  } else if (range !== null) {
    const [, , from, to, step, text] = range as unknown as string[];
    times = {
      startMs: durationMs(from as string),
      endMs: durationMs(to as string),
      stepMs: durationMs(step as string),
    };
    expr = text as string;
  } else throw new Error(`line ${number}: ${line}`);

  const rows: ExpectedRow[] = [];
  let text: string | undefined;
  let rangeVector: QueryTimes | undefined;
  for (const entry of body) {
    if (!entry.startsWith('expect ')) {
      rows.push(parseRow(entry, number));
      continue;
    }
    const rest = entry.slice('expect '.length).trim();
    const vector = /^range vector from (\S+) to (\S+) step (\S+)$/.exec(rest);
    if (vector !== null) {
      const [, from, to, step] = vector as unknown as string[];
      rangeVector = {
        startMs: durationMs(from as string),
        endMs: durationMs(to as string),
        stepMs: durationMs(step as string),
      };
    } else if (rest.startsWith('string ')) {
      const parsed = unquote(rest.slice('string '.length).trim());
      if (!parsed.ok) throw new Error(`line ${number}: ${entry}`);
      text = parsed.value;
    } else expectations.push(parseExpectation(rest, number));
  }
  return {
    kind: 'eval',
    line: number,
    expr,
    times,
    expectations,
    rows,
    ...(text === undefined ? {} : { text }),
    ...(rangeVector === undefined ? {} : { rangeVector }),
  };
}

function parseExpectation(rest: string, number: number): Expectation {
  const match = /^(fail|warn|no_warn|info|no_info|ordered)(?:\s+(msg|regex):\s*(.*))?$/.exec(rest);
  if (match === null) throw new Error(`line ${number}: unknown expectation: ${rest}`);
  const kind = match[1] as Expectation['kind'];
  if (match[2] === 'msg') return { kind, message: match[3] as string };
  return match[2] === 'regex' ? { kind, pattern: match[3] as string } : { kind };
}

function parseRow(entry: string, number: number): ExpectedRow {
  const scalar = parseValues(entry);
  if (scalar.ok && !/^\{[^{]/.test(entry)) return { kind: 'scalar', values: scalar.value };
  const series = parseSeriesLine(entry);
  if (!series.ok) throw new Error(`line ${number}: ${entry}: ${series.error}`);
  return { kind: 'series', labels: series.value.labels, values: series.value.values };
}

export { parseMetric };
