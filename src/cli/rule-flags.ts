// The flags of `run` about rules and their alerts, under Prometheus's names. They go before the `rules` section of the
// configuration, at the start and at each reload.

import { ok, type Result } from '../base/index.ts';
import type { LoadOutcome } from '../config/index.ts';
import type { OptionSpec, ParsedArgs } from './command.ts';
import { type NumberFlag, readNumberFlag } from './number-flag.ts';

type Setting = 'resendDelayMs' | 'outageToleranceMs' | 'gracePeriodMs' | 'concurrencyMax';
export type RuleFlags = { readonly [K in Setting]?: number };

const FLAGS: readonly NumberFlag<Setting>[] = [
  {
    name: 'rules.alert.for-outage-tolerance',
    setting: 'outageToleranceMs',
    kind: 'duration',
    allowsZero: true,
  },
  { name: 'rules.alert.for-grace-period', setting: 'gracePeriodMs', kind: 'duration', allowsZero: true },
  { name: 'rules.alert.resend-delay', setting: 'resendDelayMs', kind: 'duration', allowsZero: true },
  { name: 'rules.max-concurrent-evals', setting: 'concurrencyMax', kind: 'count', allowsZero: true },
];

export const RULE_FLAGS: Readonly<Record<string, OptionSpec>> = Object.fromEntries(
  FLAGS.map(({ name }) => [name, { type: 'string' }]),
);

/** What was given; the error says how it should be. */
export function readRuleFlags(args: Pick<ParsedArgs, 'text'>): Result<RuleFlags, string> {
  const settings: { [K in Setting]?: number } = {};
  for (const flag of FLAGS) {
    const value = readNumberFlag(args, flag);
    if (!value.ok) return value;
    if (value.value !== undefined) settings[flag.setting] = value.value;
  }
  return ok(settings);
}

/** What was loaded, with the flags in place of what it says itself. */
export function withRuleFlags(loaded: LoadOutcome, flags: RuleFlags): LoadOutcome {
  const { config } = loaded;
  if (config === undefined) return loaded;
  return { ...loaded, config: { ...config, rules: { ...config.rules, ...flags } } };
}
