// The flags of `run` that bound queries, under Prometheus's names. They go before the `query` section of the configuration.

import type { SystemOptions } from '../app/index.ts';
import { ok, type Result } from '../base/index.ts';
import type { OptionSpec, ParsedArgs } from './command.ts';
import { type NumberFlag, readNumberFlag } from './number-flag.ts';

type QuerySettings = NonNullable<SystemOptions['query']>;

type Flag = NumberFlag<'samplesMax' | 'timeoutMs' | 'runningMax' | 'lookbackMs'>;

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
  for (const flag of FLAGS) {
    const value = readNumberFlag(args, flag);
    if (!value.ok) return value;
    if (value.value !== undefined) settings[flag.setting] = value.value;
  }
  return ok(settings);
}
