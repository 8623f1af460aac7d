// watchkeeper test: do rules do what their tests say?

import { type Command, readArgs, usageError } from './command.ts';
import { testRules } from './test-rules.ts';

export const testCommand: Command = {
  name: 'test',
  says: 'run unit tests of rules, in the format of promtool',
  help: `usage: watchkeeper test rules FILE... [--run REGEX]... [--diff] [--json] [--ignore-unknown-fields]

  rules FILE...            unit tests of rule files, as promtool has them; rule_files start at the test file's folder
  --run REGEX              only tests whose name has a match; several are alternatives
  --diff                   of what is wrong only the labels, annotations and values that differ
  --json                   one JSON object a problem
  --ignore-unknown-fields  pass over keys in rule files that are none of Prometheus's

Exit code 0: all checks hold. 1: some do not, or a file is wrong.
`,
  async run(context) {
    const args = readArgs(context.args, {
      run: { type: 'string', multiple: true },
      diff: { type: 'boolean' },
      json: { type: 'boolean' },
      'ignore-unknown-fields': { type: 'boolean' },
    });
    if (!args.ok) return usageError(context, testCommand, args.error);
    const [what, ...files] = args.value.words;
    if (what !== 'rules') return usageError(context, testCommand, '"rules" expected');
    if (files.length === 0) return usageError(context, testCommand, 'a file is needed');
    const outcome = await testRules(context, files, {
      run: args.value.texts('run'),
      format: args.value.flag('json') ? 'json' : args.value.flag('diff') ? 'diff' : 'text',
      allowsUnknownKeys: args.value.flag('ignore-unknown-fields'),
    });
    return outcome.ok ? outcome.value : usageError(context, testCommand, outcome.error);
  },
};
