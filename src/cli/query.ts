// watchkeeper query: a PromQL expression, asked of a running Watchkeeper.

import type { QueryData, QueryPlanJson, Success } from '../api/index.ts';
import { err, ok, parseDuration, type Result } from '../base/index.ts';
import { askServer, CLIENT_OPTIONS, clientHelp } from './client.ts';
import { type Command, type CommandContext, type ParsedArgs, readArgs, usageError } from './command.ts';
import { timeMs } from './instant.ts';
import { type AnswerFormat, answerText, planText, pointedAt, type Span } from './render/index.ts';
import { terminalOf } from './terminal.ts';

const OPTIONS = {
  at: { type: 'string' },
  from: { type: 'string' },
  to: { type: 'string' },
  last: { type: 'string' },
  step: { type: 'string' },
  limit: { type: 'string' },
  format: { type: 'string' },
  explain: { type: 'boolean' },
  ...CLIENT_OPTIONS,
  json: { type: 'boolean' },
} as const;

export const queryCommand: Command = {
  name: 'query',
  says: 'ask a running Watchkeeper a PromQL expression',
  help: `usage: watchkeeper query EXPR [--at T | --from T [--to T] | --last D] [--step D] [options]

  EXPR          the expression, in quotes: 'rate(node_cpu_seconds_total[5m])'
  --at T        instant of the query: seconds since the epoch, or RFC 3339 (default: now)
  --from, --to  range of the query (--to: now)
  --last D      range of the query: so long until now, such as 6h
  --step D      a value each D in a range (default: the range in 250 parts, in whole seconds)
  --format F    table, plot, plain (a line a sample), csv or json
                (default: on a terminal what suits the answer, else plain)
  --json        the same as --format json: the API's answer as it came
  --limit N     so many series at most
  --explain     instead of the answer, how it was found: each operator with its series, samples and time
${clientHelp({ column: 16 })}
`,
  async run(context) {
    const args = readArgs(context.args, OPTIONS);
    if (!args.ok) return usageError(context, queryCommand, args.error);
    const request = readRequest(context, args.value);
    if (!request.ok) return usageError(context, queryCommand, request.error);
    const { path, params } = request.value;
    const answer = await askServer<QueryAnswer>(context, args.value, { path, params });
    if (!answer.ok) {
      context.warn(`${pointedAt(answer.error, params['query'] ?? '')}\n`);
      return 1;
    }
    for (const note of [...(answer.value.warnings ?? []), ...(answer.value.infos ?? [])])
      context.warn(`note: ${note}\n`);
    const text = outputText(context, answer.value, request.value);
    if (text === undefined) {
      context.warn(
        'Cannot explain the query: the server does not say what its operators did (is it older?)\n',
      );
      return 1;
    }
    context.out(text);
    return 0;
  },
};

type QueryAnswer = QueryData & { readonly explain?: QueryPlanJson };
type Output = AnswerFormat | 'json' | 'explain';

function outputText(
  context: CommandContext,
  answer: Success<QueryAnswer>,
  { output, asked }: QueryRequest,
): string | undefined {
  if (output === 'json') return `${JSON.stringify(answer)}\n`;
  const terminal = terminalOf(context);
  if (output !== 'explain') return answerText(answer.data, { ...terminal, format: output, asked });
  const plan = answer.data.explain;
  return plan === undefined ? undefined : planText(plan, terminal);
}

// --- what is asked for ------------------------------------------------------------------------------

interface QueryRequest {
  readonly path: string;
  readonly params: Readonly<Record<string, string>>;
  readonly output: Output;
  /** Of a range. */
  readonly asked?: Span | undefined;
}

