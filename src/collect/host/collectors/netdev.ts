// netdev: traffic of each network device.

import { type CollectorKind, failed, OK } from '../kind.ts';
import { lines, uint, words } from '../text.ts';

/** Columns of /proc/net/dev under the names of its header, receive first. */
const RECEIVE = ['bytes', 'packets', 'errs', 'drop', 'fifo', 'frame', 'compressed', 'multicast'];
const TRANSMIT = ['bytes', 'packets', 'errs', 'drop', 'fifo', 'colls', 'carrier', 'compressed'];
const COLUMNS = [...RECEIVE.map(name => `receive_${name}`), ...TRANSMIT.map(name => `transmit_${name}`)];

/** Counters by device, in the order of COLUMNS. */
export function parseNetDev(text: string): ReadonlyMap<string, readonly (number | undefined)[]> {
  const byDevice = new Map<string, readonly (number | undefined)[]>();
  for (const line of lines(text).slice(2)) {
    // An alias may hold a colon of its own ("eth0:1"): the last one ends the name.
    const colon = line.lastIndexOf(':');
    if (colon < 0) continue;
    byDevice.set(line.slice(0, colon).trim(), words(line.slice(colon + 1)).map(uint));
  }
  return byDevice;
}

export const netdev: CollectorKind = {
  name: 'netdev',
  enabledByDefault: true,
  platform: 'linux',
  create: host => {
    const { netDevicesInclude, netDevicesExclude } = host.settings;
    const included = netDevicesInclude === '' ? () => true : host.matcher(netDevicesInclude);
    const excluded = host.matcher(netDevicesExclude);
    return async page => {
      const text = await host.files.load(host.proc('net/dev'));
      if (!text.ok) return failed(`reading "net/dev": ${text.error.message}`);
      const devices = [...parseNetDev(text.value)].filter(
        ([device]) => included(device) && !excluded(device),
      );
      for (const [device, counters] of devices) {
        COLUMNS.forEach((name, i) => {
          const help = `Network device counter ${name}.`;
          page.counter(`node_network_${name}_total`, help, counters[i], { device });
        });
      }
      // Not in the file, but among what node_exporter has through netlink.
      await Promise.all(
        devices.map(async ([device]) => {
          const value = await host.files.uint(host.sys(`class/net/${device}/statistics/rx_nohandler`));
          const help = 'Network device counter receive_nohandler.';
          page.counter('node_network_receive_nohandler_total', help, value, { device });
        }),
      );
      return OK;
    };
  },
};
