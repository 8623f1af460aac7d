// A flag under one of Prometheus's names that stands for a number of the configuration.

import { err, ok, parseDuration, type Result } from '../base/index.ts';
import type { ParsedArgs } from './command.ts';

export interface NumberFlag<Setting extends string> {
  readonly name: string;
  readonly setting: Setting;
  /** Durations are milliseconds. */
  readonly kind: 'count' | 'duration';
  readonly allowsZero?: true;
}

/** Undefined where it was not given; the error says how it should be. */
export function readNumberFlag(
  args: Pick<ParsedArgs, 'text'>,
  { name, kind, allowsZero }: NumberFlag<string>,
): Result<number | undefined, string> {
  const text = args.text(name);
  if (text === undefined) return ok(undefined);
  const value = kind === 'count' ? countOf(text) : durationOf(text);
  if (value !== undefined && (value > 0 || allowsZero)) return ok(value);
  const least = allowsZero ? '' : ' above 0';
  return err(
    kind === 'count' ? `--${name} is a whole number${least}` : `--${name} is a duration${least}, such as 2m`,
  );
}

function countOf(text: string): number | undefined {
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

function durationOf(text: string): number | undefined {
  const parsed = parseDuration(text);
  return parsed.ok ? parsed.value : undefined;
}
