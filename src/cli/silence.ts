// watchkeeper silence: add, list and expire silences, in amtool's notation.

import {
  ALERTMANAGER_PREFIX,
  type GettableSilenceJson,
  matcherJson,
  type PostableSilenceJson,
} from '../api/index.ts';
import { err, ok, parseDuration, type Result } from '../base/index.ts';
import { askAlertmanager, CLIENT_OPTIONS, clientHelp } from './client.ts';
import {
  type Command,
  type CommandContext,
  type ExitCode,
  type ParsedArgs,
  readArgs,
  usageError,
} from './command.ts';
import { matcherText, readMatcherWords } from './matchers.ts';
import { silencesText } from './render/index.ts';
import { terminalOf } from './terminal.ts';

/** amtool's. */
const DURATION_DEFAULT = '1h';

const OPTIONS = {
  duration: { type: 'string', short: 'd' },
  start: { type: 'string' },
  end: { type: 'string' },
  comment: { type: 'string', short: 'c' },
  author: { type: 'string', short: 'a' },
  expired: { type: 'boolean' },
  within: { type: 'string' },
  'created-by': { type: 'string' },
  quiet: { type: 'boolean', short: 'q' },
  ...CLIENT_OPTIONS,
  json: { type: 'boolean' },
} as const;

/** Options that not every subcommand has. */
const ONLY_FOR: Readonly<Record<string, string>> = {
  ...{ duration: 'add', start: 'add', end: 'add', comment: 'add', author: 'add' },
  ...{ expired: 'list', within: 'list', 'created-by': 'list', quiet: 'list' },
};

export const silenceCommand: Command = {
  name: 'silence',
  says: 'add, list or expire silences: what is not to be told, and until when',
  help: `usage: watchkeeper silence add MATCHER... --comment TEXT [--duration D | --end T] [--start T] [--author NAME] [options]
       watchkeeper silence list [MATCHER...] [--expired] [--within D] [--created-by NAME] [--quiet] [options]
       watchkeeper silence expire ID... [options]

  MATCHER            NAME=VALUE, or with != =~ !~, each a word of its own; a first word without one is the alert's name
  -d, --duration D   of add: how long, such as 30m or 2h (default: 1h)
  --start T, --end T of add: RFC 3339 (--start: now; --end goes before --duration)
  -c, --comment TEXT of add: why
  -a, --author NAME  of add: who (default: USER)
  --expired          of list: those that ended, instead of those that hold or will
  --within D         of list: those that end, or with --expired ended, within D
  --created-by NAME  of list: those of one author
  -q, --quiet        of list: nothing but the ids, as expire takes them
  --json             one JSON value: the list, or the id
${clientHelp({ column: 21, url: '; an Alertmanager will do' })}

add prints the id of the silence. The matchers of list are compared with those of the silences, as they are written.
`,
  async run(context) {
    const args = readArgs(context.args, OPTIONS);
    if (!args.ok) return usageError(context, silenceCommand, args.error);
    const [what = '', ...words] = args.value.words;
    for (const [name, command] of Object.entries(ONLY_FOR)) {
      const isGiven = args.value.flag(name) || args.value.text(name) !== undefined;
      if (isGiven && what !== command)
        return usageError(context, silenceCommand, `--${name} is for "${command}" only`);
    }
    switch (what) {
      case 'add':
        return add(context, args.value, words);
      case 'list':
      case 'query':
        return list(context, args.value, words);
      case 'expire':
        return expire(context, args.value, words);
      default:
        return usageError(context, silenceCommand, '"add", "list" or "expire" expected');
    }
  },
};

// --- add --------------------------------------------------------------------------------------------

async function add(context: CommandContext, args: ParsedArgs, words: readonly string[]): Promise<ExitCode> {
  const silence = silenceOf(context, args, words);
  if (!silence.ok) return usageError(context, silenceCommand, silence.error);
  const answer = await askAlertmanager<{ readonly silenceID: string }>(context, args, {
    method: 'POST',
    path: `${ALERTMANAGER_PREFIX}/silences`,
    params: {},
    body: silence.value,
  });
  if (!answer.ok) return failed(context, `Cannot add the silence: ${answer.error}`);
  const id = answer.value?.silenceID ?? '';
  context.out(args.flag('json') ? `${JSON.stringify({ silenceID: id })}\n` : `${id}\n`);
  return 0;
}

