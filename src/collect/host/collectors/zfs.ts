// zfs: kernel statistics of OpenZFS, of the module and of each pool.

import { absent, type CollectorKind, type Host, OK } from '../kind.ts';
import type { Page } from '../page.ts';
import { int, lines, uint, words } from '../text.ts';

/** File under spl/kstat/zfs → part of the metric's name. */
const FILES = [
  ['abdstats', 'abd'],
  ['arcstats', 'arc'],
  ['dbufstats', 'dbuf'],
  ['dmu_tx', 'dmu_tx'],
  ['dnodestats', 'dnode'],
  ['fm', 'fm'],
  ['vdev_cache_stats', 'vdev_cache'],
  ['vdev_mirror_stats', 'vdev_mirror'],
  ['xuio_stats', 'xuio'],
  ['zfetchstats', 'zfetch'],
  ['zil', 'zil'],
] as const;

const STATES = ['online', 'degraded', 'faulted', 'offline', 'removed', 'unavail', 'suspended'];

/** kstat's types of values: signed and unsigned 64-bit numbers. */
const INT64 = '3';
const UINT64 = '4';

/** Lines "name type data"; types other than numbers are left out. */
export function parseKstat(text: string): readonly (readonly [name: string, value: number])[] {
  return lines(text).flatMap(line => {
    const [name = '', type, data] = words(line);
    const value = type === UINT64 ? uint(data) : type === INT64 ? int(data) : undefined;
    return value === undefined ? [] : [[name.replace(/-/g, '_'), value] as const];
  });
}

/** A line of names and one of values after the header. */
export function parsePoolIo(text: string): readonly (readonly [name: string, value: number])[] {
  const [, names = '', values = ''] = lines(text);
  const numbers = words(values);
  return words(names).flatMap((name, i) => {
    const value = uint(numbers[i]);
    return value === undefined ? [] : [[name, value] as const];
  });
}

export function datasetName(text: string): string | undefined {
  return /^dataset_name\s+\d+\s+(.*)$/m.exec(text)?.[1];
}

export const zfs: CollectorKind = {
  name: 'zfs',
  enabledByDefault: true,
  platform: 'linux',
  create: host => async page => {
    const folder = host.proc('spl/kstat/zfs');
    const entries = await host.files.list(folder);
    if (entries === undefined) return absent('no ZFS');
    const texts = await Promise.all(FILES.map(([file]) => host.files.text(`${folder}/${file}`)));
    FILES.forEach(([file, part], i) => {
      for (const [name, value] of parseKstat(texts[i] ?? '')) {
        page.untyped(`node_zfs_${part}_${name}`, `Statistic ${name} of ${file}.`, value);
      }
    });
    const known = new Set<string>(FILES.map(([file]) => file));
    for (const pool of entries.filter(entry => !known.has(entry))) await addPool(host, page, pool);
    return OK;
  },
};

async function addPool(host: Host, page: Page, zpool: string): Promise<void> {
  const folder = host.proc(`spl/kstat/zfs/${zpool}`);
  const files = await host.files.list(folder);
  if (files === undefined) return;
  const [io, state] = await Promise.all([
    host.files.text(`${folder}/io`),
    host.files.line(`${folder}/state`),
  ]);
  for (const [name, value] of parsePoolIo(io ?? '')) {
    page.untyped(`node_zfs_zpool_${name}`, `Statistic ${name} of each pool.`, value, { zpool });
  }
  for (const one of state === undefined ? [] : STATES) {
    const value = state?.toLowerCase() === one ? 1 : 0;
    page.gauge('node_zfs_zpool_state', 'The state of each pool has the value 1.', value, {
      zpool,
      state: one,
    });
  }
  for (const file of files.filter(name => name.startsWith('objset-'))) {
    const text = (await host.files.text(`${folder}/${file}`)) ?? '';
    const dataset = datasetName(text);
    if (dataset === undefined) continue;
    for (const [name, value] of parseKstat(text)) {
      page.untyped(`node_zfs_zpool_dataset_${name}`, `Statistic ${name} of each dataset.`, value, {
        zpool,
        dataset,
      });
    }
  }
}
