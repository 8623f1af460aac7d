// diskstats: I/O of each block device, with what udev knows about it.

import { type CollectorKind, failed, type Host, OK } from '../kind.ts';
import type { Page } from '../page.ts';
import { lines, uint, words } from '../text.ts';

/** /proc counts sectors of 512 bytes whatever the device's own are, and times in milliseconds. */
const SECTOR_BYTES = 512;
const MS = 0.001;

interface Column {
  readonly name: string;
  readonly help: string;
  readonly scale: number;
  readonly type: 'counter' | 'gauge';
}

function column(name: string, scale: number, help: string): Column {
  return { name, scale, help, type: name === 'io_now' ? 'gauge' : 'counter' };
}

/** In the order of the file, after major, minor and name. */
const COLUMNS: readonly Column[] = [
  column('reads_completed_total', 1, 'Reads completed.'),
  column('reads_merged_total', 1, 'Reads merged with others.'),
  column('read_bytes_total', SECTOR_BYTES, 'Bytes read.'),
  column('read_time_seconds_total', MS, 'Seconds spent by all reads.'),
  column('writes_completed_total', 1, 'Writes completed.'),
  column('writes_merged_total', 1, 'Writes merged with others.'),
  column('written_bytes_total', SECTOR_BYTES, 'Bytes written.'),
  column('write_time_seconds_total', MS, 'Seconds spent by all writes.'),
  column('io_now', 1, 'Reads and writes under way.'),
  column('io_time_seconds_total', MS, 'Seconds with something under way.'),
  column('io_time_weighted_seconds_total', MS, 'Seconds weighted by how much was under way.'),
  column('discards_completed_total', 1, 'Discards completed.'),
  column('discards_merged_total', 1, 'Discards merged with others.'),
  column('discarded_sectors_total', 1, 'Sectors discarded.'),
  column('discard_time_seconds_total', MS, 'Seconds spent by all discards.'),
  column('flush_requests_total', 1, 'Flush requests completed.'),
  column('flush_requests_time_seconds_total', MS, 'Seconds spent by all flush requests.'),
];

export interface DiskLine {
  readonly major: string;
  readonly minor: string;
  readonly device: string;
  /** As many of COLUMNS as this kernel has. */
  readonly counts: readonly number[];
}

/** The shortest line of a whole device, of kernels before 4.18. */
const COUNTS_MIN = 11;

export function parseDiskstats(text: string): DiskLine[] {
  const found: DiskLine[] = [];
  for (const line of lines(text)) {
    const [major, minor, device, ...rest] = words(line);
    const counts = rest.map(uint);
    if (uint(major) === undefined || uint(minor) === undefined || device === undefined) continue;
    const broken = counts.indexOf(undefined);
    const good = (broken < 0 ? counts : counts.slice(0, broken)).filter(count => count !== undefined);
    if (good.length < COUNTS_MIN) continue;
    found.push({ major: major ?? '', minor: minor ?? '', device, counts: good });
  }
  return found;
}

/** Lines "E:NAME=value" of a file of udev's database. */
export function parseUdev(text: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const line of lines(text)) {
    const equals = line.indexOf('=');
    if (line.startsWith('E:') && equals > 0) fields.set(line.slice(2, equals), line.slice(equals + 1));
  }
  return fields;
}

const ATA = [
  ['ID_ATA_WRITE_CACHE', 'ata_write_cache', 'Whether the ATA disk has a write cache.'],
  ['ID_ATA_WRITE_CACHE_ENABLED', 'ata_write_cache_enabled', 'Whether the write cache of the ATA disk is on.'],
  [
    'ID_ATA_ROTATION_RATE_RPM',
    'ata_rotation_rate_rpm',
    'Rotations a minute of the ATA disk, 0 without a motor.',
  ],
] as const;

export const diskstats: CollectorKind = {
  name: 'diskstats',
  enabledByDefault: true,
  platform: 'linux',
  create: host => {
    const excluded = host.matcher(host.settings.diskDevicesExclude);
    return async page => {
      const text = await host.files.load(host.proc('diskstats'));
      if (!text.ok) return failed(`reading "diskstats": ${text.error.message}`);
      const disks = parseDiskstats(text.value).filter(disk => !excluded(disk.device));
      const details = await Promise.all(disks.map(disk => detailsOf(host, disk)));
      for (const [i, disk] of disks.entries()) addDisk(page, disk, details[i] ?? NO_DETAILS);
      return OK;
    };
  },
};

interface Details {
  readonly udev: ReadonlyMap<string, string>;
  readonly rotational: number;
}

const NO_DETAILS: Details = { udev: new Map(), rotational: 0 };

async function detailsOf(host: Host, disk: DiskLine): Promise<Details> {
  const [udev, rotational] = await Promise.all([
    host.files.text(`${host.settings.udevData}/b${disk.major}:${disk.minor}`),
    host.files.uint(host.sys(`block/${disk.device}/queue/rotational`)),
  ]);
  return { udev: parseUdev(udev ?? ''), rotational: rotational ?? 0 };
}

function addDisk(page: Page, disk: DiskLine, details: Details): void {
  const { device, major, minor } = disk;
  const get = (name: string): string => details.udev.get(name) ?? '';
  page.gauge('node_disk_info', 'What udev and /sys know about each block device.', 1, {
    device,
    major,
    minor,
    path: get('ID_PATH'),
    wwn: get('ID_WWN'),
    model: get('ID_MODEL'),
    // What is printed on the disk; virtio disks have the long form only.
    serial: get('SCSI_IDENT_SERIAL') || get('ID_SERIAL_SHORT') || get('ID_SERIAL'),
    revision: get('ID_REVISION'),
    rotational: String(details.rotational),
  });
  disk.counts.forEach((count, i) => {
    const column = COLUMNS[i];
    if (column === undefined) return;
    page[column.type](`node_disk_${column.name}`, column.help, count * column.scale, { device });
  });
  if (get('ID_FS_TYPE') !== '') {
    page.gauge('node_disk_filesystem_info', 'The file system on each block device.', 1, {
      device,
      type: get('ID_FS_TYPE'),
      usage: get('ID_FS_USAGE'),
      uuid: get('ID_FS_UUID'),
      version: get('ID_FS_VERSION'),
    });
  }
  if (get('DM_NAME') !== '') {
    page.gauge('node_disk_device_mapper_info', 'What each device mapper device is.', 1, {
      device,
      name: get('DM_NAME'),
      uuid: get('DM_UUID'),
      vg_name: get('DM_VG_NAME'),
      lv_name: get('DM_LV_NAME'),
      lv_layer: get('DM_LV_LAYER'),
    });
  }
  if (get('ID_ATA') === '') return;
  for (const [field, name, help] of ATA) page.gauge(`node_disk_${name}`, help, uint(get(field)), { device });
}
