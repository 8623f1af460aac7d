// watchkeeper query: a PromQL expression, asked of a running Watchkeeper.

import type { HistogramJson, HistogramPoint, MatrixRow, Point, QueryData } from '../api/index.ts';
import { askServer } from './client.ts';
import { type Command, readArgs, usageError } from './command.ts';

export const queryCommand: Command = {
  name: 'query',
  says: 'ask a running Watchkeeper a PromQL expression',
  help: `usage: watchkeeper query EXPR [--at T | --from T --to T --step D] [--url URL] [--token TOKEN] [--json]

  EXPR          the expression, in quotes: 'rate(node_cpu_seconds_total[5m])'
  --at T        instant of the query: seconds since the epoch, or RFC 3339 (default: now)
  --from, --to  range of the query, with --step (a duration such as 30s)
  --url URL     whom to ask (default: http://127.0.0.1:9390, or WATCHKEEPER_URL)
  --json        print the API's answer as it came
`,
  async run(context) {
    const args = readArgs(context.args, {
      at: { type: 'string' },
      from: { type: 'string' },
      to: { type: 'string' },
      step: { type: 'string' },
      url: { type: 'string' },
      token: { type: 'string' },
      json: { type: 'boolean' },
    });
    if (!args.ok) return usageError(context, queryCommand, args.error);
    const [expr, ...more] = args.value.words;
    if (expr === undefined) return usageError(context, queryCommand, 'an expression is needed');
    if (more.length > 0)
      return usageError(
        context,
        queryCommand,
        `one expression expected, in quotes: "${more.join(' ')}" is too much`,
      );
    const from = args.value.text('from');
    const to = args.value.text('to');
    const isRange = from !== undefined || to !== undefined;
    if (isRange && (from === undefined || to === undefined || args.value.text('step') === undefined)) {
      return usageError(context, queryCommand, 'a range needs --from, --to and --step');
    }
    const at = args.value.text('at');
    const answer = await askServer<QueryData>(context, args.value, {
      path: isRange ? '/api/v1/query_range' : '/api/v1/query',
      params: isRange
        ? { query: expr, start: from ?? '', end: to ?? '', step: args.value.text('step') ?? '' }
        : { query: expr, ...(at === undefined ? {} : { time: at }) },
    });
    if (!answer.ok) {
      context.warn(`${answer.error}\n`);
      return 1;
    }
    for (const note of [...(answer.value.warnings ?? []), ...(answer.value.infos ?? [])])
      context.warn(`note: ${note}\n`);
    context.out(args.value.flag('json') ? `${JSON.stringify(answer.value)}\n` : printData(answer.value.data));
    return 0;
  },
};

/** One line a sample, as promtool prints: `name{labels} => value @[time]`. */
export function printData(data: QueryData): string {
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
  const [at, value] = point;
  return `${typeof value === 'string' ? value : histogramText(value)} @[${at}]\n`;
}

/** As Prometheus prints it: {count:4, sum:5, (0.5,1]:4}. */
function histogramText({ count, sum, buckets = [] }: HistogramJson): string {
  const parts = buckets.map(
    ([bounds, lower, upper, held]) =>
      `${bounds % 2 === 1 ? '[' : '('}${lower},${upper}${bounds % 3 === 0 ? ']' : ')'}:${held}`,
  );
  return `{${[`count:${count}`, `sum:${sum}`, ...parts].join(', ')}}`;
}

function seriesText(metric: Readonly<Record<string, string>>): string {
  const { __name__: name = '', ...labels } = metric;
  const parts = Object.entries(labels).map(([label, value]) => `${label}=${JSON.stringify(value)}`);
  return parts.length === 0 && name !== '' ? name : `${name}{${parts.join(', ')}}`;
}
