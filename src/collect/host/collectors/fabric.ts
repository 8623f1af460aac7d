// Collectors of storage and cluster networks: fibrechannel, infiniband, ipvs.

import { absent, type CollectorKind, type Host, OK } from '../kind.ts';
import type { Page } from '../page.ts';
import { hex, lines, uint, uintOrHex, words } from '../text.ts';

const FC_COUNTERS = [
  ['dumped_frames', 'dumped_frames'],
  ['error_frames', 'error_frames'],
  ['fcp_packet_aborts', 'fcp_packet_aborts'],
  ['invalid_crc_count', 'invalid_crc'],
  ['invalid_tx_word_count', 'invalid_tx_words'],
  ['link_failure_count', 'link_failure'],
  ['loss_of_signal_count', 'loss_of_signal'],
  ['loss_of_sync_count', 'loss_of_sync'],
  ['nos_count', 'nos'],
  ['rx_frames', 'rx_frames'],
  ['rx_words', 'rx_words'],
  ['seconds_since_last_reset', 'seconds_since_last_reset'],
  ['tx_frames', 'tx_frames'],
  ['tx_words', 'tx_words'],
] as const;

const FC_TEXTS =
  'speed port_state port_type port_id port_name fabric_name symbolic_name supported_classes supported_speeds dev_loss_tmo'.split(
    ' ',
  );

/** What a driver gives for a counter that it does not have. */
const FC_UNKNOWN = '0xffffffffffffffff';

export const fibrechannel: CollectorKind = {
  name: 'fibrechannel',
  enabledByDefault: true,
  platform: 'linux',
  create: host => async page => {
    const folder = host.sys('class/fc_host');
    const names = await host.files.list(folder);
    if (names === undefined) return absent('no class/fc_host');
    for (const name of names) {
      const texts = await Promise.all(FC_TEXTS.map(file => host.files.line(`${folder}/${name}/${file}`)));
      const labels = Object.fromEntries(
        FC_TEXTS.map((file, i) => [file, (texts[i] ?? '').replace(/^0x/, '')]),
      );
      page.gauge('node_fibrechannel_info', 'What each Fibre Channel port is.', 1, {
        fc_host: name,
        ...labels,
      });
      const counts = await Promise.all(
        FC_COUNTERS.map(([file]) => host.files.line(`${folder}/${name}/statistics/${file}`)),
      );
      FC_COUNTERS.forEach(([, metric], i) => {
        const value = counts[i] === FC_UNKNOWN ? undefined : uintOrHex(counts[i]);
        const help = `Fibre Channel counter ${metric}.`;
        page.counter(`node_fibrechannel_${metric}_total`, help, value, { fc_host: name });
      });
    }
    return OK;
  },
};

/** File, metric, and what one of its units is in the metric's: data is counted in words of four bytes. */
const IB_COUNTERS = [
  ['counters_ext/port_multicast_rcv_packets', 'legacy_multicast_packets_received', 1],
  ['counters_ext/port_multicast_xmit_packets', 'legacy_multicast_packets_transmitted', 1],
  ['counters_ext/port_rcv_data_64', 'legacy_data_received_bytes', 4],
  ['counters_ext/port_rcv_packets_64', 'legacy_packets_received', 1],
  ['counters_ext/port_unicast_rcv_packets', 'legacy_unicast_packets_received', 1],
  ['counters_ext/port_unicast_xmit_packets', 'legacy_unicast_packets_transmitted', 1],
  ['counters_ext/port_xmit_data_64', 'legacy_data_transmitted_bytes', 4],
  ['counters_ext/port_xmit_packets_64', 'legacy_packets_transmitted', 1],
  ['counters/link_downed', 'link_downed', 1],
  ['counters/link_error_recovery', 'link_error_recovery', 1],
  ['counters/multicast_rcv_packets', 'multicast_packets_received', 1],
  ['counters/multicast_xmit_packets', 'multicast_packets_transmitted', 1],
  ['counters/port_rcv_constraint_errors', 'port_constraint_errors_received', 1],
  ['counters/port_xmit_constraint_errors', 'port_constraint_errors_transmitted', 1],
  ['counters/port_rcv_data', 'port_data_received_bytes', 4],
  ['counters/port_xmit_data', 'port_data_transmitted_bytes', 4],
  ['counters/port_rcv_discards', 'port_discards_received', 1],
  ['counters/port_xmit_discards', 'port_discards_transmitted', 1],
  ['counters/port_rcv_errors', 'port_errors_received', 1],
  ['counters/port_rcv_packets', 'port_packets_received', 1],
  ['counters/port_xmit_packets', 'port_packets_transmitted', 1],
  ['counters/port_xmit_wait', 'port_transmit_wait', 1],
  ['counters/unicast_rcv_packets', 'unicast_packets_received', 1],
  ['counters/unicast_xmit_packets', 'unicast_packets_transmitted', 1],
] as const;

/** "40 Gb/sec (4X QDR)" → bytes a second */
export function parseRate(text: string | undefined): number | undefined {
  const gigabits = /^(\d+(?:\.\d+)?) Gb\/sec/.exec(text ?? '')?.[1];
  return gigabits === undefined ? undefined : (Number(gigabits) * 1e9) / 8;
}

