// What the program runs with as clients of Prometheus ask for it: its own command line, and the settings that stand for
// Prometheus's flags, under their names.

import { formatDuration } from '../base/index.ts';
import type { System } from './system.ts';

export function flagsOf(
  system: System,
  at: { readonly listening: string; readonly externalUrl: string },
): Readonly<Record<string, string>> {
  const { web, storage } = system.config();
  const { lookbackMs, timeoutMs, samplesMax } = system.limits;
  const [configFile = ''] = system.configFiles();
  return {
    ...system.commandLine,
    'config.file': configFile,
    'query.lookback-delta': formatDuration(lookbackMs),
    'query.max-samples': String(samplesMax),
    'query.timeout': formatDuration(timeoutMs),
    'storage.tsdb.path': `${system.dataFolder}/store`,
    'storage.tsdb.retention.size': `${storage.retentionBytes}B`,
    'storage.tsdb.retention.time': formatDuration(system.retentionMs),
    'web.cors.origin': web.corsOrigin ?? '',
    'web.enable-admin-api': String(web.adminApi),
    'web.enable-lifecycle': 'true',
    'web.enable-remote-write-receiver': 'true',
    'web.external-url': at.externalUrl,
    'web.listen-address': at.listening,
    'web.route-prefix': web.routePrefix === '' ? '/' : web.routePrefix,
  };
}
