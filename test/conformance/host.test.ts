// The host collector on recorded /proc and /sys trees against the page node_exporter gives for them.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import {
  createHostCollector,
  HOST_DEFAULTS,
  type HostFacts,
  type HostSettings,
} from '../../src/collect/host/index.ts';
import { labelPairs, type MetricFamily } from '../../src/model/index.ts';
import { FakeClock } from '../support/clock.ts';
import { describeCorpus, reportCases } from '../support/corpora.ts';
import { FakeDisk } from '../support/disk.ts';
import { diskFromFolder } from '../support/disk-from-folder.ts';
import { FakeExec } from '../support/exec.ts';
import { CollectingLog } from '../support/log.ts';
import { labelsText, readMetricsPage } from './metrics-page.ts';
import { unpackTtar } from './ttar.ts';

const FACTS: HostFacts = {
  platform: 'linux',
  machine: 'x86_64',
  systemName: 'Linux',
  release: '',
  version: '',
  hostname: () => 'fixture',
  cpus: () => [],
  totalMemoryBytes: () => 0,
  freeMemoryBytes: () => 0,
  loadAverages: () => [0, 0, 0],
  uptimeSeconds: () => 0,
  timeZone: () => ({ name: 'UTC', offsetSeconds: 0 }),
};

/** The flags of the recorded run, from the corpus's README. */
const RUN: Partial<HostSettings> = {
  rootfs: '/',
  procfs: '/proc',
  sysfs: '/sys',
  udevData: '/udev/data',
  cpuInfo: true,
  cpuBugsInclude: '^(cpu_meltdown|spectre_.*|mds)$',
  cpuFlagsInclude: '^(aes|avx.?|constant_tsc)$',
  arpDevicesExclude: 'nope',
  hwmonChipsInclude: '(applesmc|asus_nb_wmi|coretemp|hwmon4|ieee80211|nct6779)',
  netclassDevicesExclude: '(dmz|int)',
  netclassIgnoreInvalidSpeed: true,
  netDevicesInclude: 'lo',
  softirq: true,
  textfileFolder: '/textfile/two_metric_files',
};

/** What upstream's own comparison leaves out: it depends on the machine of the run. */
const LEFT_OUT_UPSTREAM =
  /^(go_|process_|promhttp_|node_build_info|node_exporter_build_info|node_scrape_collector_duration_seconds|node_textfile_mtime_seconds|node_time_|node_network_(receive|transmit)_(bytes|packets)_total)/;

/** Families of the page that the collector does not offer on this tree, each with the reason. */
const NOT_OFFERED: readonly (readonly [pattern: RegExp, reason: string])[] = [
  [
    /^node_network_(receive|transmit)_\w+_total$/,
    'netdev: read over netlink in that run; the tree has no net/dev',
  ],
  [/^node_bcachefs_/, 'bcachefs: newer than node_exporter 1.5'],
  [/^node_(bcache|btrfs)_/, 'default collectors that this version lacks'],
  [/^node_cpu_vulnerabilities_info$/, 'cpu_vulnerabilities: off by default'],
  [
    /^node_(buddyinfo|cgroups|drbd|interrupts|ksmd|lnstat|memory_numa|mountstats|qdisc|slabinfo|softirqs_functions|sysctl|wifi|zoneinfo)/,
    'off by default in node_exporter',
  ],
  [
    /^node_(dmmultipath|kernel_hung|pcidevice|watchdog|xfrm)_/,
    'newer than node_exporter 1.5, or off by default',
  ],
];

async function collect(
  disk: FakeDisk,
  settings: Partial<HostSettings>,
): Promise<{ families: readonly MetricFamily[]; log: CollectingLog }> {
  const clock = new FakeClock();
  const log = new CollectingLog();
  const collector = createHostCollector({
    disk,
    exec: new FakeExec(clock),
    clock,
    facts: FACTS,
    log,
    settings: { ...HOST_DEFAULTS, ...settings },
  });
  return { families: await collector.collect(), log };
}

