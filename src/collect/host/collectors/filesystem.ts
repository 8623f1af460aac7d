// filesystem: space and inodes of each mounted file system.

import type { DiskError, DiskSpace, Result } from '../../../base/index.ts';
import { type CollectorKind, failed, type Host, OK } from '../kind.ts';
import type { Page } from '../page.ts';
import { lines } from '../text.ts';

export interface Mount {
  readonly device: string;
  readonly mountPoint: string;
  readonly fsType: string;
  readonly readOnly: boolean;
}

/** After this a mount counts as stuck (a dead server behind it) and is reported as an error until it answers. */
const MOUNT_TIMEOUT_MS = 2000;

/** Octal escapes of white space and backslash, as fstab(5) has them. */
function unescaped(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

/** Lines of mountinfo: id parent major:minor root POINT OPTIONS optional… - TYPE DEVICE SUPEROPTIONS */
export function parseMountinfo(text: string): Mount[] {
  const mounts: Mount[] = [];
  for (const line of lines(text)) {
    const parts = line.split(' ');
    const dash = parts.indexOf('-', 6);
    const [mountPoint, options] = [parts[4], parts[5]];
    const [fsType, device, superOptions] = parts.slice(dash + 1);
    if (dash < 0 || mountPoint === undefined || fsType === undefined || device === undefined) continue;
    const all = `${options},${superOptions ?? ''}`.split(',');
    mounts.push({
      device: unescaped(device),
      mountPoint: unescaped(mountPoint),
      fsType,
      readOnly: all.includes('ro'),
    });
  }
  return mounts;
}

/** Lines of /proc/mounts, for kernels and containers without mountinfo. */
export function parseMounts(text: string): Mount[] {
  const mounts: Mount[] = [];
  for (const line of lines(text)) {
    const [device, mountPoint, fsType, options = ''] = line.split(' ');
    if (device === undefined || mountPoint === undefined || fsType === undefined) continue;
    const readOnly = options.split(',').includes('ro');
    mounts.push({ device: unescaped(device), mountPoint: unescaped(mountPoint), fsType, readOnly });
  }
  return mounts;
}

async function readMounts(host: Host): Promise<Mount[] | undefined> {
  // Process 1 sees the host's mounts even if this process has a mount namespace of its own.
  for (const who of ['1', 'self']) {
    const text = await host.files.text(host.proc(`${who}/mountinfo`));
    if (text !== undefined) return parseMountinfo(text);
  }
  const text = await host.files.text(host.proc('mounts'));
  return text === undefined ? undefined : parseMounts(text);
}

/** The mount point as the host sees it: without the prefix under which its root is mounted here. */
function hostView(mountPoint: string, rootfs: string): string {
  const prefix = rootfs.replace(/\/$/, '');
  if (prefix === '' || !mountPoint.startsWith(prefix)) return mountPoint;
  return mountPoint.slice(prefix.length) || '/';
}

export const filesystem: CollectorKind = {
  name: 'filesystem',
  enabledByDefault: true,
  platform: 'linux',
  create: host => {
    const pointExcluded = host.matcher(host.settings.mountPointsExclude);
    const typeExcluded = host.matcher(host.settings.fsTypesExclude);
    const stuck = new Set<string>();
    return async page => {
      const all = await readMounts(host);
      if (all === undefined) return failed('the list of mounts could not be read');
      const seen = new Set<string>();
      const mounts = all
        .map(mount => ({ ...mount, mountPoint: hostView(mount.mountPoint, host.settings.rootfs) }))
        .filter(mount => {
          const key = `${mount.device}\0${mount.mountPoint}\0${mount.fsType}`;
          if (pointExcluded(mount.mountPoint) || typeExcluded(mount.fsType) || seen.has(key)) return false;
          seen.add(key);
          return true;
        });
      const spaces = await Promise.all(mounts.map(mount => spaceOf(host, stuck, mount)));
      for (const [i, mount] of mounts.entries()) addMount(page, mount, spaces[i]);
      return OK;
    };
  },
};

async function spaceOf(host: Host, stuck: Set<string>, mount: Mount): Promise<DiskSpace | undefined> {
  if (stuck.has(mount.mountPoint)) return undefined;
  stuck.add(mount.mountPoint);
  const answer = await new Promise<Result<DiskSpace, DiskError> | undefined>(resolve => {
    const timer = host.clock.after(MOUNT_TIMEOUT_MS, () => resolve(undefined));
    void host.files.disk.space(host.root(mount.mountPoint)).then(space => {
      timer.cancel();
      stuck.delete(mount.mountPoint);
      resolve(space);
    });
  });
  return answer?.ok ? answer.value : undefined;
}

function addMount(page: Page, mount: Mount, space: DiskSpace | undefined): void {
  const labels = { device: mount.device, mountpoint: mount.mountPoint, fstype: mount.fsType };
  const add = (name: string, help: string, value: number): void =>
    page.gauge(`node_filesystem_${name}`, help, value, labels);
  add(
    'device_error',
    'Whether asking for the space of this file system failed.',
    space === undefined ? 1 : 0,
  );
  add('readonly', 'Whether the file system is mounted read-only.', mount.readOnly ? 1 : 0);
  if (space === undefined) return;
  add('size_bytes', 'Size of the file system in bytes.', space.totalBytes);
  add('free_bytes', 'Free space in bytes.', space.freeBytes);
  add('avail_bytes', 'Free space for ordinary users in bytes.', space.availableBytes);
  add('files', 'Inodes of the file system.', space.files);
  add('files_free', 'Free inodes of the file system.', space.filesFree);
}
