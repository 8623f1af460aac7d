// The flags of `run` that bound queries, under Prometheus's names. They go before the `query` section of the configuration.

import type { SystemOptions } from '../app/index.ts';
import { err, ok, parseDuration, type Result } from '../base/index.ts';
import type { OptionSpec, ParsedArgs } from './command.ts';

type QuerySettings = NonNullable<SystemOptions['query']>;

interface Flag {
  readonly name: string;
  readonly setting: 'samplesMax' | 'timeoutMs' | 'runningMax' | 'lookbackMs';
  readonly kind: 'count' | 'duration';
}

const FLAGS: readonly Flag[] = [
  { name: 'query.max-samples', setting: 'samplesMax', kind: 'count' },
  { name: 'query.timeout', setting: 'timeoutMs', kind: 'duration' },
  { name: 'query.max-concurrency', setting: 'runningMax', kind: 'count' },
  { name: 'query.lookback-delta', setting: 'lookbackMs', kind: 'duration' },
];

export const QUERY_FLAGS: Readonly<Record<string, OptionSpec>> = Object.fromEntries(
  FLAGS.map(({ name }) => [name, { type: 'string' }]),
);

/** What was given; the error says how it should be. */
export function readQueryFlags(args: Pick<ParsedArgs, 'text'>): Result<QuerySettings, string> {
  const settings: { -readonly [K in Flag['setting']]?: number } = {};
  for (const { name, setting, kind } of FLAGS) {
    const text = args.text(name);
    if (text === undefined) continue;
    const value = kind === 'count' ? countOf(text) : durationOf(text);
    if (value === undefined)
      return err(
        kind === 'count'
          ? `--${name} is a whole number above 0`
          : `--${name} is a duration above 0, such as 2m`,
      );
    settings[setting] = value;
  }
  return ok(settings);
}

function countOf(text: string): number | undefined {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : 0;
  return value > 0 ? value : undefined;
}

function durationOf(text: string): number | undefined {
  const parsed = parseDuration(text);
  return parsed.ok && parsed.value > 0 ? parsed.value : undefined;
}
