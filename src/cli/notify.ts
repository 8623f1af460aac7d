// watchkeeper notify: does a receiver work? It sends a marked test message through the running program.

import { askServer, CLIENT_OPTIONS, clientHelp } from './client.ts';
import { type Command, readArgs, usageError } from './command.ts';

export const notifyCommand: Command = {
  name: 'notify',
  says: 'send a marked test message to a receiver and show what the provider answers',
  help: `usage: watchkeeper notify test RECEIVER [--json] [--url URL] [--token T | --user NAME] [--ca-file F]

  test RECEIVER  send a test message by every way out of the receiver, once, through the running Watchkeeper; the message
                 says that it is a test, and nothing is remembered as told
  --json         the answer as one JSON object
${clientHelp({ column: 17 })}

Exit code 0: every way out took it. 1: one did not, or the receiver is not configured.
`,
  async run(context) {
    const args = readArgs(context.args, { ...CLIENT_OPTIONS, json: { type: 'boolean' } });
    if (!args.ok) return usageError(context, notifyCommand, args.error);
    const [what, receiver, ...more] = args.value.words;
    if (what !== 'test') return usageError(context, notifyCommand, '"test" expected');
    if (receiver === undefined || more.length > 0)
      return usageError(context, notifyCommand, 'one receiver expected');
    const answer = await askServer<{ readonly answer: string }>(context, args.value, {
      path: `/api/watchkeeper/v1/receivers/${encodeURIComponent(receiver)}/test`,
      params: {},
      method: 'POST',
    });
    const sent = answer.ok;
    const words = answer.ok ? answer.value.data.answer : answer.error;
    if (args.value.flag('json')) context.out(`${JSON.stringify({ receiver, sent, answer: words })}\n`);
    else if (sent) context.out(`${words}\n`);
    else context.warn(`${words}\n`);
    return sent ? 0 : 1;
  },
};
