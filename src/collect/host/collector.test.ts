// One collection: what is chosen, what a failing or slow collector costs, and what is remembered.

import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../../test/support/clock.ts';
import { FakeDisk } from '../../../test/support/disk.ts';
import { FakeExec } from '../../../test/support/exec.ts';
import { CollectingLog } from '../../../test/support/log.ts';
import { labelValue, type MetricFamily } from '../../model/index.ts';
import { createHostCollector } from './collector.ts';
import { COLLECTORS } from './collectors/index.ts';
import type { HostFacts } from './facts.ts';
import { HOST_DEFAULTS, type HostSettings } from './settings.ts';

const FACTS: HostFacts = {
  platform: 'linux',
  machine: 'x86_64',
  systemName: 'Darwin',
  release: '25.0',
  version: 'v',
  hostname: () => 'mac',
  cpus: () => [{ userMs: 1500, niceMs: 0, systemMs: 500, idleMs: 10_000, irqMs: 0 }],
  totalMemoryBytes: () => 1000,
  freeMemoryBytes: () => 400,
  loadAverages: () => [1, 2, 3],
  uptimeSeconds: () => 60,
  timeZone: () => ({ name: 'CET', offsetSeconds: 3600 }),
};

function kit(settings: Partial<HostSettings> = {}, facts: Partial<HostFacts> = {}) {
  const clock = new FakeClock();
  const disk = new FakeDisk();
  disk.putFolder('/proc');
  disk.putFile('/proc/loadavg', '0.5 0.4 0.3 1/2 3\n');
  const log = new CollectingLog();
  const exec = new FakeExec(clock);
  const collector = createHostCollector({
    disk,
    exec,
    clock,
    log,
    facts: { ...FACTS, ...facts },
    settings: { ...HOST_DEFAULTS, ...settings },
  });
  return { clock, disk, log, exec, collector };
}

function sampleValue(
  families: readonly MetricFamily[],
  name: string,
  label?: readonly [string, string],
): number | undefined {
  const samples = families.find(family => family.name === name)?.samples;
  return samples?.find(sample => label === undefined || labelValue(sample.labels, label[0]) === label[1])
    ?.value;
}

function success(families: readonly MetricFamily[], collector: string): number | undefined {
  return sampleValue(families, 'node_scrape_collector_success', ['collector', collector]);
}

