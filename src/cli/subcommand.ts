// Commands that have others below them: `watchkeeper storage verify`.

import type { Command, CommandContext, ExitCode } from './command.ts';
import { usageError } from './command.ts';

export interface Subcommand {
  /** With the group's: "storage verify". */
  readonly name: string;
  /** One line for the list of subcommands. */
  readonly says: string;
  /** The whole text about it, with the usage first. */
  readonly usage: string;
  /** Gets the arguments behind its name. */
  run(context: CommandContext): Promise<ExitCode>;
}

/** One command whose first word picks what runs. */
export function commandGroup(group: {
  readonly name: string;
  readonly says: string;
  readonly subcommands: readonly Subcommand[];
}): Command {
  const { name, says, subcommands } = group;
  const pick = ([word]: readonly string[]): Subcommand | undefined =>
    subcommands.find(one => one.name === `${name} ${word}`);
  const words = subcommands.map(one => `"${one.name.slice(name.length + 1)}"`);
  const command: Command = {
    name,
    says,
    help: [
      `usage: watchkeeper ${name} SUBCOMMAND [options]\n\n`,
      ...subcommands.map(one => `  ${one.name.padEnd(22)}${one.says}\n`),
      ...subcommands.map(one => `\n${one.usage}`),
    ].join(''),
    helpOf: args => pick(args)?.usage,
    async run(context) {
      const subcommand = pick(context.args);
      if (subcommand !== undefined) return subcommand.run({ ...context, args: context.args.slice(1) });
      const [word] = context.args;
      const given = word === undefined ? '' : `, not "${word}"`;
      return usageError(context, command, `${listed(words)} expected${given}`);
    },
  };
  return command;
}

/** Says what is wrong with the usage of a subcommand, and how it should be. */
export function wrongUsage(context: CommandContext, { name, usage }: Subcommand, problem: string): ExitCode {
  return usageError(context, { name, help: usage }, problem);
}

function listed(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}
