// watchkeeper test: do rules do what their tests say?

import { type Command, readArgs, usageError } from './command.ts';
import { testRoutes } from './routes.ts';
import { testRules } from './test-rules.ts';

export const testCommand: Command = {
  name: 'test',
  says: 'run unit tests of rules, in the format of promtool; say where an alert would go',
  help: `usage: watchkeeper test rules FILE... [--run REGEX]... [--diff] [--json] [--ignore-unknown-fields]
       watchkeeper test routes FILE [LABEL=VALUE...] [--verify.receivers=NAME,...] [--tree] [--json]

  rules FILE...            unit tests of rule files, as promtool has them; rule_files start at the test file's folder
  --run REGEX              only tests whose name has a match; several are alternatives
  --diff                   of what is wrong only the labels, annotations and values that differ
  --json                   one JSON object a problem
  --ignore-unknown-fields  pass over keys in rule files that are none of Prometheus's

  routes FILE LABEL=VALUE...
                           the receivers of an alert with these labels, by the routes of an alertmanager.yml
  --verify.receivers=NAME,...
                           of routes: the receivers that are expected, in their order
  --tree                   of routes: at each route what becomes of the alert there, and why

Exit code 0: all checks hold. 1: some do not, or a file is wrong.
`,
  async run(context) {
    const args = readArgs(context.args, {
      run: { type: 'string', multiple: true },
      diff: { type: 'boolean' },
      json: { type: 'boolean' },
      'ignore-unknown-fields': { type: 'boolean' },
      'verify.receivers': { type: 'string' },
      tree: { type: 'boolean' },
    });
    if (!args.ok) return usageError(context, testCommand, args.error);
    const [what, ...files] = args.value.words;
    if (what !== 'rules' && what !== 'routes')
      return usageError(context, testCommand, '"rules" or "routes" expected');
    for (const [name, kind] of Object.entries(ONLY_FOR)) {
      const isGiven =
        args.value.flag(name) || args.value.text(name) !== undefined || args.value.texts(name).length > 0;
      if (isGiven && what !== kind)
        return usageError(context, testCommand, `--${name} is for "${kind}" only`);
    }
    if (files.length === 0) return usageError(context, testCommand, 'a file is needed');
    if (what === 'routes') {
      const [file = '', ...words] = files;
      const expected = args.value.text('verify.receivers');
      const options = { expected, tree: args.value.flag('tree'), json: args.value.flag('json') };
      const routed = await testRoutes(context, { file, words, options });
      return routed.ok ? routed.value : usageError(context, testCommand, routed.error);
    }
    const outcome = await testRules(context, files, {
      run: args.value.texts('run'),
      format: args.value.flag('json') ? 'json' : args.value.flag('diff') ? 'diff' : 'text',
      allowsUnknownKeys: args.value.flag('ignore-unknown-fields'),
    });
    return outcome.ok ? outcome.value : usageError(context, testCommand, outcome.error);
  },
};

/** Options that only one kind has. */
const ONLY_FOR: Readonly<Record<string, string>> = {
  ...{ run: 'rules', diff: 'rules', 'ignore-unknown-fields': 'rules' },
  ...{ 'verify.receivers': 'routes', tree: 'routes' },
};