describe('host collector', () => {
  it('a file that is missing costs its collector, not the page', async () => {
    const { collector } = kit();
    const families = await collector.collect();
    expect(sampleValue(families, 'node_load1')).toBe(0.5);
    expect([success(families, 'loadavg'), success(families, 'meminfo')]).toEqual([1, 0]);
    expect(sampleValue(families, 'node_scrape_collector_duration_seconds', ['collector', 'meminfo'])).toBe(0);
  });

  it('a reason is logged when it appears, not at every collection', async () => {
    const { collector, log } = kit({
      disable: COLLECTORS.map(kind => kind.name).filter(name => name !== 'meminfo'),
    });
    await collector.collect();
    await collector.collect();
    expect(log.messages('warn')).toHaveLength(1);
  });

  it('a collector that is off gives nothing, and an unknown name is warned about', async () => {
    const { collector, log } = kit({ disable: ['loadavg', 'laodavg'] });
    const families = await collector.collect();
    expect(sampleValue(families, 'node_load1')).toBeUndefined();
    expect(success(families, 'loadavg')).toBeUndefined();
    expect(log.messages('warn')[0]).toContain('"laodavg"');
  });

  it.each(['(', 'pg)|(x'])('a bad pattern, %s, is warned about and matches nothing', async pattern => {
    const { collector, log, disk } = kit({ vmstatFields: pattern });
    disk.putFile('/proc/vmstat', 'pgfault 1\n');
    const families = await collector.collect();
    expect(sampleValue(families, 'node_vmstat_pgfault')).toBeUndefined();
    expect(log.messages('warn').some(message => message.includes(`"${pattern}"`))).toBe(true);
  });

  it('a command that hangs fails its collector after the time limit and holds nothing else', async () => {
    const { collector, disk, exec, clock } = kit({ collectorTimeoutMs: 1000 });
    disk.putFolder('/run/systemd/system');
    exec.on('systemctl', () => ({ durationMs: Number.POSITIVE_INFINITY }));
    const collecting = collector.collect();
    await clock.advance(1000);
    const families = await collecting;
    expect([success(families, 'systemd'), success(families, 'loadavg')]).toEqual([0, 1]);
  });

  it('units come from systemctl where systemd runs', async () => {
    const { collector, disk, exec } = kit();
    disk.putFolder('/run/systemd/system');
    exec.on('systemctl', request =>
      request.argv.includes('*')
        ? {
            stdout:
              'Id=db.service\nActiveState=failed\nLoadState=loaded\nType=simple\n\nId=x.mount\nActiveState=active\nLoadState=loaded\n',
          }
        : { stdout: 'Version=252.39-1~deb12u1\nSystemState=degraded\n' },
    );
    const families = await collector.collect();
    const states = families.find(family => family.name === 'node_systemd_unit_state')?.samples ?? [];
    expect(states.map(sample => [labelValue(sample.labels, 'state'), sample.value])).toEqual([
      ['activating', 0],
      ['active', 0],
      ['deactivating', 0],
      ['failed', 1],
      ['inactive', 0],
    ]);
    expect(sampleValue(families, 'node_systemd_units', ['state', 'active'])).toBe(1);
    expect(sampleValue(families, 'node_systemd_version')).toBe(252.39);
    expect(sampleValue(families, 'node_systemd_system_running')).toBe(0);
  });

  it('what this host does not have is looked for again after a minute only', async () => {
    const { collector, disk, clock } = kit();
    await collector.collect();
    disk.putFile('/sys/class/hwmon/hwmon0/temp1_input', '55000\n');
    disk.putFile('/sys/class/hwmon/hwmon0/name', 'x\n');
    expect(sampleValue(await collector.collect(), 'node_hwmon_temp_celsius')).toBeUndefined();
    await clock.advance(60_000);
    expect(sampleValue(await collector.collect(), 'node_hwmon_temp_celsius')).toBe(55);
  });

  it('without /proc the facts of the system are shown', async () => {
    const { collector, clock } = kit({}, { platform: 'darwin', machine: 'arm64' });
    const families = await collector.collect();
    expect(sampleValue(families, 'node_cpu_seconds_total', ['mode', 'user'])).toBe(1.5);
    expect(sampleValue(families, 'node_memory_free_bytes')).toBe(400);
    expect(sampleValue(families, 'node_load15')).toBe(3);
    expect(sampleValue(families, 'node_uname_info', ['machine', 'arm64'])).toBe(1);
    expect(sampleValue(families, 'node_boot_time_seconds')).toBe(clock.nowMs() / 1000 - 60);
    expect(success(families, 'netdev')).toBeUndefined();
  });

  it('a mount that does not answer is an error of that mount alone', async () => {
    const { collector, disk, clock } = kit();
    disk.putFile('/proc/1/mountinfo', '1 0 8:1 / / rw - ext4 /dev/a rw\n2 0 8:2 / /nfs rw - nfs srv:/x rw\n');
    const space = disk.space.bind(disk);
    disk.space = path => (path === '/nfs' ? new Promise(() => {}) : space(path));
    const collecting = collector.collect();
    await clock.advance(2000);
    const families = await collecting;
    expect(sampleValue(families, 'node_filesystem_device_error', ['mountpoint', '/nfs'])).toBe(1);
    expect(sampleValue(families, 'node_filesystem_device_error', ['mountpoint', '/'])).toBe(0);
    expect(sampleValue(families, 'node_filesystem_size_bytes', ['mountpoint', '/'])).toBeGreaterThan(0);
  });
});
