// The host collector beside Debian's node_exporter on this machine: same families, labels and values.
//
// How values are held against each other: node_exporter is scraped, then our collector reads, then node_exporter is
// scraped again. A counter that only rises must then lie between the two scrapes (CLOSE allows for the page's
// decimals). A gauge must lie between them too, give or take GAUGE_TOLERANCE of the greater. Gauges that jump around
// within milliseconds are in VOLATILE with the reason, and only their presence and labels are compared.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHostCollector, HOST_DEFAULTS } from '../../src/collect/host/index.ts';
import { labelPairs, type MetricFamily } from '../../src/model/index.ts';
import { labelsText, type PageFamily, readMetricsPage } from '../conformance/metrics-page.ts';
import { readingDisk, realClock, realExec, realFacts, silentLog } from './this-machine.ts';

const BINARY = 'prometheus-node-exporter';

/** Families that only node_exporter has. */
const THEIRS_ONLY: readonly (readonly [pattern: RegExp, reason: string])[] = [
  [/^(go|process|promhttp)_/, 'about the node_exporter process itself'],
  [/^node_exporter_build_info$/, 'about the node_exporter process itself'],
  [
    /^node_timex_/,
    'timex: adjtimex(2) is a system call that Node does not offer, and nothing under /proc tells the same',
  ],
  [/^node_processes_threads_state$/, 'processes: states of single threads would cost a read a thread'],
];

/** Labels that we add since newer versions of node_exporter have them. */
const NEWER_LABELS: Readonly<Record<string, readonly string[]>> = {
  node_disk_info: ['rotational'],
  node_network_info: ['adminstate'],
  node_nvme_info: ['cntlid'],
};

/** Debian changes some defaults, so that both are told the same. */
const SAME_SETTINGS = [
  '--collector.processes',
  `--collector.filesystem.mount-points-exclude=${HOST_DEFAULTS.mountPointsExclude}`,
  `--collector.filesystem.fs-types-exclude=${HOST_DEFAULTS.fsTypesExclude}`,
  `--collector.diskstats.device-exclude=${HOST_DEFAULTS.diskDevicesExclude}`,
  // An empty pattern would be taken for "not given".
  '--collector.netdev.device-exclude=^$',
];

/** Whose value says nothing when read a few milliseconds apart. */
const VOLATILE: readonly (readonly [pattern: RegExp, reason: string])[] = [
  [/^node_scrape_collector_duration_seconds$/, 'the time each program itself took'],
  [/^node_procs_(running|blocked)$/, 'changes with every scheduling decision, ours included'],
  [/^node_processes_(state|pids|threads)$/, 'the test run itself starts and ends processes and threads'],
  [/^node_(entropy_available_bits|filefd_allocated|disk_io_now)$/, 'a level that jumps with every operation'],
  [/^node_memory_/, 'pages move between lists while the test runs; held to VOLATILE_MEMORY below'],
  [/^node_sockstat_/, 'the scrape opens and closes sockets of its own'],
  [/^node_netstat_Tcp_CurrEstab$/, 'the scrape opens and closes connections of its own'],
  [/^node_cpu_(scaling_)?frequency_hertz$/, 'the frequency follows the load at once'],
  [/^node_(hwmon|thermal)_/, 'sensors'],
];

/** Memory gauges may move by this much of all memory while the test runs. */
const VOLATILE_MEMORY = 0.2;
const GAUGE_TOLERANCE = 0.05;
const CLOSE = 1e-9;

/** Labels whose values exist in one of the two only, for states that come and go. */
const COMING_AND_GOING = /^node_processes_state$/;

