// The real ports for a running system.

import type { SystemPorts } from '../app/index.ts';
import type { LogLevel, Timer } from '../base/index.ts';
import {
  execPool,
  hostFacts,
  httpClient,
  httpServer,
  keepHeapSmall,
  keepYoungSmall,
  optimizeAsUsual,
  optimizeInHaste,
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
import { openState, type StateThread, startStateThread } from '../state/index.ts';

/**
 * The helpers for commands are processes that share the cores with the start: they come once it is done, or with the first
 * command.
 */
const HELPERS_AFTER_MS = 250;

/** Written by the build: runs `state/worker.ts` with its kept code. */
const STATE_THREAD = new URL('../state/start.cjs', import.meta.url);

export interface RealPorts extends SystemPorts {
  /** To be called once the system has started. */
  started(): void;
  close(): Promise<void>;
}

export function realPorts(options: {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly logFormat: 'text' | 'json';
  readonly logLevel: LogLevel;
}): RealPorts {
  const exec = execPool();
  let helpers: Timer | undefined;
  keepYoungSmall();
  // Early, since it takes long. No flag of V8 may be set from here on until it runs: it would load code that was kept under others.
  const firstThread = startStateThread(STATE_THREAD);
  let stateThread: StateThread | undefined = firstThread;
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
      // A database has a thread of its own: that of a second house starts now.
      const isFirst = stateThread !== undefined;
      const thread = stateThread ?? startStateThread(STATE_THREAD);
      stateThread = undefined;
      const opened = await openState(thread, { path: `${folder}/state.db`, clock });
      // The thread has set the flags of its own heap for all.
      keepYoungSmall();
      if (isFirst) optimizeInHaste();
      return opened;
    },
    startBlockThread: startThread(new URL('../app/block-thread.js', import.meta.url), 'blocks'),
    asset: pageAssets(new URL('../ui/', import.meta.url)),
    started() {
      optimizeAsUsual();
      keepHeapSmall();
      helpers = clock.after(HELPERS_AFTER_MS, () => exec.prepare());
    },
    async close() {
      helpers?.cancel();
      exec.close();
      await firstThread.end();
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
