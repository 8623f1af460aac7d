// arp: entries of the ARP table by device.

import { type CollectorKind, failed, OK } from '../kind.ts';
import { lines, words } from '../text.ts';

export function parseArp(text: string): ReadonlyMap<string, number> {
  const byDevice = new Map<string, number>();
  for (const line of lines(text)) {
    const columns = words(line);
    // The header begins with "IP address".
    if (columns.length < 6 || columns[0] === 'IP') continue;
    const device = columns.at(-1) ?? '';
    byDevice.set(device, (byDevice.get(device) ?? 0) + 1);
  }
  return byDevice;
}

export const arp: CollectorKind = {
  name: 'arp',
  enabledByDefault: true,
  platform: 'linux',
  create: host => {
    const excluded = host.matcher(host.settings.arpDevicesExclude);
    return async page => {
      const text = await host.files.load(host.proc('net/arp'));
      if (!text.ok) return failed(`reading "net/arp": ${text.error.message}`);
      for (const [device, count] of parseArp(text.value)) {
        if (!excluded(device)) page.gauge('node_arp_entries', 'ARP entries by device.', count, { device });
      }
      return OK;
    };
  },
};
