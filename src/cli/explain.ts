// watchkeeper explain: why an alert is as it is, or was, stage by stage; and why there is none.

import type { ExplainJson, TimelineEventJson } from '../api/index.ts';
import { err, ok, type Result } from '../base/index.ts';
import { askServer, CLIENT_OPTIONS, clientHelp } from './client.ts';
import { type Command, type CommandContext, type ParsedArgs, readArgs, usageError } from './command.ts';
import { explanationText } from './render/index.ts';

/** Pages of 500 events: more than a journal keeps of one alert. */
const PAGES_MAX = 2000;

const OPTIONS = {
  at: { type: 'string' },
  receiver: { type: 'string' },
  history: { type: 'boolean' },
  from: { type: 'string' },
  to: { type: 'string' },
  ...CLIENT_OPTIONS,
  json: { type: 'boolean' },
} as const;

export const explainCommand: Command = {
  name: 'explain',
  says: 'say why an alert is as it is: sample, rule, route, silence, group, receiver, recovery',
  help: `usage: watchkeeper explain ALERT [--at T] [--receiver NAME] [--history [--from T] [--to T]] [options]

  ALERT            the name of an alert, with labels where there are several ('Down{instance="a"}'), or a fingerprint;
                   the name of a rule that has no alert: why it has none
  --at T           as it was at that time, by what was known then: seconds since the epoch, or RFC 3339
  --receiver NAME  why this receiver was told, or was not
  --history        all that was journaled about it, not only the latest word of each stage
  --from, --to     of the history this span
  --json           the answer of the API
${clientHelp({ column: 19 })}
`,
  async run(context) {
    const args = readArgs(context.args, OPTIONS);
    if (!args.ok) return usageError(context, explainCommand, args.error);
    const params = readQuestion(args.value);
    if (!params.ok) return usageError(context, explainCommand, params.error);
    const history = args.value.flag('history');
    const data = await askAll(context, args.value, { params: params.value, history });
    if (!data.ok) {
      context.warn(`${data.error}\n`);
      return 1;
    }
    const isJson = args.value.flag('json');
    context.out(isJson ? `${JSON.stringify(data.value)}\n` : explanationText(data.value, { history }));
    return 0;
  },
};

function readQuestion(args: ParsedArgs): Result<Readonly<Record<string, string>>, string> {
  const [alert, ...more] = args.words;
  if (alert === undefined || more.length > 0)
    return err('one alert name or fingerprint expected, in quotes where it has labels');
  const params: Record<string, string> = { alert };
  for (const name of ['at', 'receiver', 'from', 'to'] as const) {
    const text = args.text(name);
    if (text !== undefined) params[name] = text;
  }
  if (!args.flag('history') && (params['from'] ?? params['to']) !== undefined)
    return err('--from and --to are of the history: they need --history');
  return ok(params);
}

interface Question {
  readonly params: Readonly<Record<string, string>>;
  readonly history: boolean;
}

/** A history of months comes in pages. */
async function askAll(
  context: CommandContext,
  args: ParsedArgs,
  { params, history }: Question,
): Promise<Result<ExplainJson, string>> {
  const path = '/api/watchkeeper/v1/explain';
  const first = await askServer<ExplainJson>(context, args, { path, params });
  if (!first.ok) return first;
  const { data } = first.value;
  const events: TimelineEventJson[] = [...data.history];
  let { hasMore } = data;
  for (let page = 1; history && hasMore && page < PAGES_MAX; page++) {
    const before = String(events[events.length - 1]?.seq ?? 0);
    const next = await askServer<ExplainJson>(context, args, { path, params: { ...params, before } });
    if (!next.ok) return next;
    events.push(...next.value.data.history);
    hasMore = next.value.data.hasMore && next.value.data.history.length > 0;
  }
  return ok({ ...data, history: events, hasMore });
}
