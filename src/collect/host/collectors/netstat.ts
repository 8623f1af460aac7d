// netstat: the network stack's own counters, those that the fields pattern picks.

import { type CollectorKind, failed, OK } from '../kind.ts';
import { float, lines, words } from '../text.ts';

/** Pairs of lines "Proto: names…" and "Proto: values…" (net/netstat, net/snmp). */
export function parseNetstat(text: string): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  const all = lines(text);
  for (let i = 0; i + 1 < all.length; i += 2) {
    const names = words(all[i] ?? '');
    const values = words(all[i + 1] ?? '');
    const proto = names[0] ?? '';
    if (!proto.endsWith(':') || values[0] !== proto || names.length !== values.length) continue;
    names.forEach((name, k) => {
      const value = float(values[k]);
      if (k > 0 && value !== undefined) found.set(`${proto.slice(0, -1)}_${name}`, value);
    });
  }
  return found;
}

/** Lines "Ip6InReceives 7" (net/snmp6): the protocol ends with the first "6". */
export function parseSnmp6(text: string): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const line of lines(text)) {
    const [name = '', text6] = words(line);
    const six = name.indexOf('6');
    const value = float(text6);
    if (six < 0 || value === undefined) continue;
    found.set(`${name.slice(0, six + 1)}_${name.slice(six + 1)}`, value);
  }
  return found;
}

export const netstat: CollectorKind = {
  name: 'netstat',
  enabledByDefault: true,
  platform: 'linux',
  create: host => {
    const wanted = host.matcher(host.settings.netstatFields);
    return async page => {
      const [netstat, snmp, snmp6] = await Promise.all([
        host.files.load(host.proc('net/netstat')),
        host.files.load(host.proc('net/snmp')),
        host.files.text(host.proc('net/snmp6')),
      ]);
      if (!netstat.ok) return failed(`reading "net/netstat": ${netstat.error.message}`);
      if (!snmp.ok) return failed(`reading "net/snmp": ${snmp.error.message}`);
      // A kernel without IPv6 has no snmp6.
      for (const values of [parseNetstat(netstat.value), parseNetstat(snmp.value), parseSnmp6(snmp6 ?? '')]) {
        for (const [key, value] of values) {
          if (wanted(key))
            page.untyped(`node_netstat_${key}`, `Statistic ${key} of the network stack.`, value);
        }
      }
      return OK;
    };
  },
};
