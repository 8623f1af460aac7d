// Collectors over folders of /sys about hardware: edac, bonding, nvme, dmi, tapestats.

import { absent, type CollectorKind, type Host, OK } from '../kind.ts';
import type { Page } from '../page.ts';
import { trailingDigits, uint, words } from '../text.ts';

export const edac: CollectorKind = {
  name: 'edac',
  enabledByDefault: true,
  platform: 'linux',
  create: host => async page => {
    const folder = host.sys('devices/system/edac/mc');
    const names = await host.files.matching(folder, /^mc\d/);
    await Promise.all(names.map(name => addController(host, page, `${folder}/${name}`)));
    return OK;
  },
};

const KINDS = [
  ['ce', 'correctable'],
  ['ue', 'uncorrectable'],
] as const;

/** The kernel's own name of an unnamed slot, "mc#0csrow#0channel#0", is shown as "mc0_csrow0_channel0". */
export function dimmLabel(text: string): string {
  return text.replace(/^mc#?(\d+)csrow#?(\d+)channel#?(\d+)$/, 'mc$1_csrow$2_channel$3');
}

async function addController(host: Host, page: Page, folder: string): Promise<void> {
  const controller = trailingDigits(folder);
  const rows = await host.files.matching(folder, /^csrow\d+$/);
  for (const [short, long] of KINDS) {
    const [count, unknown] = await Promise.all([
      host.files.uint(`${folder}/${short}_count`),
      host.files.uint(`${folder}/${short}_noinfo_count`),
    ]);
    page.counter(`node_edac_${long}_errors_total`, `Memory errors found, ${long}.`, count, { controller });
    const name = `node_edac_csrow_${long}_errors_total`;
    const help = `Memory errors found in each row, ${long}.`;
    page.counter(name, help, unknown, { controller, csrow: 'unknown' });
    for (const row of rows) {
      const csrow = trailingDigits(row);
      page.counter(name, help, await host.files.uint(`${folder}/${row}/${short}_count`), {
        controller,
        csrow,
      });
      const channels = await host.files.matching(`${folder}/${row}`, new RegExp(`^ch\\d+_${short}_count$`));
      for (const file of channels) {
        const channel = /\d+/.exec(file)?.[0] ?? '';
        const [errors, label] = await Promise.all([
          host.files.uint(`${folder}/${row}/${file}`),
          host.files.line(`${folder}/${row}/ch${channel}_dimm_label`),
        ]);
        const labels = { controller, csrow, channel, dimm_label: dimmLabel(label ?? '') };
        page.counter(
          `node_edac_channel_${long}_errors_total`,
          `Memory errors found in each channel, ${long}.`,
          errors,
          labels,
        );
      }
    }
  }
}

export const bonding: CollectorKind = {
  name: 'bonding',
  enabledByDefault: true,
  platform: 'linux',
  create: host => async page => {
    const folder = host.sys('class/net');
    const masters = await host.files.text(`${folder}/bonding_masters`);
    if (masters === undefined) return absent('no bonding');
    for (const master of words(masters)) {
      const slaves = words((await host.files.text(`${folder}/${master}/bonding/slaves`)) ?? '');
      const states = await Promise.all(
        slaves.map(
          async slave =>
            (await host.files.line(`${folder}/${master}/lower_${slave}/bonding_slave/mii_status`)) ??
            (await host.files.line(`${folder}/${master}/slave_${slave}/bonding_slave/mii_status`)),
        ),
      );
      page.gauge('node_bonding_slaves', 'Devices bound to each master.', slaves.length, { master });
      const active = states.filter(state => state === 'up').length;
      page.gauge('node_bonding_active', 'Devices bound to each master that are up.', active, { master });
    }
    return OK;
  },
};

export const nvme: CollectorKind = {
  name: 'nvme',
  enabledByDefault: true,
  platform: 'linux',
  create: host => async page => {
    const folder = host.sys('class/nvme');
    const devices = await host.files.list(folder);
    if (devices === undefined) return absent('no class/nvme');
    for (const device of devices) {
      const line = async (file: string): Promise<string> =>
        (await host.files.line(`${folder}/${device}/${file}`)) ?? '';
      const [firmware, model, serial, state, cntlid] = await Promise.all(
        ['firmware_rev', 'model', 'serial', 'state', 'cntlid'].map(line),
      );
      page.gauge('node_nvme_info', 'What each NVMe device is.', 1, {
        device,
        firmware_revision: firmware ?? '',
        model: model ?? '',
        serial: serial ?? '',
        state: state ?? '',
        cntlid: cntlid ?? '',
      });
      const namespaces = await host.files.matching(`${folder}/${device}`, /^nvme\d+(c\d+)?n\d+$/);
      for (const name of namespaces)
        await addNamespace(host, page, { device, folder: `${folder}/${device}/${name}` });
    }
    return OK;
  },
};

const SECTOR_BYTES = 512;

async function addNamespace(host: Host, page: Page, at: { device: string; folder: string }): Promise<void> {
  const { device, folder } = at;
  const labels = { device, nsid: trailingDigits(folder) };
  const [size, used, block, ana] = await Promise.all([
    host.files.uint(`${folder}/size`),
    host.files.uint(`${folder}/nuse`),
    host.files.uint(`${folder}/queue/logical_block_size`),
    host.files.line(`${folder}/ana_state`),
  ]);
  if (size === undefined) return;
  const blockBytes = block ?? SECTOR_BYTES;
  page.gauge('node_nvme_namespace_info', 'State of each NVMe namespace.', 1, {
    ...labels,
    ana_state: ana ?? 'unknown',
  });
  page.gauge('node_nvme_namespace_logical_block_size_bytes', 'Bytes of a logical block.', blockBytes, labels);
  // node_exporter takes the size for logical blocks; dashboards are built on its values, so ours are the same.
  const sizeBytes = size * blockBytes;
  page.gauge('node_nvme_namespace_size_bytes', 'Size of each NVMe namespace in bytes.', sizeBytes, labels);
  page.gauge(
    'node_nvme_namespace_capacity_bytes',
    'Capacity of each NVMe namespace in bytes.',
    sizeBytes,
    labels,
  );
  page.gauge(
    'node_nvme_namespace_used_bytes',
    'Bytes in use of each NVMe namespace.',
    (used ?? Number.NaN) * blockBytes,
    labels,
  );
}

/** File → label where they differ. */
const DMI_FILES = (
  'bios_date bios_release bios_vendor bios_version board_asset_tag board_name board_serial board_vendor ' +
  'board_version chassis_asset_tag chassis_serial chassis_vendor chassis_version product_family product_name ' +
  'product_serial product_sku product_uuid product_version sys_vendor'
).split(' ');

export const dmi: CollectorKind = {
  name: 'dmi',
  enabledByDefault: true,
  platform: 'linux',
  create: host => {
    // What is soldered on cannot change while this process lives: read once.
    let known: Record<string, string> | undefined;
    return async page => {
      if (known === undefined) {
        const folder = host.sys('class/dmi/id');
        if ((await host.files.list(folder)) === undefined) return absent('no class/dmi/id');
        const texts = await Promise.all(DMI_FILES.map(file => host.files.line(`${folder}/${file}`)));
        known = Object.fromEntries(
          DMI_FILES.map((file, i) => [file === 'sys_vendor' ? 'system_vendor' : file, texts[i] ?? '']),
        );
      }
      page.gauge('node_dmi_info', 'What the firmware says this machine is.', 1, known);
      return OK;
    };
  },
};

const NS = 1e9;

/** File, metric, type, divisor, help. */
const TAPE = [
  ['in_flight', 'io_now', 'gauge', 1, 'Operations under way.'],
  ['io_ns', 'io_time_seconds_total', 'counter', NS, 'Seconds with something under way.'],
  ['other_cnt', 'io_others_total', 'counter', 1, 'Operations that neither read nor write.'],
  ['read_byte_cnt', 'read_bytes_total', 'counter', 1, 'Bytes read.'],
  ['read_cnt', 'reads_completed_total', 'counter', 1, 'Reads completed.'],
  ['read_ns', 'read_time_seconds_total', 'counter', NS, 'Seconds spent by all reads.'],
  ['resid_cnt', 'residual_total', 'counter', 1, 'Operations with a remainder.'],
  ['write_byte_cnt', 'written_bytes_total', 'counter', 1, 'Bytes written.'],
  ['write_cnt', 'writes_completed_total', 'counter', 1, 'Writes completed.'],
  ['write_ns', 'write_time_seconds_total', 'counter', NS, 'Seconds spent by all writes.'],
] as const;

export const tapestats: CollectorKind = {
  name: 'tapestats',
  enabledByDefault: true,
  platform: 'linux',
  create: host => async page => {
    const folder = host.sys('class/scsi_tape');
    // One drive has many nodes (nst0, st0a, …); st0 stands for all.
    const devices = await host.files.matching(folder, /^st\d+$/);
    if (devices.length === 0) return absent('no tape drive');
    for (const device of devices) {
      const texts = await Promise.all(
        TAPE.map(([file]) => host.files.line(`${folder}/${device}/stats/${file}`)),
      );
      TAPE.forEach(([, metric, type, divisor, help], i) => {
        const value = uint(texts[i]);
        page[type](`node_tape_${metric}`, help, value === undefined ? undefined : value / divisor, {
          device,
        });
      });
    }
    return OK;
  },
};
