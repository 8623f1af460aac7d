import { describe, expect, it } from 'vitest';
import { FakeDisk } from '../../test/support/disk.ts';
import { REGISTRIES } from '../app/index.ts';
import { loadConfig } from '../config/index.ts';
import { readArgs } from './command.ts';
import { RULE_FLAGS, readRuleFlags, withRuleFlags } from './rule-flags.ts';

function read(...args: string[]): unknown {
  const parsed = readArgs(args, RULE_FLAGS);
  if (!parsed.ok) return parsed.error;
  const flags = readRuleFlags(parsed.value);
  return flags.ok ? flags.value : flags.error;
}

describe("Prometheus's flags of rules", () => {
  it('are read as there', () => {
    expect(
      read(
        '--rules.alert.for-outage-tolerance=2h',
        '--rules.alert.for-grace-period=0s',
        '--rules.alert.resend-delay',
        '30s',
        '--rules.max-concurrent-evals=8',
      ),
    ).toEqual({ outageToleranceMs: 7_200_000, gracePeriodMs: 0, resendDelayMs: 30_000, concurrencyMax: 8 });
    expect(read()).toEqual({});
  });

  it.each([
    ['--rules.alert.for-grace-period=soon', '--rules.alert.for-grace-period is a duration, such as 2m'],
    ['--rules.max-concurrent-evals=-1', '--rules.max-concurrent-evals is a whole number'],
  ])('refuse %s', (flag, message) => {
    expect(read(flag)).toBe(message);
  });

  it('go before the section "rules" of the configuration, which keeps what they do not say', async () => {
    const disk = new FakeDisk();
    disk.putFile('/w.yml', 'rules: { resend_delay: 20s, for_grace_period: 3m }\n');
    const loaded = await loadConfig({
      disk,
      env: {},
      paths: { watchkeeper: '/w.yml' },
      registries: REGISTRIES,
    });
    const { config } = withRuleFlags(loaded, { resendDelayMs: 5000, concurrencyMax: 0 });
    expect(config?.rules).toEqual({
      resendDelayMs: 5000,
      outageToleranceMs: 3_600_000,
      gracePeriodMs: 180_000,
      concurrencyMax: 0,
    });
  });
});
