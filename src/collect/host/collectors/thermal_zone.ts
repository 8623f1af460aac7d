// thermal_zone: temperatures of the kernel's thermal zones and the state of cooling devices.

import { absent, type CollectorKind, OK } from '../kind.ts';
import { trailingDigits } from '../text.ts';

export const thermalZone: CollectorKind = {
  name: 'thermal_zone',
  enabledByDefault: true,
  platform: 'linux',
  create: host => async page => {
    const folder = host.sys('class/thermal');
    const names = await host.files.list(folder);
    if (names === undefined) return absent('no class/thermal');
    await Promise.all(
      names.map(async name => {
        const type = (): Promise<string | undefined> => host.files.line(`${folder}/${name}/type`);
        if (/^thermal_zone\d/.test(name)) {
          const [kind, temp] = await Promise.all([type(), host.files.int(`${folder}/${name}/temp`)]);
          const labels = { zone: trailingDigits(name), type: kind ?? '' };
          const celsius = temp === undefined ? undefined : temp / 1000;
          page.gauge(
            'node_thermal_zone_temp',
            'Temperature of each zone in degrees Celsius.',
            celsius,
            labels,
          );
        } else if (/^cooling_device\d/.test(name)) {
          const [kind, current, maximum] = await Promise.all([
            type(),
            host.files.int(`${folder}/${name}/cur_state`),
            host.files.int(`${folder}/${name}/max_state`),
          ]);
          const labels = { name: trailingDigits(name), type: kind ?? '' };
          page.gauge(
            'node_cooling_device_cur_state',
            'Throttling now of each cooling device.',
            current,
            labels,
          );
          page.gauge(
            'node_cooling_device_max_state',
            'Most throttling of each cooling device.',
            maximum,
            labels,
          );
        }
      }),
    );
    return OK;
  },
};
