// What systems without /proc have: CPU times, memory, load, uptime and name from the facts port.

import { type CollectorKind, failed, OK } from '../kind.ts';

const MODES = [
  ['user', 'userMs'],
  ['nice', 'niceMs'],
  ['system', 'systemMs'],
  ['idle', 'idleMs'],
] as const;

export const portableCpu: CollectorKind = {
  name: 'cpu',
  enabledByDefault: true,
  platform: 'any',
  create: host => async page => {
    host.facts.cpus().forEach((times, i) => {
      for (const [mode, key] of MODES) {
        const labels = { cpu: String(i), mode };
        page.counter(
          'node_cpu_seconds_total',
          'Seconds each CPU spent in each mode.',
          times[key] / 1000,
          labels,
        );
      }
    });
    return OK;
  },
};

export const portableMemory: CollectorKind = {
  name: 'meminfo',
  enabledByDefault: true,
  platform: 'any',
  create: host => async page => {
    page.gauge('node_memory_total_bytes', 'Memory of this host in bytes.', host.facts.totalMemoryBytes());
    page.gauge('node_memory_free_bytes', 'Free memory of this host in bytes.', host.facts.freeMemoryBytes());
    return OK;
  },
};

export const portableLoad: CollectorKind = {
  name: 'loadavg',
  enabledByDefault: true,
  platform: 'any',
  create: host => async page => {
    const loads = host.facts.loadAverages();
    ['1', '5', '15'].forEach((minutes, i) => {
      page.gauge(`node_load${minutes}`, `Load average over ${minutes} min.`, loads[i]);
    });
    return OK;
  },
};

export const portableTime: CollectorKind = {
  name: 'time',
  enabledByDefault: true,
  platform: 'any',
  create: host => async page => {
    const nowMs = host.clock.nowMs();
    const zone = host.facts.timeZone(nowMs);
    page.gauge('node_time_seconds', 'Time of this host in seconds since 1970.', nowMs / 1000);
    const help = 'Offset of the local time zone from UTC in seconds.';
    page.gauge('node_time_zone_offset_seconds', help, zone.offsetSeconds, { time_zone: zone.name });
    const bootSeconds = Math.round(nowMs / 1000 - host.facts.uptimeSeconds());
    page.gauge('node_boot_time_seconds', 'When this host started, in seconds since 1970.', bootSeconds);
    return OK;
  },
};

export const portableName: CollectorKind = {
  name: 'uname',
  enabledByDefault: true,
  platform: 'any',
  create: host => async page => {
    const { machine, systemName, release, version } = host.facts;
    const labels = { sysname: systemName, release, version, machine, nodename: host.facts.hostname() };
    page.gauge('node_uname_info', 'What uname says, as labels.', 1, labels);
    return OK;
  },
};

export const portableFilesystem: CollectorKind = {
  name: 'filesystem',
  enabledByDefault: true,
  platform: 'any',
  create: host => async page => {
    const space = await host.files.disk.space('/');
    if (!space.ok) return failed(`reading the space of "/": ${space.error.message}`);
    const labels = { device: 'root', mountpoint: '/', fstype: '' };
    const { totalBytes, freeBytes, availableBytes, files, filesFree } = space.value;
    page.gauge('node_filesystem_size_bytes', 'Size of the file system in bytes.', totalBytes, labels);
    page.gauge('node_filesystem_free_bytes', 'Free space in bytes.', freeBytes, labels);
    page.gauge(
      'node_filesystem_avail_bytes',
      'Free space for ordinary users in bytes.',
      availableBytes,
      labels,
    );
    page.gauge('node_filesystem_files', 'Inodes of the file system.', files, labels);
    page.gauge('node_filesystem_files_free', 'Free inodes of the file system.', filesFree, labels);
    return OK;
  },
};
