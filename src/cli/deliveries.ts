// watchkeeper deliveries: the delivery log of a running Watchkeeper.

import type { DeliveriesJson, DeliveryJson } from '../api/index.ts';
import { err, ok, type Result } from '../base/index.ts';
import { askServer, CLIENT_OPTIONS, clientHelp } from './client.ts';
import { type Command, type ParsedArgs, readArgs, usageError } from './command.ts';
import { deliveriesText } from './render/index.ts';

const OPTIONS = {
  receiver: { type: 'string' },
  alert: { type: 'string' },
  outcome: { type: 'string' },
  from: { type: 'string' },
  to: { type: 'string' },
  limit: { type: 'string' },
  ...CLIENT_OPTIONS,
  json: { type: 'boolean' },
} as const;

/** What the server gives at once. */
const PAGE = 1000;
const LIMIT_DEFAULT = 100;

export const deliveriesCommand: Command = {
  name: 'deliveries',
  says: 'search the delivery log: which message went where, when, and what became of it',
  help: `usage: watchkeeper deliveries [--receiver NAME] [--alert ALERT] [--outcome O] [--from T] [--to T] [--limit N] [options]

  --receiver NAME  a receiver ("ops"), or one of its ways out ("ops/email[0]")
  --alert ALERT    messages that list this alert: a name, a name with labels, or a fingerprint
  --outcome O      sent, undelivered, under_way, would_have (a shadow run), superseded or interrupted
  --from, --to     when the message was begun: seconds since the epoch, or RFC 3339
  --limit N        so many at most, the newest (default: ${LIMIT_DEFAULT})
  --json           the answer of the API
${clientHelp({ column: 19 })}
`,
  async run(context) {
    const args = readArgs(context.args, OPTIONS);
    if (!args.ok) return usageError(context, deliveriesCommand, args.error);
    const asked = readAsked(args.value);
    if (!asked.ok) return usageError(context, deliveriesCommand, asked.error);
    const { params, limit } = asked.value;
    const found: DeliveryJson[] = [];
    let hasMore = true;
    while (hasMore && found.length < limit) {
      const answer = await askServer<DeliveriesJson>(context, args.value, {
        path: '/api/watchkeeper/v1/deliveries',
        params: {
          ...params,
          limit: String(Math.min(PAGE, limit - found.length)),
          offset: String(found.length),
        },
      });
      if (!answer.ok) {
        context.warn(`${answer.error}\n`);
        return 1;
      }
      const { deliveries } = answer.value.data;
      found.push(...deliveries);
      hasMore = answer.value.data.hasMore && deliveries.length > 0;
    }
    const data: DeliveriesJson = { deliveries: found, hasMore };
    context.out(args.value.flag('json') ? `${JSON.stringify(data)}\n` : deliveriesText(data));
    return 0;
  },
};

interface AskedDeliveries {
  readonly params: Readonly<Record<string, string>>;
  readonly limit: number;
}

function readAsked(args: ParsedArgs): Result<AskedDeliveries, string> {
  const [word] = args.words;
  if (word !== undefined) return err(`"${word}" is too much`);
  const limit = args.text('limit') ?? String(LIMIT_DEFAULT);
  if (!/^[1-9]\d{0,8}$/.test(limit)) return err(`--limit is a whole number of at least 1, not "${limit}"`);
  const params: Record<string, string> = {};
  for (const name of ['receiver', 'alert', 'outcome', 'from', 'to'] as const) {
    const text = args.text(name);
    if (text !== undefined) params[name] = text;
  }
  return ok({ params, limit: Number(limit) });
}
