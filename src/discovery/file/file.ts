// file_sd_configs: files with target groups, looked at every few seconds. A file that cannot be read keeps its last groups.

import type { Timer } from '../../base/index.ts';
import { type FileDiscovery, fileDiscoverySchema, glob } from '../../config/index.ts';
import { parseGroups } from '../groups.ts';
import type { DiscoveryKind, DiscoveryPorts, TargetGroup } from '../kind.ts';

/** As soon as anybody looks whether a change has arrived, and little work. */
const LOOK_EVERY_MS = 5000;
/** Prometheus's default: files are read anew so often even if their times say that nothing changed. */
const REFRESH_MS_DEFAULT = 5 * 60_000;

interface Known {
  /** Time and size: what is compared. */
  signature: string;
  groups: readonly TargetGroup[];
  readAtMs: number;
}

class FileWatch {
  readonly #settings: FileDiscovery;
  readonly #ports: DiscoveryPorts;
  readonly #onGroups: (groups: readonly TargetGroup[]) => void;
  readonly #known = new Map<string, Known>();
  #timer: Timer | undefined;
  #stopped = false;
  #isFirst = true;

  constructor(
    settings: FileDiscovery,
    ports: DiscoveryPorts,
    onGroups: (groups: readonly TargetGroup[]) => void,
  ) {
    this.#settings = settings;
    this.#ports = ports;
    this.#onGroups = onGroups;
  }

  async look(): Promise<void> {
    const { disk, clock, log } = this.#ports;
    const paths = new Set<string>();
    let isSure = true;
    for (const pattern of this.#settings.files ?? []) {
      const found = await glob(disk, pattern, error => {
        isSure = false;
        log.log('warn', 'Cannot look for the files of file_sd_configs', { pattern, cause: error.message });
      });
      for (const path of found) paths.add(path);
    }
    let changed = this.#isFirst;
    for (const path of paths) changed = (await this.#read(path)) || changed;
    // A folder that cannot be listed says nothing of the files in it.
    for (const path of isSure ? [...this.#known.keys()] : []) {
      if (!paths.has(path)) changed = this.#known.delete(path) || changed;
    }
    if (this.#stopped) return;
    this.#isFirst = false;
    if (changed) this.#onGroups([...this.#known.values()].flatMap(({ groups }) => groups));
    this.#timer = clock.after(LOOK_EVERY_MS, () => void this.look());
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  /** Whether its groups are other ones now. */
  async #read(path: string): Promise<boolean> {
    const { disk, clock, log } = this.#ports;
    const nowMs = clock.monotonicMs();
    const known = this.#known.get(path);
    const stat = await disk.stat(path);
    if (!stat.ok) return false;
    const signature = `${stat.value.modifiedMs} ${stat.value.sizeBytes}`;
    const isDue = nowMs - (known?.readAtMs ?? 0) >= (this.#settings.refresh_interval ?? REFRESH_MS_DEFAULT);
    if (known?.signature === signature && !isDue) return false;
    const bytes = await disk.readFile(path);
    const read = bytes.ok ? parseGroups(new TextDecoder().decode(bytes.value), path) : undefined;
    const entry = known ?? { signature: '', groups: [], readAtMs: 0 };
    // Said once a change, not at each look.
    if (read?.ok !== true && entry.signature !== signature) {
      const cause = !bytes.ok ? bytes.error.message : read?.ok === false ? read.error : '';
      log.log('error', 'Cannot read target groups: those of before stay', { file: path, cause });
    }
    const before = JSON.stringify(entry.groups);
    entry.signature = signature;
    entry.readAtMs = nowMs;
    if (read?.ok === true) {
      entry.groups = read.value.map(group => ({
        ...group,
        labels: { ...group.labels, __meta_filepath: path },
      }));
    }
    this.#known.set(path, entry);
    return JSON.stringify(entry.groups) !== before;
  }
}

export const fileKind: DiscoveryKind = {
  key: 'file_sd_configs',
  schema: fileDiscoverySchema,
  carriedOut: true,
  start(settings, ports, onGroups) {
    // The registry hands back what `schema` made: the one place where the type is known again.
    const watch = new FileWatch(settings as FileDiscovery, ports, onGroups);
    void watch.look();
    return { stop: () => watch.stop() };
  },
};
