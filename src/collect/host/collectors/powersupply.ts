// powersupplyclass: batteries and mains.

import { absent, type CollectorKind, OK } from '../kind.ts';
import { int } from '../text.ts';

const PLAIN: Readonly<Record<string, string>> = {
  authentic: 'authentic',
  calibrate: 'calibrate',
  capacity: 'capacity',
  capacity_alert_max: 'capacity_alert_max',
  capacity_alert_min: 'capacity_alert_min',
  cycle_count: 'cyclecount',
  online: 'online',
  present: 'present',
  time_to_empty_now: 'time_to_empty_seconds',
  time_to_full_now: 'time_to_full_seconds',
};

/** Files in millionths whose metric has another name; the others keep theirs. */
const MICRO: Readonly<Record<string, string>> = {
  current_now: 'current_ampere',
  energy_now: 'energy_watthour',
  voltage_now: 'voltage_volt',
  charge_now: 'charge_ampere',
  power_now: 'power_watt',
};

const MICRO_SAME = new Set(
  (
    'current_boot current_max energy_empty energy_empty_design energy_full energy_full_design voltage_boot ' +
    'voltage_max voltage_max_design voltage_min voltage_min_design voltage_ocv charge_control_limit ' +
    'charge_control_limit_max charge_counter charge_empty charge_empty_design charge_full charge_full_design ' +
    'charge_term_current constant_charge_current constant_charge_current_max constant_charge_voltage ' +
    'constant_charge_voltage_max precharge_current input_current_limit'
  ).split(' '),
);

/** In tenths of a degree; "_celsius" is appended. */
const TENTHS = new Set(
  'temp temp_alert_max temp_alert_min temp_ambient temp_ambient_max temp_ambient_min temp_max temp_min'.split(
    ' ',
  ),
);

const TEXTS = new Set(
  'capacity_level charge_type health manufacturer model_name serial_number status technology type usb_type scope'.split(
    ' ',
  ),
);

/** What a numeric file becomes; undefined for files without a metric. */
export function powerMetric(file: string, text: string): { name: string; value: number } | undefined {
  const value = int(text);
  if (value === undefined) return undefined;
  const plain = PLAIN[file];
  if (plain !== undefined) return { name: plain, value };
  const micro = MICRO[file] ?? (MICRO_SAME.has(file) ? file : undefined);
  if (micro !== undefined) return { name: micro, value: value / 1e6 };
  return TENTHS.has(file) ? { name: `${file}_celsius`, value: value / 10 } : undefined;
}

export const powersupply: CollectorKind = {
  name: 'powersupplyclass',
  enabledByDefault: true,
  platform: 'linux',
  create: host => {
    const excluded = host.matcher(host.settings.powerSuppliesExclude);
    return async page => {
      const folder = host.sys('class/power_supply');
      const names = await host.files.list(folder);
      if (names === undefined) return absent('no class/power_supply');
      for (const name of names.filter(one => !excluded(one))) {
        const files = (await host.files.list(`${folder}/${name}`)) ?? [];
        const read = files.filter(file => TEXTS.has(file) || powerMetric(file, '0') !== undefined);
        const texts = await Promise.all(read.map(file => host.files.line(`${folder}/${name}/${file}`)));
        const info: Record<string, string> = { power_supply: name };
        read.forEach((file, i) => {
          const text = texts[i] ?? '';
          if (TEXTS.has(file)) info[file] = text;
          const metric = powerMetric(file, text);
          if (metric === undefined) return;
          const help = `Value ${metric.name} of each power supply.`;
          page.gauge(`node_power_supply_${metric.name}`, help, metric.value, { power_supply: name });
        });
        page.gauge('node_power_supply_info', 'Texts about each power supply.', 1, info);
      }
      return OK;
    };
  },
};