function silenceOf(
  { clock, env }: CommandContext,
  args: ParsedArgs,
  words: readonly string[],
): Result<PostableSilenceJson, string> {
  const matchers = readMatcherWords(words);
  if (!matchers.ok) return matchers;
  if (matchers.value.length === 0) return err('which alerts? a matcher is needed');
  const comment = args.text('comment') ?? '';
  if (comment === '') return err('why? --comment is needed');
  const startMs = timeOf(args, 'start');
  if (!startMs.ok) return startMs;
  const endMs = timeOf(args, 'end');
  if (!endMs.ok) return endMs;
  const length = parseDuration(args.text('duration') ?? DURATION_DEFAULT);
  if (!length.ok || length.value === 0) return err('--duration is a duration above 0, such as 30m or 2h');
  const startsAtMs = startMs.value ?? clock.nowMs();
  const endsAtMs = endMs.value ?? startsAtMs + length.value;
  if (endsAtMs <= startsAtMs) return err('the silence would end before it starts');
  return ok({
    matchers: matchers.value.map(matcherJson),
    startsAt: new Date(startsAtMs).toISOString(),
    endsAt: new Date(endsAtMs).toISOString(),
    createdBy: args.text('author') ?? env['USER'] ?? env['LOGNAME'] ?? '',
    comment,
  });
}

function timeOf(args: ParsedArgs, name: string): Result<number | undefined, string> {
  const text = args.text(name);
  if (text === undefined) return ok(undefined);
  const atMs = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(text)
    ? Date.parse(text)
    : Number.NaN;
  return Number.isNaN(atMs) ? err(`--${name} "${text}" is no time: RFC 3339 expected`) : ok(atMs);
}

// --- list -------------------------------------------------------------------------------------------

async function list(context: CommandContext, args: ParsedArgs, words: readonly string[]): Promise<ExitCode> {
  const matchers = readMatcherWords(words);
  if (!matchers.ok) return usageError(context, silenceCommand, matchers.error);
  const within = args.text('within');
  const length = within === undefined ? undefined : parseDuration(within);
  if (length?.ok === false) return usageError(context, silenceCommand, '--within is a duration, such as 8h');
  const answer = await askAlertmanager<readonly GettableSilenceJson[]>(context, args, {
    path: `${ALERTMANAGER_PREFIX}/silences`,
    params: new URLSearchParams(matchers.value.map((one): [string, string] => ['filter', matcherText(one)])),
  });
  if (!answer.ok) return failed(context, answer.error);
  const nowMs = context.clock.nowMs();
  const isExpired = args.flag('expired');
  const author = args.text('created-by');
  const found = (answer.value ?? []).filter(one => {
    const endsInMs = Date.parse(one.endsAt) - nowMs;
    return (
      (one.status.state === 'expired') === isExpired &&
      (author === undefined || one.createdBy === author) &&
      (length === undefined || Math.abs(endsInMs) <= length.value)
    );
  });
  if (args.flag('json')) context.out(`${JSON.stringify(found)}\n`);
  else if (args.flag('quiet')) context.out(found.map(({ id }) => `${id}\n`).join(''));
  else context.out(silencesText(found, { ...terminalOf(context), nowMs }));
  return 0;
}

// --- expire -----------------------------------------------------------------------------------------

/** All are tried, whatever becomes of one. */
async function expire(context: CommandContext, args: ParsedArgs, ids: readonly string[]): Promise<ExitCode> {
  if (ids.length === 0) return usageError(context, silenceCommand, 'which one? an id is needed');
  let worst: ExitCode = 0;
  for (const id of ids) {
    const answer = await askAlertmanager(context, args, {
      method: 'DELETE',
      path: `${ALERTMANAGER_PREFIX}/silence/${encodeURIComponent(id)}`,
      params: {},
    });
    if (!answer.ok) worst = failed(context, `Cannot expire the silence "${id}": ${answer.error}`);
  }
  return worst;
}

function failed(context: CommandContext, message: string): ExitCode {
  context.warn(`${message}\n`);
  return 1;
}
