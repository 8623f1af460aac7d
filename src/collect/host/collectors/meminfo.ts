// meminfo: every line of /proc/meminfo, in bytes where the kernel gives kB.

import { type CollectorKind, failed, OK } from '../kind.ts';
import { lines, uint, words } from '../text.ts';

/** "Active(anon): 2068484 kB" → ["Active_anon_bytes", 2118127616] */
export function parseMeminfo(text: string): readonly (readonly [field: string, value: number])[] {
  const found: [string, number][] = [];
  for (const line of lines(text)) {
    const [key = '', amount, unit] = words(line);
    const value = uint(amount);
    if (!key.endsWith(':') || value === undefined) continue;
    const name = key.slice(0, -1).replace(/\((.*)\)/, '_$1');
    if (!/^[a-zA-Z0-9_]+$/.test(name)) continue;
    if (unit === undefined) found.push([name, value]);
    else if (unit === 'kB') found.push([`${name}_bytes`, value * 1024]);
  }
  return found;
}

export const meminfo: CollectorKind = {
  name: 'meminfo',
  enabledByDefault: true,
  platform: 'linux',
  create: host => async page => {
    const text = await host.files.load(host.proc('meminfo'));
    if (!text.ok) return failed(`reading "meminfo": ${text.error.message}`);
    for (const [field, value] of parseMeminfo(text.value)) {
      const help = `Memory information: ${field}.`;
      if (field.endsWith('_total')) page.counter(`node_memory_${field}`, help, value);
      else page.gauge(`node_memory_${field}`, help, value);
    }
    return OK;
  },
};