function samplesOf(family: MetricFamily): Map<string, number> {
  return new Map(family.samples.map(sample => [labelsText([...labelPairs(sample.labels)]), sample.value]));
}

function fixtureDisk(folder: string): FakeDisk {
  const disk = diskFromFolder(folder, '/');
  unpackTtar(join(folder, 'sys.ttar'), disk, '');
  unpackTtar(join(folder, 'udev.ttar'), disk, '');
  return disk;
}

describeCorpus('node_exporter-fixtures', folder => {
  // The page names the tree by the folder of that run.
  const page = readFileSync(join(folder, 'e2e-output.txt'), 'utf8').replaceAll('collector/fixtures/', '/');
  const expected = readMetricsPage(page);
  const collected = collect(fixtureDisk(folder), RUN);
  let compared = 0;
  const missing: string[] = [];

  for (const [name, family] of expected) {
    if (LEFT_OUT_UPSTREAM.test(name)) continue;
    it(`${name} is as recorded, or is known not to be offered`, async () => {
      const ours = (await collected).families.find(one => one.name === name);
      if (ours === undefined) {
        const reason = NOT_OFFERED.find(([pattern]) => pattern.test(name));
        expect(reason, `${name} is not offered and no reason is given`).toBeDefined();
        missing.push(name);
        return;
      }
      if (family.type !== '') expect(ours.type).toBe(family.type === 'untyped' ? 'unknown' : family.type);
      const offered = samplesOf(ours);
      if (name === 'node_scrape_collector_success') {
        // Collectors that only one of the two has; netdev read netlink in that run, the tree has no net/dev.
        offered.delete('collector="netdev"');
        for (const [labels] of offered) if (!family.samples.has(labels)) offered.delete(labels);
        for (const [labels] of family.samples) if (!offered.has(labels)) family.samples.delete(labels);
      }
      expect(Object.fromEntries(offered)).toEqual(Object.fromEntries(family.samples));
      compared++;
    });
  }

  it('nothing is offered on this tree that node_exporter does not have', async () => {
    const { families } = await collected;
    const own = families.map(family => family.name).filter(name => !expected.has(name));
    // Not in the recorded page since they describe the machine of the run.
    expect(own.filter(name => !/^node_(filesystem_|uname_info$|selinux_)/.test(name))).toEqual([]);
  });

  afterAll(() => {
    reportCases('host (node_exporter-fixtures)', { files: 3, cases: compared });
    console.log(`conformance host: ${missing.length} families of the page are not offered`);
  });
});

describeCorpus('procfs-fixtures', folder => {
  it('every file that the collectors read parses without an exception', async () => {
    const disk = new FakeDisk();
    const files = unpackTtar(join(folder, 'fixtures.ttar'), disk, '');
    const root = files[0]?.split('/')[1] ?? '';
    const settings = { ...RUN, procfs: `/${root}/proc`, sysfs: `/${root}/sys`, rootfs: `/${root}` };
    const { families, log } = await collect(disk, settings);
    const success = families.find(family => family.name === 'node_scrape_collector_success');
    expect(success?.samples.length).toBeGreaterThan(30);
    // An exception inside a collector would show as a message that is none of the reasons collectors give.
    expect(log.messages('warn').filter(message => !/could( not)? be read|reading "/.test(message))).toEqual(
      [],
    );
    const samples = families.reduce((sum, family) => sum + family.samples.length, 0);
    reportCases('host (procfs-fixtures)', { files: files.length, cases: samples });
    expect(samples).toBeGreaterThan(500);
  });
});

describe('the reader of recorded pages', () => {
  it('tells values, labels and types apart', () => {
    const page = readMetricsPage('# TYPE a gauge\na{x="1",y=""} 2\na{x="q\\"r"} 3\n');
    expect(page.get('a')?.type).toBe('gauge');
    expect([...(page.get('a')?.samples ?? [])]).toEqual([
      ['x="1"', 2],
      ['x="q\\"r"', 3],
    ]);
  });
});