function installed(): boolean {
  try {
    execFileSync(BINARY, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise(resolve => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

async function scrape(url: string): Promise<string> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await (await fetch(url)).text();
    } catch (error) {
      if (attempt > 100) throw error;
      await new Promise(resolve => setTimeout(resolve, 50));
    }
  }
}

function ourPage(families: readonly MetricFamily[]): Map<string, PageFamily> {
  return new Map(
    families.map(family => [
      family.name,
      {
        type: family.type === 'unknown' ? 'untyped' : family.type,
        samples: new Map(
          family.samples.map(sample => [labelsText([...labelPairs(sample.labels)]), sample.value]),
        ),
      },
    ]),
  );
}

function without(labels: string, names: readonly string[]): string {
  return names
    .reduce((text, name) => text.replace(new RegExp(`(^|,)${name}="[^"]*"`), ''), labels)
    .replace(/^,/, '');
}

const present = installed();
const needed = process.env['CI'] === 'true';

describe.skipIf(!present && !needed)(`beside ${BINARY}${present ? '' : ' (not installed)'}`, () => {
  let child: ChildProcess | undefined;
  let before: Map<string, PageFamily>;
  let after: Map<string, PageFamily>;
  let ours: Map<string, PageFamily>;

  beforeAll(async () => {
    if (!present) throw new Error(`${BINARY} is not installed: apt-get install -y prometheus-node-exporter`);
    const port = await freePort();
    const url = `http://127.0.0.1:${port}/metrics`;
    child = spawn(BINARY, [`--web.listen-address=127.0.0.1:${port}`, ...SAME_SETTINGS], { stdio: 'ignore' });
    const collector = createHostCollector({
      disk: readingDisk,
      exec: realExec,
      clock: realClock,
      facts: realFacts,
      log: silentLog,
      settings: HOST_DEFAULTS,
    });
    // Once each to warm up: the first reading of node_exporter opens what stays open.
    await scrape(url);
    await collector.collect();
    before = readMetricsPage(await scrape(url));
    ours = ourPage(await collector.collect());
    after = readMetricsPage(await scrape(url));
  });

  afterAll(() => {
    child?.kill();
  });

  it('a family that only node_exporter has is listed with its reason', () => {
    const missing = [...before.keys()].filter(
      name => !ours.has(name) && !THEIRS_ONLY.some(([pattern]) => pattern.test(name)),
    );
    expect(missing).toEqual([]);
  });

  it('types agree', () => {
    const differing = [...ours].filter(
      ([name, family]) => before.has(name) && before.get(name)?.type !== family.type,
    );
    expect(differing.map(([name]) => name)).toEqual([]);
  });

  it('label sets agree', () => {
    const differing: string[] = [];
    for (const [name, theirs] of before) {
      const family = ours.get(name);
      if (family === undefined || COMING_AND_GOING.test(name)) continue;
      const own = new Set(
        [...family.samples.keys()].map(labels => without(labels, NEWER_LABELS[name] ?? [])),
      );
      // A collector that only one of the two has is no difference of labels.
      if (name.startsWith('node_scrape_collector_')) continue;
      const common = (labels: string): boolean => theirs.samples.has(labels) === own.has(labels);
      for (const labels of new Set([...own, ...theirs.samples.keys()])) {
        if (!common(labels) && after.get(name)?.samples.has(labels) !== own.has(labels)) {
          differing.push(`${name}{${labels}} ${own.has(labels) ? 'ours only' : 'theirs only'}`);
        }
      }
    }
    expect(differing).toEqual([]);
  });

  it('values agree', () => {
    const differing: string[] = [];
    let compared = 0;
    for (const [name, family] of ours) {
      for (const [labels, value] of family.samples) {
        const key = without(labels, NEWER_LABELS[name] ?? []);
        const first = before.get(name)?.samples.get(key);
        const last = after.get(name)?.samples.get(key);
        if (first === undefined || last === undefined) continue;
        compared++;
        const slack = slackOf(name, family.type, Math.max(Math.abs(first), Math.abs(last)));
        if (value < Math.min(first, last) - slack || value > Math.max(first, last) + slack) {
          differing.push(`${name}{${labels}}: ${value} is not within ${first} … ${last} (± ${slack})`);
        }
      }
    }
    console.log(`peers node-exporter: ${compared} values of ${ours.size} families compared`);
    expect(differing).toEqual([]);
    expect(compared).toBeGreaterThan(200);
  });

  function slackOf(name: string, type: string, magnitude: number): number {
    if (/^node_memory_\w+_bytes$/.test(name)) {
      return VOLATILE_MEMORY * (ours.get('node_memory_MemTotal_bytes')?.samples.get('') ?? 0);
    }
    if (VOLATILE.some(([pattern]) => pattern.test(name))) return Number.POSITIVE_INFINITY;
    return (type === 'gauge' ? GAUGE_TOLERANCE : CLOSE) * magnitude;
  }
});
