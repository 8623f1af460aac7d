// time: the clock of this host, its time zone and clock sources.

import { type CollectorKind, OK } from '../kind.ts';
import { trailingDigits, words } from '../text.ts';

export const time: CollectorKind = {
  name: 'time',
  enabledByDefault: true,
  platform: 'linux',
  create: host => async page => {
    const nowMs = host.clock.nowMs();
    const zone = host.facts.timeZone(nowMs);
    page.gauge('node_time_seconds', 'Time of this host in seconds since 1970.', nowMs / 1000);
    const help = 'Offset of the local time zone from UTC in seconds.';
    page.gauge('node_time_zone_offset_seconds', help, zone.offsetSeconds, { time_zone: zone.name });
    const folder = host.sys('devices/system/clocksource');
    const names = await host.files.matching(folder, /^clocksource\d+$/);
    await Promise.all(
      names.map(async name => {
        const device = trailingDigits(name);
        const [available, current] = await Promise.all([
          host.files.line(`${folder}/${name}/available_clocksource`),
          host.files.line(`${folder}/${name}/current_clocksource`),
        ]);
        for (const clocksource of words(available ?? '')) {
          const labels = { device, clocksource };
          page.gauge('node_time_clocksource_available_info', 'Clock sources there are.', 1, labels);
        }
        if (current === undefined || current === '') return;
        const labels = { device, clocksource: current };
        page.gauge('node_time_clocksource_current_info', 'The clock source in use.', 1, labels);
      }),
    );
    return OK;
  },
};
