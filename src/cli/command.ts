// What every command gets and gives back. Only main.ts knows the process behind it.

import { parseArgs } from 'node:util';
import { type Clock, type Disk, err, type Http, ok, type Result } from '../base/index.ts';

export interface CommandContext {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly clock: Clock;
  readonly disk: Disk;
  readonly http: Http;
  /** Whether stdout is a terminal. */
  readonly isTerminal: boolean;
  /** How wide it is, where it is one. */
  readonly columns: number;
  /** Of the user, by its name: "Asia/Shanghai". */
  readonly timeZone: string;
  out(text: string): void;
  warn(text: string): void;
  /** From now on, resolves with the signal's name when the process is asked to end. */
  whenAskedToEnd(): Promise<string>;
  /** Calls back at each SIGHUP. */
  onHangUp(reload: () => void): void;
}

/** 0 fine, 1 found problems, 2 wrong usage. */
export type ExitCode = 0 | 1 | 2;

export interface Command {
  readonly name: string;
  /** One line for the list of commands. */
  readonly says: string;
  /** The whole help text, with the usage first. */
  readonly help: string;
  /** Of what the first words pick, where that has a text of its own. */
  helpOf?(args: readonly string[]): string | undefined;
  run(context: CommandContext): Promise<ExitCode>;
}

export interface OptionSpec {
  readonly type: 'string' | 'boolean';
  /** It may be given several times. */
  readonly multiple?: true;
  /** One letter: `-d 1h`. */
  readonly short?: string;
}

export interface ParsedArgs {
  readonly words: readonly string[];
  text(name: string): string | undefined;
  /** All that were given of an option that may be given several times. */
  texts(name: string): readonly string[];
  flag(name: string): boolean;
}

/** Reads `--name value`, `--name=value` and `--flag`; the error names the option that is wrong. */
export function readArgs(
  args: readonly string[],
  options: Readonly<Record<string, OptionSpec>>,
): Result<ParsedArgs, string> {
  try {
    const parsed = parseArgs({
      args: [...args],
      options: { ...options, help: { type: 'boolean' } },
      allowPositionals: true,
      strict: true,
    });
    const values: Readonly<Record<string, unknown>> = parsed.values;
    return ok({
      words: parsed.positionals,
      text: name => {
        const value = values[name];
        return typeof value === 'string' ? value : undefined;
      },
      texts: name => {
        const value = values[name];
        return Array.isArray(value) ? value.map(String) : [];
      },
      flag: name => values[name] === true,
    });
  } catch (error) {
    return err(error instanceof Error ? error.message : String(error));
  }
}

/** Says what is wrong with the usage, and how it should be. */
export function usageError(
  context: CommandContext,
  command: Pick<Command, 'name' | 'help'>,
  problem: string,
): ExitCode {
  context.warn(`watchkeeper ${command.name}: ${problem}\n${command.help.split('\n')[0] ?? ''}\n`);
  return 2;
}
