// watchkeeper explain: why an alert is as it is, stage by stage.

import type { ExplainJson } from '../api/index.ts';
import { askServer, CLIENT_OPTIONS } from './client.ts';
import { type Command, readArgs, usageError } from './command.ts';

export const explainCommand: Command = {
  name: 'explain',
  says: 'say why an alert is as it is: sample, rule, route, group, receiver, recovery',
  help: `usage: watchkeeper explain ALERT [--history] [--json] [--url URL] [--token T | --user NAME] [--ca-file F]

  ALERT         the name of an alert, or its fingerprint
  --history     all that was journaled about it, not only the latest word of each stage
  --url URL     whom to ask (default: http://127.0.0.1:9390, or WATCHKEEPER_URL)
  --token T     as whom to ask (or WATCHKEEPER_TOKEN)
  --user NAME   as whom to ask, with the password in WATCHKEEPER_PASSWORD
  --ca-file F   certificates that the server's is checked against, in place of the public ones
`,
  async run(context) {
    const args = readArgs(context.args, {
      history: { type: 'boolean' },
      ...CLIENT_OPTIONS,
      json: { type: 'boolean' },
    });
    if (!args.ok) return usageError(context, explainCommand, args.error);
    const [alert, ...more] = args.value.words;
    if (alert === undefined || more.length > 0)
      return usageError(context, explainCommand, 'one alert name or fingerprint expected');
    const answer = await askServer<ExplainJson>(context, args.value, {
      path: '/api/watchkeeper/v1/explain',
      params: { alert },
    });
    if (!answer.ok) {
      context.warn(`${answer.error}\n`);
      return 1;
    }
    const { data } = answer.value;
    context.out(
      args.value.flag('json')
        ? `${JSON.stringify(data)}\n`
        : printExplanation(data, { history: args.value.flag('history') }),
    );
    return 0;
  },
};

export function printExplanation(data: ExplainJson, options: { readonly history: boolean }): string {
  const lines: string[] = [];
  const { alert } = data;
  if (alert !== null) {
    const labels = Object.entries(alert.labels).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
    lines.push(
      `${alert.labels['alertname'] ?? ''} is ${alert.state}${alert.reason === '' ? '' : `: ${alert.reason}`}`,
    );
    lines.push(`  labels    ${labels.join(' ')}`, `  rule      ${alert.expr}`, `  value     ${alert.value}`);
  }
  const events = options.history ? [...data.history].reverse() : [...data.stages];
  for (const event of events) {
    const time = new Date(event.atMs).toISOString().replace('T', ' ').slice(0, 19);
    lines.push(`  ${event.stage.padEnd(10)}${time}  ${event.verdict}: ${event.reason}`);
  }
  if (events.length === 0) lines.push('  the journal has no event about it yet');
  return `${lines.join('\n')}\n`;
}
