// cpu: seconds by mode from /proc/stat, guests, throttling, isolation; cpuinfo where asked for.

import type { Host } from '../kind.ts';
import { type CollectorKind, failed, OK } from '../kind.ts';
import type { Page } from '../page.ts';
import { lines, trailingDigits, uint, words } from '../text.ts';

const MODES = [
  'user',
  'nice',
  'system',
  'idle',
  'iowait',
  'irq',
  'softirq',
  'steal',
  'guest',
  'guest_nice',
] as const;
const IDLE = 3;

/** The kernel counts in USER_HZ, which is 100 in every ABI that Node runs on. */
const TICKS_PER_SECOND = 100;

/** An idle counter that falls by more is a CPU that was unplugged and came back, not the kernel's small slips. */
const JUMP_BACK_SECONDS = 3;

/** Seconds by mode in the order of MODES, by CPU number; absent columns of old kernels are zero. */
export function parseCpuLines(stat: string): Map<string, number[]> {
  const byCpu = new Map<string, number[]>();
  for (const line of lines(stat)) {
    const match = /^cpu(\d+)\s/.exec(line);
    if (match === null) continue;
    const ticks = words(line).slice(1);
    byCpu.set(
      match[1] ?? '',
      MODES.map((_, i) => (uint(ticks[i]) ?? 0) / TICKS_PER_SECOND),
    );
  }
  return byCpu;
}

/** Counters never go back: idle and iowait slip in the kernel, so that the greater of old and new is kept. */
export function keepRising(kept: Map<string, number[]>, now: ReadonlyMap<string, readonly number[]>): void {
  for (const [cpu, values] of now) {
    const before = kept.get(cpu);
    const replugged = before !== undefined && (before[IDLE] ?? 0) - (values[IDLE] ?? 0) >= JUMP_BACK_SECONDS;
    if (before === undefined || replugged) kept.set(cpu, [...values]);
    else
      kept.set(
        cpu,
        values.map((value, i) => Math.max(before[i] ?? 0, value)),
      );
  }
}

/** Blocks of "key : value" separated by empty lines; an x86 block begins with "processor". */
export function parseCpuInfo(text: string): Map<string, string>[] {
  return text
    .split(/\n\s*\n/)
    .map(block => {
      const fields = new Map<string, string>();
      for (const line of lines(block)) {
        const colon = line.indexOf(':');
        if (colon > 0) fields.set(line.slice(0, colon).trim(), line.slice(colon + 1).trim());
      }
      return fields;
    })
    .filter(fields => fields.has('processor') && uint(fields.get('processor')) !== undefined);
}

/** "1,3-5" → ["1", "3", "4", "5"] */
export function parseCpuList(text: string): string[] {
  const cpus: string[] = [];
  for (const part of text.trim().split(',')) {
    const [first, last] = part.split('-').map(uint);
    if (first === undefined) continue;
    for (let cpu = first; cpu <= Math.min(last ?? first, first + CPUS_MAX); cpu++) cpus.push(String(cpu));
  }
  return cpus;
}

/** More than any Linux kernel is built for: a broken list must not make a million series. */
const CPUS_MAX = 8192;

export const cpu: CollectorKind = {
  name: 'cpu',
  enabledByDefault: true,
  platform: 'linux',
  create: host => {
    const kept = new Map<string, number[]>();
    const throttle = throttleReader(host);
    const info = infoReader(host);
    return async page => {
      const infoWanted =
        host.settings.cpuInfo || host.settings.cpuFlagsInclude !== '' || host.settings.cpuBugsInclude !== '';
      if (infoWanted) await info(page);
      const stat = await host.files.load(host.proc('stat'));
      if (!stat.ok) return failed(`reading "stat": ${stat.error.message}`);
      keepRising(kept, parseCpuLines(stat.value));
      addSeconds(host, page, kept);
      const isolated = await host.files.text(host.sys('devices/system/cpu/isolated'));
      for (const number of parseCpuList(isolated ?? '')) {
        page.gauge('node_cpu_isolated', 'CPUs kept apart from the scheduler.', 1, { cpu: number });
      }
      await throttle(page);
      return OK;
    };
  },
};

