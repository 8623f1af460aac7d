// Collectors that read a number or two: vmstat, filefd, entropy, conntrack, schedstat, pressure.

import { absent, type CollectorKind, failed, OK } from '../kind.ts';
import { float, hex, lines, uint, words } from '../text.ts';

/** "pgfault 2320168809" */
export function parseVmstat(text: string): readonly (readonly [field: string, value: number])[] {
  return lines(text).flatMap(line => {
    const [field = '', amount] = words(line);
    const value = float(amount);
    return value === undefined ? [] : [[field, value] as const];
  });
}

export const vmstat: CollectorKind = {
  name: 'vmstat',
  enabledByDefault: true,
  platform: 'linux',
  create: host => {
    const wanted = host.matcher(host.settings.vmstatFields);
    return async page => {
      const text = await host.files.load(host.proc('vmstat'));
      if (!text.ok) return failed(`reading "vmstat": ${text.error.message}`);
      for (const [field, value] of parseVmstat(text.value)) {
        if (wanted(field)) page.untyped(`node_vmstat_${field}`, `Field ${field} of /proc/vmstat.`, value);
      }
      return OK;
    };
  },
};

export const filefd: CollectorKind = {
  name: 'filefd',
  enabledByDefault: true,
  platform: 'linux',
  create: host => async page => {
    const text = await host.files.load(host.proc('sys/fs/file-nr'));
    if (!text.ok) return failed(`reading "sys/fs/file-nr": ${text.error.message}`);
    const [allocated, , maximum] = words(text.value).map(uint);
    page.gauge('node_filefd_allocated', 'File handles in use.', allocated);
    page.gauge('node_filefd_maximum', 'File handles there may be.', maximum);
    return OK;
  },
};

export const entropy: CollectorKind = {
  name: 'entropy',
  enabledByDefault: true,
  platform: 'linux',
  create: host => async page => {
    const [available, size] = await Promise.all([
      host.files.uint(host.proc('sys/kernel/random/entropy_avail')),
      host.files.uint(host.proc('sys/kernel/random/poolsize')),
    ]);
    if (available === undefined) return failed('"sys/kernel/random/entropy_avail" could not be read');
    page.gauge('node_entropy_available_bits', 'Bits of entropy available.', available);
    page.gauge('node_entropy_pool_size_bits', 'Bits of entropy the pool holds.', size);
    return OK;
  },
};

/** Metric and column of net/stat/nf_conntrack. */
const CONNTRACK = [
  ['found', 2],
  ['invalid', 4],
  ['ignore', 5],
  ['insert', 8],
  ['insert_failed', 9],
  ['drop', 10],
  ['early_drop', 11],
  ['search_restart', 16],
] as const;

/** Sums over all CPUs, in the order of CONNTRACK. */
export function parseConntrackStat(text: string): readonly number[] {
  const sums = CONNTRACK.map(() => 0);
  for (const line of lines(text).slice(1)) {
    const columns = words(line).map(hex);
    if (columns.length < 17) continue;
    CONNTRACK.forEach(([, column], i) => {
      sums[i] = (sums[i] ?? 0) + (columns[column] ?? 0);
    });
  }
  return sums;
}

export const conntrack: CollectorKind = {
  name: 'conntrack',
  enabledByDefault: true,
  platform: 'linux',
  create: host => async page => {
    const [entries, limit, stat] = await Promise.all([
      host.files.uint(host.proc('sys/net/netfilter/nf_conntrack_count')),
      host.files.uint(host.proc('sys/net/netfilter/nf_conntrack_max')),
      host.files.text(host.proc('net/stat/nf_conntrack')),
    ]);
    if (entries === undefined) return absent('no connection tracking');
    page.gauge('node_nf_conntrack_entries', 'Connections tracked.', entries);
    page.gauge('node_nf_conntrack_entries_limit', 'Connections that can be tracked.', limit);
    if (stat === undefined) return OK;
    const sums = parseConntrackStat(stat);
    CONNTRACK.forEach(([name], i) => {
      page.gauge(`node_nf_conntrack_stat_${name}`, `Connection tracking statistic ${name}.`, sums[i]);
    });
    return OK;
  },
};

const NANOSECONDS = 1e9;

/** Of each "cpuN" line: running and waiting in nanoseconds, timeslices. */
export function parseSchedstat(
  text: string,
): { cpu: string; running: number; waiting: number; slices: number }[] {
  return lines(text).flatMap(line => {
    const match = /^cpu(\d+) \d+ \d+ \d+ \d+ \d+ \d+ (\d+) (\d+) (\d+)/.exec(line);
    if (match === null) return [];
    const [, cpu = '', running, waiting, slices] = match;
    return [{ cpu, running: Number(running), waiting: Number(waiting), slices: Number(slices) }];
  });
}

export const schedstat: CollectorKind = {
  name: 'schedstat',
  enabledByDefault: true,
  platform: 'linux',
  create: host => async page => {
    const text = await host.files.text(host.proc('schedstat'));
    if (text === undefined) return absent('no schedstat');
    for (const { cpu, running, waiting, slices } of parseSchedstat(text)) {
      page.counter(
        'node_schedstat_running_seconds_total',
        'Seconds each CPU ran processes.',
        running / NANOSECONDS,
        { cpu },
      );
      page.counter(
        'node_schedstat_waiting_seconds_total',
        'Seconds processes waited for each CPU.',
        waiting / NANOSECONDS,
        { cpu },
      );
      page.counter('node_schedstat_timeslices_total', 'Timeslices each CPU gave.', slices, { cpu });
    }
    return OK;
  },
};

/** Microseconds by "some" and "full". */
export function parsePressure(text: string): {
  readonly some: number | undefined;
  readonly full: number | undefined;
} {
  const total = (kind: string): number | undefined => {
    const line = lines(text).find(one => one.startsWith(`${kind} `));
    return uint(/ total=(\d+)/.exec(line ?? '')?.[1]);
  };
  return { some: total('some'), full: total('full') };
}

/** Resource and which of the two kinds node_exporter shows of it. */
const PRESSURES = [
  ['cpu', ['some']],
  ['io', ['some', 'full']],
  ['memory', ['some', 'full']],
  ['irq', ['full']],
] as const;

export const pressure: CollectorKind = {
  name: 'pressure',
  enabledByDefault: true,
  platform: 'linux',
  create: host => async page => {
    const texts = await Promise.all(
      PRESSURES.map(([name]) => host.files.text(host.proc(`pressure/${name}`))),
    );
    if (texts.every(text => text === undefined)) return absent('no pressure stall information');
    PRESSURES.forEach(([name, kinds], i) => {
      const totals = parsePressure(texts[i] ?? '');
      for (const kind of kinds) {
        const word = kind === 'some' ? 'waiting' : 'stalled';
        const us = totals[kind];
        const help = `Seconds in which ${kind === 'some' ? 'some' : 'all'} processes waited for ${name}.`;
        // Divided twice as node_exporter does, so that the last bit agrees too.
        const seconds = us === undefined ? undefined : us / 1000 / 1000;
        page.counter(`node_pressure_${name}_${word}_seconds_total`, help, seconds);
      }
    });
    return OK;
  },
};
