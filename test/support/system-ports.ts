// All that a system needs of the outside world as fakes: a test brings those that it asks questions of or lets fail.

import type { SystemPorts } from '../../src/app/index.ts';
import { ok } from '../../src/base/index.ts';
import type { FakeClock } from './clock.ts';
import type { FakeDisk } from './disk.ts';
import { FakeDns } from './dns.ts';
import { FakeExec } from './exec.ts';
import type { FakeHttp, FakeHttpServer } from './http.ts';
import { CollectingLog } from './log.ts';
import { FakeMail } from './mail.ts';
import { seededRandom } from './random.ts';
import { MemoryState } from './state.ts';

/** For systems that do not look at their host: it has no processors. */
export const HOST_FACTS: SystemPorts['hostFacts'] = {
  platform: 'linux',
  machine: 'x86_64',
  systemName: 'Linux',
  release: '6',
  version: 'test',
  hostname: () => 'here',
  cpus: () => [],
  totalMemoryBytes: () => 1e9,
  freeMemoryBytes: () => 5e8,
  loadAverages: () => [0, 0, 0],
  uptimeSeconds: () => 1,
  timeZone: () => ({ name: 'UTC', offsetSeconds: 0 }),
};

export const OWN_FACTS: SystemPorts['ownFacts'] = {
  nodeVersion: 'v20',
  residentBytes: () => 1,
  heapBytes: () => 1,
  cpuSeconds: () => 1,
};

export function fakeSystemPorts(parts: {
  readonly clock: FakeClock;
  readonly disk: FakeDisk;
  readonly http: FakeHttp;
  readonly httpServer: FakeHttpServer;
  readonly log?: CollectingLog;
  readonly state?: MemoryState;
}): SystemPorts {
  const { clock, disk, http, httpServer } = parts;
  const state = parts.state ?? new MemoryState({ clock });
  return {
    clock,
    random: seededRandom(1),
    disk: disk.mount(),
    http,
    dns: new FakeDns(),
    httpServer,
    mail: new FakeMail(clock),
    exec: new FakeExec(clock),
    log: parts.log ?? new CollectingLog(),
    hostFacts: HOST_FACTS,
    ownFacts: OWN_FACTS,
    env: {},
    openState: async () => ok(state),
    asset: async () => undefined,
  };
}
