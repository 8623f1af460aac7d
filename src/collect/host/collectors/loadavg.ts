// loadavg: the three load averages.

import { type CollectorKind, failed, OK } from '../kind.ts';
import { float, words } from '../text.ts';

export function parseLoadavg(text: string): readonly (number | undefined)[] {
  return words(text).slice(0, 3).map(float);
}

export const loadavg: CollectorKind = {
  name: 'loadavg',
  enabledByDefault: true,
  platform: 'linux',
  create: host => async page => {
    const text = await host.files.load(host.proc('loadavg'));
    if (!text.ok) return failed(`reading "loadavg": ${text.error.message}`);
    const loads = parseLoadavg(text.value);
    if (loads.length < 3) return failed('"loadavg" has fewer than three numbers');
    ['1', '5', '15'].forEach((minutes, i) => {
      page.gauge(`node_load${minutes}`, `Load average over ${minutes} min.`, loads[i]);
    });
    return OK;
  },
};