function addSeconds(host: Host, page: Page, byCpu: ReadonlyMap<string, readonly number[]>): void {
  for (const [number, seconds] of byCpu) {
    MODES.slice(0, 8).forEach((mode, i) => {
      const help = 'Seconds each CPU spent in each mode.';
      page.counter('node_cpu_seconds_total', help, seconds[i], { cpu: number, mode });
    });
    if (!host.settings.cpuGuest) continue;
    const help = 'Seconds each CPU spent running guests, contained in user and nice.';
    page.counter('node_cpu_guest_seconds_total', help, seconds[8], { cpu: number, mode: 'user' });
    page.counter('node_cpu_guest_seconds_total', help, seconds[9], { cpu: number, mode: 'nice' });
  }
}

function infoReader(host: Host): (page: Page) => Promise<void> {
  const flagWanted = host.matcher(host.settings.cpuFlagsInclude);
  const bugWanted = host.matcher(host.settings.cpuBugsInclude);
  return async page => {
    const blocks = parseCpuInfo((await host.files.text(host.proc('cpuinfo'))) ?? '');
    for (const block of blocks) {
      const place = {
        package: block.get('physical id') ?? '',
        core: block.get('core id') ?? '',
        cpu: block.get('processor') ?? '',
      };
      page.gauge('node_cpu_info', 'What /proc/cpuinfo says of each CPU.', 1, {
        ...place,
        vendor: block.get('vendor_id') ?? '',
        family: block.get('cpu family') ?? '',
        model: block.get('model') ?? '',
        model_name: block.get('model name') ?? '',
        microcode: block.get('microcode') ?? '',
        stepping: block.get('stepping') ?? '',
        cachesize: block.get('cache size') ?? '',
      });
      const mhz = Number(block.get('cpu MHz') ?? Number.NaN);
      page.gauge('node_cpu_frequency_hertz', 'Frequency of each CPU in hertz.', mhz * 1e6, place);
    }
    for (const flag of words(blocks[0]?.get('flags') ?? '')) {
      if (flagWanted(flag)) page.gauge('node_cpu_flag_info', 'Flags of the first CPU.', 1, { flag });
    }
    for (const bug of words(blocks[0]?.get('bugs') ?? '')) {
      if (bugWanted(bug)) page.gauge('node_cpu_bug_info', 'Known bugs of the first CPU.', 1, { bug });
    }
  };
}

/** Topology never changes while a CPU is there: it is read once; the counts once a core and once a package. */
function throttleReader(host: Host): (page: Page) => Promise<void> {
  const topology = new Map<string, { pkg: number; core: number } | undefined>();
  const folder = host.sys('devices/system/cpu');
  const place = async (name: string): Promise<{ pkg: number; core: number } | undefined> => {
    if (!topology.has(name)) {
      const [pkg, core] = await Promise.all([
        host.files.uint(`${folder}/${name}/topology/physical_package_id`),
        host.files.uint(`${folder}/${name}/topology/core_id`),
      ]);
      topology.set(name, pkg === undefined || core === undefined ? undefined : { pkg, core });
    }
    return topology.get(name);
  };
  return async page => {
    const names = await host.files.matching(folder, /^cpu\d/);
    const places = await Promise.all(names.map(place));
    const cores = new Map<string, Promise<void>>();
    const packages = new Map<number, Promise<void>>();
    names.forEach((name, i) => {
      const at = places[i];
      if (at === undefined || trailingDigits(name) === '') return;
      const labels = { package: String(at.pkg), core: String(at.core) };
      const read = async (file: string, add: (value: number | undefined) => void): Promise<void> =>
        add(await host.files.uint(`${folder}/${name}/thermal_throttle/${file}`));
      if (!cores.has(`${at.pkg}/${at.core}`)) {
        const help = 'How often each core was throttled.';
        const add = (value: number | undefined): void =>
          page.counter('node_cpu_core_throttles_total', help, value, labels);
        cores.set(`${at.pkg}/${at.core}`, read('core_throttle_count', add));
      }
      if (!packages.has(at.pkg)) {
        const help = 'How often each package was throttled.';
        const add = (value: number | undefined): void =>
          page.counter('node_cpu_package_throttles_total', help, value, { package: String(at.pkg) });
        packages.set(at.pkg, read('package_throttle_count', add));
      }
    });
    await Promise.all([...cores.values(), ...packages.values()]);
  };
}
