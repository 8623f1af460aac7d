// mdadm: software RAID from /proc/mdstat, and what /sys/block/md* adds.

import { absent, type CollectorKind, failed, type Host, OK } from '../kind.ts';
import type { Page } from '../page.ts';
import { uint, words } from '../text.ts';

export interface Raid {
  readonly device: string;
  readonly state: string;
  readonly active: number;
  readonly required: number;
  readonly failed: number;
  readonly spare: number;
  readonly blocks: number;
  readonly blocksSynced: number;
}

/** Devices that can be read; one that cannot does not cost the others. */
export function parseMdstat(text: string): Raid[] {
  const all = text.split('\n');
  return all.flatMap((line, i) => {
    if (line.trim() === '' || /^(\s|Personalities|unused)/.test(line)) return [];
    const raid = parseRaid(line, all.slice(i + 1, i + 4));
    return raid === undefined ? [] : [raid];
  });
}

function parseRaid(line: string, after: readonly string[]): Raid | undefined {
  const [device = '', , activity] = words(line);
  const [status = '', second = '', third = ''] = after;
  if (activity === undefined) return undefined;
  const disks = parseDisks(line, status);
  if (disks === undefined) return undefined;
  const syncLine = second.includes('bitmap') ? third : second;
  const progress = parseProgress(syncLine, disks.blocks);
  return {
    device,
    ...disks,
    state: progress?.state ?? activity,
    failed: line.split('(F)').length - 1,
    spare: line.split('(S)').length - 1,
    blocksSynced: progress?.blocksSynced ?? disks.blocks,
  };
}

function parseDisks(line: string, status: string): Pick<Raid, 'active' | 'required' | 'blocks'> | undefined {
  const blocks = uint(words(status)[0]);
  if (blocks === undefined) return undefined;
  if (/raid0|linear/.test(line)) {
    // Every member carries its number in brackets, and all are needed.
    const members = line.split('[').length - 1;
    return { active: members, required: members, blocks };
  }
  if (line.includes('inactive')) return { active: 0, required: 0, blocks };
  const match = /\d+ blocks .*\[(\d+)\/(\d+)\] \[[U_]+\]/.exec(status);
  return match === null ? undefined : { active: Number(match[2]), required: Number(match[1]), blocks };
}

function parseProgress(line: string, blocks: number): { state: string; blocksSynced: number } | undefined {
  const state = /recovery/.test(line)
    ? 'recovering'
    : /check/.test(line)
      ? 'checking'
      : /resync/.test(line)
        ? 'resyncing'
        : /reshape/.test(line)
          ? 'reshaping'
          : undefined;
  if (state === undefined) return undefined;
  if (/PENDING|DELAYED/.test(line)) return { state, blocksSynced: 0 };
  return { state, blocksSynced: uint(/\((\d+)\/\d+\)/.exec(line)?.[1]) ?? blocks };
}

/** Label value → activity in mdstat. */
const STATES = [
  ['active', 'active'],
  ['inactive', 'inactive'],
  ['recovering', 'recovering'],
  ['resync', 'resyncing'],
  ['check', 'checking'],
] as const;

export const mdadm: CollectorKind = {
  name: 'mdadm',
  enabledByDefault: true,
  platform: 'linux',
  create: host => async page => {
    const text = await host.files.load(host.proc('mdstat'));
    if (!text.ok) {
      return text.error.code === 'disk-not-found'
        ? absent('no mdstat')
        : failed(`reading "mdstat": ${text.error.message}`);
    }
    for (const raid of parseMdstat(text.value)) addRaid(page, raid);
    await addSysfs(host, page);
    return OK;
  },
};

function addRaid(page: Page, raid: Raid): void {
  const { device } = raid;
  for (const [state, activity] of STATES) {
    const help = 'The state of each RAID device has the value 1.';
    page.gauge('node_md_state', help, raid.state === activity ? 1 : 0, { device, state });
  }
  for (const state of ['active', 'failed', 'spare'] as const) {
    page.gauge('node_md_disks', 'Disks of each RAID device by state.', raid[state], { device, state });
  }
  page.gauge('node_md_disks_required', 'Disks each RAID device should have.', raid.required, { device });
  page.gauge('node_md_blocks', 'Blocks of each RAID device.', raid.blocks, { device });
  page.gauge('node_md_blocks_synced', 'Blocks in step on each RAID device.', raid.blocksSynced, { device });
}

async function addSysfs(host: Host, page: Page): Promise<void> {
  const devices = await host.files.matching(host.sys('block'), /^md/);
  await Promise.all(
    devices.map(async device => {
      const folder = host.sys(`block/${device}/md`);
      const [disks, degraded] = await Promise.all([
        host.files.uint(`${folder}/raid_disks`),
        host.files.uint(`${folder}/degraded`),
      ]);
      if (disks === undefined) return;
      page.gauge('node_md_raid_disks', 'Disks of each RAID device when complete.', disks, { device });
      // Levels without redundancy have no such file: they cannot be degraded.
      page.gauge('node_md_degraded', 'Disks missing from each RAID device.', degraded ?? 0, { device });
    }),
  );
}
