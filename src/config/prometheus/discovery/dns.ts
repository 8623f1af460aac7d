// dns_sd_configs. DNS: names that are asked for again and again.

import { duration, integer, list, optionals, type RecordOf, record, text } from '../../schema.ts';
import { requireEntries, requireSet } from '../../shared/checks.ts';

const fields = optionals({
  names: list(text()),
  refresh_interval: duration(),
  type: text({ oneOf: ['SRV', 'A', 'AAAA', 'MX', 'NS', 'srv', 'a', 'aaaa', 'mx', 'ns'] }),
  port: integer(),
});

export type DnsDiscovery = RecordOf<typeof fields>;

export const dnsDiscoverySchema = record(fields, (value, context, node) => {
  requireEntries(node, context, { names: value.names });
  const type = (value.type ?? 'SRV').toUpperCase();
  if (['A', 'AAAA', 'MX', 'NS'].includes(type)) requireSet(node, context, ['port']);
});

export const dns = { key: 'dns_sd_configs', schema: dnsDiscoverySchema, carriedOut: false };
