// rapl: energy that parts of the processor used.

import { absent, type CollectorKind, OK } from '../kind.ts';

/** "package-0" → package, 0; names without a number are counted as they come. */
export function zoneName(
  name: string,
  seen: Map<string, number>,
): { readonly name: string; readonly index: number } {
  const parts = name.split('-');
  if (parts.length === 2 && /^\d+$/.test(parts[1] ?? ''))
    return { name: parts[0] ?? '', index: Number(parts[1]) };
  const index = seen.get(name) ?? 0;
  seen.set(name, index + 1);
  return { name, index };
}

export const rapl: CollectorKind = {
  name: 'rapl',
  enabledByDefault: true,
  platform: 'linux',
  create: host => async page => {
    const folder = host.sys('class/powercap');
    const names = await host.files.list(folder);
    if (names === undefined) return absent('no class/powercap');
    const seen = new Map<string, number>();
    let denied = false;
    for (const entry of names) {
      const path = `${folder}/${entry}`;
      const label = await host.files.line(`${path}/name`);
      if (label === undefined) continue;
      const zone = zoneName(label, seen);
      const uj = await host.files.uint(`${path}/energy_uj`);
      denied ||= uj === undefined;
      const metric = `node_rapl_${zone.name.replace(/[^a-zA-Z0-9_:]/g, '_')}_joules_total`;
      const joules = uj === undefined ? undefined : uj / 1e6;
      page.counter(metric, `Energy used by ${zone.name} in joules.`, joules, {
        index: String(zone.index),
        path,
      });
    }
    return denied ? absent('the energy counters may be read by root only') : OK;
  },
};
