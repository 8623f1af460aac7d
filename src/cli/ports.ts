// The real ports for a running system. The command helpers are started first, while the process is small.

import type { SystemPorts } from '../app/index.ts';
import type { LogLevel } from '../base/index.ts';
import {
  execPool,
  hostFacts,
  httpClient,
  httpServer,
  keepHeapSmall,
  keepYoungSmall,
  pageAssets,
  processFacts,
  smtpMail,
  startThread,
  streamLog,
  systemClock,
  systemDisk,
  systemDns,
  systemRandom,
} from '../os/index.ts';
import { openState } from '../state/index.ts';

export interface RealPorts extends SystemPorts {
  close(): Promise<void>;
}

export function realPorts(options: {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly logFormat: 'text' | 'json';
  readonly logLevel: LogLevel;
}): RealPorts {
  const exec = execPool();
  keepYoungSmall();
  const clock = systemClock();
  const log = streamLog({ format: options.logFormat, level: options.logLevel, clock });
  const http = httpClient(options.env);
  return {
    clock,
    random: systemRandom(),
    disk: systemDisk(),
    http,
    dns: systemDns(),
    httpServer: httpServer(log),
    mail: smtpMail(),
    exec,
    log,
    hostFacts: hostFacts(),
    ownFacts: processFacts(),
    env: definedOnly(options.env),
    openState: async folder => {
      const opened = await openState({ path: `${folder}/state.db`, clock });
      // It has a thread of its own.
      keepHeapSmall();
      return opened;
    },
    startBlockThread: startThread(new URL('../app/block-thread.js', import.meta.url), 'blocks'),
    asset: pageAssets(new URL('../ui/', import.meta.url)),
    async close() {
      exec.close();
      await http.close();
    },
  };
}

export function definedOnly(
  env: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}
