// This host's collector as the program has it, but for commands, and for facts that no figure depends on.

import { err } from '../../src/base/index.ts';
import { createHostCollector, HOST_DEFAULTS, type HostFacts } from '../../src/collect/host/index.ts';
import { systemClock, systemDisk } from '../../src/os/index.ts';

const facts: HostFacts = {
  platform: process.platform,
  machine: process.arch,
  systemName: '',
  release: '',
  version: '',
  hostname: () => '',
  cpus: () => [],
  totalMemoryBytes: () => 0,
  freeMemoryBytes: () => 0,
  loadAverages: () => [0, 0, 0],
  uptimeSeconds: () => 0,
  timeZone: () => ({ name: 'UTC', offsetSeconds: 0 }),
};

export const collector = createHostCollector({
  disk: systemDisk(),
  exec: { run: async () => err({ code: 'exec-not-found', message: 'no commands in this measurement' }) },
  clock: systemClock(),
  facts,
  log: { log: () => {} },
  settings: HOST_DEFAULTS,
});