function readRequest(context: CommandContext, args: ParsedArgs): Result<QueryRequest, string> {
  const [expr, ...more] = args.words;
  if (expr === undefined) return err('an expression is needed');
  if (more.length > 0) return err(`one expression expected, in quotes: "${more.join(' ')}" is too much`);
  const output = readOutput(context, args);
  if (!output.ok) return output;
  const times = readTimes(context, args);
  if (!times.ok) return times;
  const limit = args.text('limit') ?? '0';
  if (!/^\d+$/.test(limit)) return err(`--limit is a whole number, not "${limit}"`);
  return ok({
    path: times.value.path,
    params: {
      query: expr,
      ...times.value.params,
      ...(Number(limit) > 0 ? { limit } : {}),
      ...(args.flag('explain') ? { explain: 'true' } : {}),
    },
    output: output.value,
    asked: times.value.asked,
  });
}

const FORMATS: readonly string[] = ['table', 'plot', 'plain', 'csv', 'json'];

function readOutput(context: CommandContext, args: ParsedArgs): Result<Output, string> {
  const asked = args.text('format') ?? (args.flag('json') ? 'json' : undefined);
  if (asked !== undefined && !FORMATS.includes(asked))
    return err(`--format is one of ${FORMATS.join(', ')}, not "${asked}"`);
  if (args.flag('json') && asked !== 'json') return err(`--json and --format ${asked} do not go together`);
  // One of the list above.
  const format = asked as AnswerFormat | 'json' | undefined;
  if (args.flag('explain')) {
    if (format !== undefined && format !== 'json')
      return err(`--explain prints a plan: --format ${format} does not go with it`);
    return ok(format ?? 'explain');
  }
  return ok(format ?? (context.isTerminal ? 'auto' : 'plain'));
}

/** As Prometheus's own console has it: enough for a screen. A step of less than a second would be of no use there. */
const STEPS = 250;

function readTimes(context: CommandContext, args: ParsedArgs): Result<Omit<QueryRequest, 'output'>, string> {
  const [at, from, to, last] = ['at', 'from', 'to', 'last'].map(name => args.text(name));
  const step = args.text('step');
  if (from === undefined && last === undefined) {
    if (to !== undefined) return err('--to needs --from');
    if (step !== undefined) return err('--step needs a range: --from or --last');
    return ok({ path: '/api/v1/query', params: at === undefined ? {} : { time: at } });
  }
  if (at !== undefined) return err('--at is an instant: it does not go with a range');
  const range = readRange(context, { from, to, last });
  if (!range.ok) return range;
  const { fromMs, toMs } = range.value;
  const stepS = Math.max(1, Math.ceil((toMs - fromMs) / STEPS / 1000));
  const asked = { ...range.value, stepMs: step === undefined ? stepS * 1000 : stepMs(step) };
  return ok({
    path: '/api/v1/query_range',
    asked,
    params: {
      start: from ?? String(fromMs / 1000),
      end: to ?? String(toMs / 1000),
      step: step ?? String(stepS),
    },
  });
}

function readRange(
  { clock }: CommandContext,
  given: {
    readonly from: string | undefined;
    readonly to: string | undefined;
    readonly last: string | undefined;
  },
): Result<{ readonly fromMs: number; readonly toMs: number }, string> {
  const { from, to, last } = given;
  const nowMs = clock.nowMs();
  if (last !== undefined) {
    if (from !== undefined || to !== undefined) return err('--last does not go with --from and --to');
    const length = parseDuration(last);
    return length.ok
      ? ok({ fromMs: nowMs - length.value, toMs: nowMs })
      : err(`--last is a duration such as 30m or 6h, not "${last}"`);
  }
  const fromMs = timeMs(from ?? '');
  const toMs = to === undefined ? nowMs : timeMs(to);
  const wrong = Number.isNaN(fromMs) ? `--from "${from}"` : Number.isNaN(toMs) ? `--to "${to}"` : '';
  if (wrong !== '') return err(`${wrong} is no time: seconds since the epoch or RFC 3339 expected`);
  return ok({ fromMs, toMs });
}

/** What is no step is refused by the server. */
function stepMs(text: string): number {
  const parsed = parseDuration(text);
  return parsed.ok ? parsed.value : Number(text) * 1000;
}
