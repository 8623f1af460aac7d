// hwmon: temperatures, fans, voltages and other sensors.

import { linkTarget } from '../files.ts';
import { absent, type CollectorKind, type Host, OK } from '../kind.ts';
import type { Page } from '../page.ts';
import { float } from '../text.ts';

const SENSOR_TYPES = new Set([
  'vrm', 'beep_enable', 'update_interval', 'in', 'cpu', 'fan', 'pwm', 'temp', 'curr', 'power', 'energy', 'humidity',
  'intrusion', 'freq',
]); // biome-ignore format: a list of words

export function cleanName(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9:_]/g, '_')
    .replace(/^_+|_+$/g, '');
}

/** "temp1_input" → ["temp", 1, "input"] */
export function sensorFile(name: string): { type: string; sensor: string; property: string } | undefined {
  const match = /^([^0-9]+)([0-9]*)?(_(.+))?$/.exec(name);
  const type = match?.[1];
  if (type === undefined || !SENSOR_TYPES.has(type)) return undefined;
  return { type, sensor: `${type}${Number(match?.[2] ?? 0)}`, property: match?.[4] ?? '' };
}

/** Properties by sensor; "" is the sensor's own file. */
type Sensors = Map<string, { readonly type: string; readonly properties: Map<string, string> }>;

export const hwmon: CollectorKind = {
  name: 'hwmon',
  enabledByDefault: true,
  platform: 'linux',
  create: host => {
    const { hwmonChipsInclude } = host.settings;
    const included = hwmonChipsInclude === '' ? () => true : host.matcher(hwmonChipsInclude);
    return async page => {
      const folder = host.sys('class/hwmon');
      const names = await host.files.list(folder);
      if (names === undefined) return absent('no class/hwmon');
      const chips = await Promise.all(names.map(name => chipBase(host, `${folder}/${name}`)));
      const uses = new Map<string, number>();
      for (const chip of chips) if (chip !== undefined) uses.set(chip.base, (uses.get(chip.base) ?? 0) + 1);
      await Promise.all(
        chips.map(async (chip, i) => {
          if (chip === undefined) return;
          // Several monitors of one device would give the same series twice: their own names tell them apart.
          const suffix = cleanName(chip.name) || cleanName(names[i] ?? '');
          const label = (uses.get(chip.base) ?? 0) > 1 ? `${chip.base}_${suffix}` : chip.base;
          if (included(label))
            await addChip(host, page, { folder: `${folder}/${names[i]}`, label, name: chip.name });
        }),
      );
      return OK;
    };
  },
};

/** The device's place is stable over restarts, the number of the monitor is not: so the place is the label. */
async function chipBase(host: Host, folder: string): Promise<{ base: string; name: string } | undefined> {
  const files = await host.files.list(folder);
  if (files === undefined) return undefined;
  const [own, device, name] = await Promise.all([
    host.files.link(folder),
    host.files.link(`${folder}/device`),
    host.files.line(`${folder}/name`),
  ]);
  const home = own === undefined ? folder : linkTarget(folder, own);
  const cleaned = cleanName(name ?? '');
  if (device !== undefined) {
    const parts = linkTarget(`${home}/device`, device).split('/');
    const [deviceType, deviceName] = [cleanName(parts.at(-2) ?? ''), cleanName(parts.at(-1) ?? '')];
    if (deviceType !== '' && deviceName !== '')
      return { base: `${deviceType}_${deviceName}`, name: name ?? '' };
    if (deviceName !== '') return { base: deviceName, name: name ?? '' };
  }
  return { base: cleaned || cleanName(home.split('/').at(-1) ?? ''), name: name ?? '' };
}

async function addChip(
  host: Host,
  page: Page,
  chip: { readonly folder: string; readonly label: string; readonly name: string },
): Promise<void> {
  const sensors: Sensors = new Map();
  await readSensors(host, chip.folder, sensors);
  await readSensors(host, `${chip.folder}/device`, sensors);
  const chipName = cleanName(chip.name);
  if (chipName !== '') {
    const labels = { chip: chip.label, chip_name: chipName };
    page.gauge('node_hwmon_chip_names', 'Readable names of the chips.', 1, labels);
  }
  for (const [sensor, { type, properties }] of sensors)
    addSensor(page, { chip: chip.label, sensor, type, properties });
}

