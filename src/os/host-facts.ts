// What Node knows of this host and of this process without reading files.

import {
  arch,
  cpus,
  freemem,
  hostname,
  loadavg,
  machine,
  release,
  totalmem,
  type,
  uptime,
  version,
} from 'node:os';

/** Facts of the host; the shape that collect/host asks for. */
export function hostFacts() {
  return {
    platform: process.platform as string,
    machine: machine(),
    systemName: type(),
    release: release(),
    version: version(),
    hostname: () => hostname(),
    cpus: () =>
      cpus().map(({ times }) => ({
        userMs: times.user,
        niceMs: times.nice,
        systemMs: times.sys,
        idleMs: times.idle,
        irqMs: times.irq,
      })),
    totalMemoryBytes: () => totalmem(),
    freeMemoryBytes: () => freemem(),
    loadAverages: (): readonly [number, number, number] => {
      const [one = 0, five = 0, fifteen = 0] = loadavg();
      return [one, five, fifteen];
    },
    uptimeSeconds: () => uptime(),
    timeZone: (nowMs: number) => {
      const parts = new Intl.DateTimeFormat('en', { timeZoneName: 'short' }).formatToParts(nowMs);
      const name = parts.find(part => part.type === 'timeZoneName')?.value ?? 'UTC';
      return { name, offsetSeconds: -60 * new Date(nowMs).getTimezoneOffset() };
    },
  };
}

export interface ProcessFacts {
  readonly nodeVersion: string;
  readonly architecture: string;
  residentBytes(): number;
  heapBytes(): number;
  cpuSeconds(): number;
}

export function processFacts(): ProcessFacts {
  return {
    nodeVersion: process.versions.node,
    architecture: arch(),
    residentBytes: () => process.memoryUsage.rss(),
    heapBytes: () => process.memoryUsage().heapUsed,
    cpuSeconds: () => {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1e6;
    },
  };
}
