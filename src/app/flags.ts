// What the program runs with as clients of Prometheus ask for it: its own command line, and the settings that stand for
// Prometheus's flags, under their names.

import { formatDuration } from '../base/index.ts';
import type { Config } from '../config/index.ts';
import type { System } from './system.ts';

/** `config` is the one that it was started with: what of it takes effect at a start only is told as it is in force. */
export function flagsOf(
  system: System,
  at: { readonly config: Config; readonly listening: string; readonly externalUrl: string },
): Readonly<Record<string, string>> {
  const { web, storage } = at.config;
  // These take effect with a reload.
  const { rules, relay } = system.config();
  const { lookbackMs, timeoutMs, samplesMax, runningMax } = system.limits;
  // The one of TLS and users is no configuration of what is watched.
  const configFile = system.configFiles().find(path => path !== web.configFile) ?? '';
  return {
    ...system.commandLine,
    'alertmanager.notification-batch-size': String(relay.batchMax),
    'alertmanager.notification-queue-capacity': String(relay.queueMax),
    'config.file': configFile,
    'query.lookback-delta': formatDuration(lookbackMs),
    'query.max-concurrency': String(runningMax),
    'query.max-samples': String(samplesMax),
    'query.timeout': formatDuration(timeoutMs),
    'rules.alert.for-grace-period': formatDuration(system.ruleSettings().forPolicy.gracePeriodMs),
    'rules.alert.for-outage-tolerance': formatDuration(rules.outageToleranceMs),
    'rules.alert.resend-delay': formatDuration(rules.resendDelayMs),
    'rules.max-concurrent-evals': String(rules.concurrencyMax),
    'storage.tsdb.path': `${system.dataFolder}/store`,
    'storage.tsdb.retention.size': `${storage.retentionBytes}B`,
    'storage.tsdb.retention.time': formatDuration(system.retentionMs),
    'web.config.file': web.configFile ?? '',
    'web.cors.origin': web.corsOrigin ?? '',
    'web.enable-admin-api': String(system.config().web.adminApi),
    'web.enable-lifecycle': 'true',
    'web.enable-remote-write-receiver': 'true',
    'web.external-url': at.externalUrl,
    'web.listen-address': at.listening,
    'web.route-prefix': web.routePrefix === '' ? '/' : web.routePrefix,
  };
}