async function readSensors(host: Host, folder: string, into: Sensors): Promise<void> {
  const names = (await host.files.list(folder)) ?? [];
  const files = names.flatMap(name => {
    const parts = sensorFile(name);
    return parts === undefined ? [] : [{ name, ...parts }];
  });
  const texts = await Promise.all(files.map(file => host.files.text(`${folder}/${file.name}`)));
  files.forEach((file, i) => {
    const text = texts[i];
    if (text === undefined) return;
    let sensor = into.get(file.sensor);
    if (sensor === undefined) {
      sensor = { type: file.type, properties: new Map() };
      into.set(file.sensor, sensor);
    }
    sensor.properties.set(file.property, text.replace(/^\n+|\n+$/g, ''));
  });
}

interface Sensor {
  readonly chip: string;
  readonly sensor: string;
  readonly type: string;
  readonly properties: ReadonlyMap<string, string>;
}

function addSensor(page: Page, sensor: Sensor): void {
  const { type, properties } = sensor;
  const labels = { chip: sensor.chip, sensor: sensor.sensor };
  const label = properties.get('label');
  if (label !== undefined) {
    page.gauge('node_hwmon_sensor_label', 'Labels given to sensors.', 1, { ...labels, label: label.trim() });
  }
  const own = float(properties.get(''));
  if (type === 'beep_enable') {
    page.gauge(
      'node_hwmon_beep_enabled',
      'Whether the chip beeps.',
      properties.get('') === '1' ? 1 : 0,
      labels,
    );
    return;
  }
  if (type === 'vrm') {
    page.gauge('node_hwmon_voltage_regulator_version', 'Version of the voltage regulator.', own, labels);
    return;
  }
  if (type === 'update_interval') {
    const seconds = own === undefined ? undefined : own * 0.001;
    page.gauge('node_hwmon_update_interval_seconds', 'Seconds between updates of the chip.', seconds, labels);
    return;
  }
  for (const [property, text] of properties) {
    const value = float(text.trim());
    if (property === 'label' || value === undefined) continue;
    if (type === 'freq' && property === 'input') {
      const named = label === undefined ? labels : { ...labels, sensor: cleanName(label) };
      page.gauge('node_hwmon_freq_freq_mhz', 'Frequency in MHz.', value / 1e6, named);
      continue;
    }
    const { name, scaled, counter } = sensorMetric(type, property, value, properties.has(''));
    page[counter ? 'counter' : 'gauge'](name, `Sensor value ${property} of kind ${type}.`, scaled, labels);
  }
}

/** The metric's name with its unit, and the value in it. The last argument: the sensor has a file of its own name. */
function sensorMetric(
  type: string,
  property: string,
  ...[value, ownFile]: [number, boolean]
): { name: string; scaled: number; counter: boolean } {
  let name = `node_hwmon_${type}`;
  if (property === 'input') name += ownFile ? '_input' : '';
  else if (property !== '') name += `_${cleanName(property)}`;
  const as = (suffix: string, scaled: number): { name: string; scaled: number; counter: boolean } => ({
    name: name + suffix,
    scaled,
    counter: suffix.endsWith('_total'),
  });
  if (property === 'fault' || property === 'alarm') return as('', value);
  if (property === 'beep') return as('_enabled', value);
  if (type === 'in' || type === 'cpu') return as('_volts', value * 0.001);
  if (type === 'temp' && property !== 'type') return as('_celsius', value * 0.001);
  if (type === 'curr') return as('_amps', value * 0.001);
  if (type === 'energy') return as('_joule_total', value / 1e6);
  if (type === 'power' && property === 'accuracy') return as('', value / 1e6);
  if (type === 'power' && /^average_interval(_min|_max)?$/.test(property))
    return as('_seconds', value * 0.001);
  if (type === 'power') return as('_watt', value / 1e6);
  if (type === 'humidity') return as('', value / 1e6);
  if (type === 'fan' && ['input', 'min', 'max', 'target'].includes(property)) return as('_rpm', value);
  return as('', value);
}
