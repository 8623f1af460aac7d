// watchkeeper alerts: what fires now, who is told, and what is kept back and why.

import { ALERTMANAGER_PREFIX, type GettableAlertJson } from '../api/index.ts';
import { askAlertmanager, CLIENT_OPTIONS, clientHelp } from './client.ts';
import { type Command, type ParsedArgs, readArgs, usageError } from './command.ts';
import { matcherText, readMatcherWords } from './matchers.ts';
import { alertsText } from './render/index.ts';
import { terminalOf } from './terminal.ts';

const STATES = ['active', 'silenced', 'inhibited', 'unprocessed'] as const;

export const alertsCommand: Command = {
  name: 'alerts',
  says: 'list the alerts that fire now, and those that are kept back',
  help: `usage: watchkeeper alerts [MATCHER...] [--active] [--silenced] [--inhibited] [--unprocessed] [options]

  MATCHER            NAME=VALUE, or with != =~ !~, each a word of its own; a first word without one is the alert's name
  -a, --active       those that notifications are sent for (this alone is the default)
  -s, --silenced     those that a silence keeps back, too
  -i, --inhibited    those that another alert keeps back, too
  -u, --unprocessed  those that were not yet looked at, too
  --all              of all states
  -r, --receiver R   those of receivers whose name is, as a regular expression, R
  --json             the API's answer as it came
${clientHelp({ column: 21, url: '; an Alertmanager will do' })}
`,
  async run(context) {
    const args = readArgs(context.args, {
      active: { type: 'boolean', short: 'a' },
      silenced: { type: 'boolean', short: 's' },
      inhibited: { type: 'boolean', short: 'i' },
      unprocessed: { type: 'boolean', short: 'u' },
      all: { type: 'boolean' },
      receiver: { type: 'string', short: 'r' },
      ...CLIENT_OPTIONS,
      json: { type: 'boolean' },
    });
    if (!args.ok) return usageError(context, alertsCommand, args.error);
    const matchers = readMatcherWords(args.value.words);
    if (!matchers.ok) return usageError(context, alertsCommand, matchers.error);
    const params = statesOf(args.value);
    for (const matcher of matchers.value) params.append('filter', matcherText(matcher));
    const receiver = args.value.text('receiver');
    if (receiver !== undefined) params.set('receiver', receiver);
    const answer = await askAlertmanager<readonly GettableAlertJson[]>(context, args.value, {
      path: `${ALERTMANAGER_PREFIX}/alerts`,
      params,
    });
    if (!answer.ok) {
      context.warn(`${answer.error}\n`);
      return 1;
    }
    const alerts = answer.value ?? [];
    context.out(
      args.value.flag('json') ? `${JSON.stringify(alerts)}\n` : alertsText(alerts, terminalOf(context)),
    );
    return 0;
  },
};

function statesOf(args: ParsedArgs): URLSearchParams {
  const isNone = !STATES.some(name => args.flag(name));
  const isShown = (name: (typeof STATES)[number]): boolean =>
    args.flag('all') || args.flag(name) || (isNone && name === 'active');
  return new URLSearchParams(STATES.map((name): [string, string] => [name, String(isShown(name))]));
}
