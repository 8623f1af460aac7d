// xfs: what each mounted XFS did.

import { absent, type CollectorKind, OK } from '../kind.ts';
import { lines, uint, words } from '../text.ts';

/** Line of the file → metrics of its columns, in order. */
const COLUMNS: Readonly<Record<string, readonly string[]>> = {
  extent_alloc: names('extent_allocation', 'extents_allocated blocks_allocated extents_freed blocks_freed'),
  abt: names('allocation_btree', 'lookups compares records_inserted records_deleted'),
  blk_map: names(
    'block_mapping',
    'reads writes unmaps extent_list_insertions extent_list_deletions extent_list_lookups extent_list_compares',
  ),
  bmbt: names('block_map_btree', 'lookups compares records_inserted records_deleted'),
  dir: names('directory_operation', 'lookup create remove getdents'),
  ig: names('inode_operation', 'attempts found recycled missed duplicates reclaims attribute_changes'),
  rw: ['write_calls', 'read_calls'],
  vnodes: names('vnode', 'active allocate get hold release reclaim remove'),
};

function names(prefix: string, columns: string): readonly string[] {
  return columns.split(' ').map(column => `${prefix}_${column}`);
}

export function parseXfs(text: string): readonly (readonly [metric: string, value: number])[] {
  return lines(text).flatMap(line => {
    const [key = '', ...values] = words(line);
    const columns = Object.hasOwn(COLUMNS, key) ? (COLUMNS[key] ?? []) : [];
    return columns.flatMap((metric, i) => {
      const value = uint(values[i]);
      return value === undefined ? [] : [[metric, value] as const];
    });
  });
}

export const xfs: CollectorKind = {
  name: 'xfs',
  enabledByDefault: true,
  platform: 'linux',
  create: host => async page => {
    const folder = host.sys('fs/xfs');
    const devices = (await host.files.list(folder)) ?? [];
    if (devices.length === 0) return absent('no XFS is mounted');
    for (const device of devices) {
      const text = await host.files.text(`${folder}/${device}/stats/stats`);
      for (const [metric, value] of parseXfs(text ?? '')) {
        page.counter(`node_xfs_${metric}_total`, `XFS statistic ${metric}.`, value, { device });
      }
    }
    return OK;
  },
};