export const infiniband: CollectorKind = {
  name: 'infiniband',
  enabledByDefault: true,
  platform: 'linux',
  create: host => async page => {
    const folder = host.sys('class/infiniband');
    const devices = await host.files.list(folder);
    if (devices === undefined) return absent('no class/infiniband');
    for (const device of devices) {
      const line = (file: string): Promise<string | undefined> =>
        host.files.line(`${folder}/${device}/${file}`);
      const [board, firmware, type] = await Promise.all(['board_id', 'fw_ver', 'hca_type'].map(line));
      const labels = {
        device,
        board_id: board ?? '',
        firmware_version: firmware ?? '',
        hca_type: type ?? '',
      };
      page.gauge('node_infiniband_info', 'What each InfiniBand device is.', 1, labels);
      for (const port of await host.files.matching(`${folder}/${device}/ports`, /^\d+$/)) {
        await addPort(host, page, { device, port, folder: `${folder}/${device}/ports/${port}` });
      }
    }
    return OK;
  },
};

async function addPort(
  host: Host,
  page: Page,
  at: { readonly device: string; readonly port: string; readonly folder: string },
): Promise<void> {
  const labels = { device: at.device, port: at.port };
  const line = (file: string): Promise<string | undefined> => host.files.line(`${at.folder}/${file}`);
  const [state, physical, rate] = await Promise.all(['state', 'phys_state', 'rate'].map(line));
  const id = (text: string | undefined): number | undefined => uint(text?.split(':')[0]);
  page.gauge(
    'node_infiniband_state_id',
    'State of each port: 1 down, 2 init, 3 armed, 4 active.',
    id(state),
    labels,
  );
  page.gauge(
    'node_infiniband_physical_state_id',
    'Physical state of each port: 5 is up.',
    id(physical),
    labels,
  );
  page.gauge('node_infiniband_rate_bytes_per_second', 'Greatest rate of each port.', parseRate(rate), labels);
  const texts = await Promise.all(IB_COUNTERS.map(([file]) => line(file)));
  IB_COUNTERS.forEach(([, metric, scale], i) => {
    const value = uint(texts[i]);
    const scaled = value === undefined ? undefined : value * scale;
    page.counter(`node_infiniband_${metric}_total`, `InfiniBand counter ${metric}.`, scaled, labels);
  });
}

/** "C0A80016:0CEA" → address and port; IPv6 comes as "[…]:port". */
export function parseEndpoint(text: string): { readonly address: string; readonly port: string } | undefined {
  const six = /^\[(.+)\]:([0-9A-Fa-f]{4})$/.exec(text);
  if (six !== null) return { address: (six[1] ?? '').toLowerCase(), port: String(hex(six[2])) };
  const four = /^([0-9A-Fa-f]{8}):([0-9A-Fa-f]{4})$/.exec(text);
  if (four === null) return undefined;
  const bytes = (four[1] ?? '').match(/../g) ?? [];
  return { address: bytes.map(byte => String(hex(byte))).join('.'), port: String(hex(four[2])) };
}

export interface Backend {
  readonly labels: Readonly<Record<string, string>>;
  readonly weight: number | undefined;
  readonly active: number | undefined;
  readonly inactive: number | undefined;
}

/** Services are lines "TCP address:port …" or "FWM mark …", their servers the lines "->" below. */
export function parseIpvs(text: string): Backend[] {
  const backends: Backend[] = [];
  let service: Readonly<Record<string, string>> | undefined;
  for (const line of lines(text)) {
    const fields = words(line);
    const [first = '', second = ''] = fields;
    if (first === 'TCP' || first === 'UDP' || first === 'SCTP') {
      const local = parseEndpoint(second);
      service =
        local === undefined
          ? undefined
          : { local_address: local.address, local_port: local.port, local_mark: '', proto: first };
    } else if (first === 'FWM') {
      service = { local_address: '', local_port: '0', local_mark: second, proto: first };
    } else if (first === '->' && service !== undefined) {
      const remote = parseEndpoint(second);
      if (remote === undefined) continue;
      const labels = { ...service, remote_address: remote.address, remote_port: remote.port };
      const [weight, active, inactive] = fields.slice(3, 6).map(uint);
      backends.push({ labels, weight, active, inactive });
    }
  }
  return backends;
}

const IPVS_STATS = [
  'connections',
  'incoming_packets',
  'outgoing_packets',
  'incoming_bytes',
  'outgoing_bytes',
];

export const ipvs: CollectorKind = {
  name: 'ipvs',
  enabledByDefault: true,
  platform: 'linux',
  create: host => async page => {
    const [stats, services] = await Promise.all([
      host.files.text(host.proc('net/ip_vs_stats')),
      host.files.text(host.proc('net/ip_vs')),
    ]);
    if (stats === undefined) return absent('no IPVS');
    const totals = words(lines(stats)[2] ?? '').map(hex);
    IPVS_STATS.forEach((name, i) => {
      page.counter(`node_ipvs_${name}_total`, `IPVS total of ${name}.`, totals[i]);
    });
    for (const { labels, weight, active, inactive } of parseIpvs(services ?? '')) {
      page.gauge(
        'node_ipvs_backend_connections_active',
        'Active connections of each server.',
        active,
        labels,
      );
      page.gauge(
        'node_ipvs_backend_connections_inactive',
        'Inactive connections of each server.',
        inactive,
        labels,
      );
      page.gauge('node_ipvs_backend_weight', 'Weight of each server.', weight, labels);
    }
    return OK;
  },
};
