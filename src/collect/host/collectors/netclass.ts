// netclass: state and properties of each network device from /sys/class/net.

import { absent, type CollectorKind, type Host, OK } from '../kind.ts';
import type { Page } from '../page.ts';
import { int, uintOrHex } from '../text.ts';

/** File → metric; types are gauges unless the name says total. */
const NUMBERS: readonly (readonly [file: string, metric: string])[] = [
  ['addr_assign_type', 'address_assign_type'],
  ['carrier', 'carrier'],
  ['carrier_changes', 'carrier_changes_total'],
  ['carrier_up_count', 'carrier_up_changes_total'],
  ['carrier_down_count', 'carrier_down_changes_total'],
  ['dev_id', 'device_id'],
  ['dormant', 'dormant'],
  ['flags', 'flags'],
  ['ifindex', 'iface_id'],
  ['iflink', 'iface_link'],
  ['link_mode', 'iface_link_mode'],
  ['mtu', 'mtu_bytes'],
  ['name_assign_type', 'name_assign_type'],
  ['netdev_group', 'net_dev_group'],
  ['tx_queue_len', 'transmit_queue_length'],
  ['type', 'protocol_type'],
];

const TEXTS = ['address', 'broadcast', 'duplex', 'operstate', 'ifalias'];

/** IFF_UP */
const FLAG_UP = 1;

export function adminState(flags: number | undefined): string {
  return flags === undefined ? 'unknown' : (flags & FLAG_UP) === FLAG_UP ? 'up' : 'down';
}

/** The kernel gives Mbit/s, -1 for unknown; the quotient is cut towards zero as in node_exporter. */
export function speedBytes(mbit: number): number {
  return Math.trunc((mbit * 1000 * 1000) / 8);
}

export const netclass: CollectorKind = {
  name: 'netclass',
  enabledByDefault: true,
  platform: 'linux',
  create: host => {
    const excluded = host.matcher(host.settings.netclassDevicesExclude);
    const readDevice = deviceReader(host);
    return async page => {
      const names = await host.files.list(host.sys('class/net'));
      if (names === undefined) return absent('no class/net');
      const wanted = names.filter(name => !excluded(name));
      const fields = await Promise.all(wanted.map(readDevice));
      wanted.forEach((device, i) => {
        const read = fields[i];
        if (read !== undefined) addDevice(host, page, { device, fields: read });
      });
      return OK;
    };
  },
};

/** Read every time: they tell that something happened to the device. */
const LIVE = [
  'operstate',
  'carrier',
  'carrier_changes',
  'carrier_up_count',
  'carrier_down_count',
  'dormant',
  'flags',
];

const SETTLED = [...NUMBERS.map(([file]) => file), ...TEXTS, 'speed'].filter(file => !LIVE.includes(file));

/**
 * The other 15 files change with the link (then the live ones show it) or by an administrator's hand: they are read
 * again after this time, since reading them all cost a third of a whole collection (measured with four devices).
 */
const SETTLED_KEPT_MS = 60_000;

interface Known {
  /** Which live files there are. */
  readonly live: readonly string[];
  readonly settled: ReadonlyMap<string, string>;
  readonly signs: string;
  readonly readMs: number;
}

type DeviceReader = (device: string) => Promise<ReadonlyMap<string, string> | undefined>;

/** Owns what is known of each device. */
function deviceReader(host: Host): DeviceReader {
  const known = new Map<string, Known>();
  return async device => {
    const folder = host.sys(`class/net/${device}`);
    const before = known.get(device);
    const nowMs = host.clock.monotonicMs();
    if (before !== undefined && nowMs - before.readMs < SETTLED_KEPT_MS) {
      const live = await readFields(host, folder, before.live);
      if (live.size > 0 && signsOf(live) === before.signs) return new Map([...before.settled, ...live]);
    }
    const present = await host.files.list(folder);
    // Plain files such as "bonding_masters" lie beside the devices.
    if (present === undefined) {
      known.delete(device);
      return undefined;
    }
    const there = new Set(present);
    const liveFiles = LIVE.filter(file => there.has(file));
    const [live, settled] = await Promise.all([
      readFields(host, folder, liveFiles),
      readFields(
        host,
        folder,
        SETTLED.filter(file => there.has(file)),
      ),
    ]);
    known.set(device, { live: liveFiles, settled, signs: signsOf(live), readMs: nowMs });
    return new Map([...settled, ...live]);
  };
}

function signsOf(live: ReadonlyMap<string, string>): string {
  return LIVE.map(file => live.get(file) ?? '').join(' ');
}

async function readFields(
  host: Host,
  folder: string,
  files: readonly string[],
): Promise<Map<string, string>> {
  const texts = await Promise.all(files.map(file => host.files.line(`${folder}/${file}`)));
  const fields = new Map<string, string>();
  files.forEach((file, i) => {
    const text = texts[i];
    // Reading is refused for some (carrier of a device that is down): then there is no such metric.
    if (text !== undefined) fields.set(file, text);
  });
  return fields;
}

function addDevice(
  host: Host,
  page: Page,
  read: { readonly device: string; readonly fields: ReadonlyMap<string, string> },
): void {
  const { device, fields } = read;
  const get = (name: string): string => fields.get(name) ?? '';
  const up = get('operstate') === 'up' ? 1 : 0;
  page.gauge('node_network_up', 'Whether the operational state of the device is "up".', up, { device });
  page.gauge('node_network_info', 'Texts of /sys/class/net about each device.', 1, {
    device,
    address: get('address'),
    broadcast: get('broadcast'),
    duplex: get('duplex'),
    operstate: get('operstate'),
    adminstate: adminState(uintOrHex(fields.get('flags'))),
    ifalias: get('ifalias'),
  });
  for (const [file, metric] of NUMBERS) {
    const text = fields.get(file);
    const value = text?.startsWith('0x') ? uintOrHex(text) : int(text);
    const help = `Property ${metric} of each network device.`;
    page[metric.endsWith('_total') ? 'counter' : 'gauge'](`node_network_${metric}`, help, value, { device });
  }
  const speed = int(fields.get('speed'));
  if (speed === undefined || (speed < 0 && host.settings.netclassIgnoreInvalidSpeed)) return;
  page.gauge('node_network_speed_bytes', 'Property speed_bytes of each network device.', speedBytes(speed), {
    device,
  });
}
