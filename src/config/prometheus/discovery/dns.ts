// dns_sd_configs. DNS: names that are asked for again and again.

import { duration, integer, list, optionals, text } from '../../schema.ts';
import { requireEntries, requireSet } from '../../shared/checks.ts';
import { discoveryKind } from './sd.ts';

export const dns = discoveryKind(
  'dns_sd_configs',
  optionals({
    names: list(text()),
    refresh_interval: duration(),
    type: text({ oneOf: ['SRV', 'A', 'AAAA', 'MX', 'NS', 'srv', 'a', 'aaaa', 'mx', 'ns'] }),
    port: integer(),
  }),
  (value, context, node) => {
    requireEntries(node, context, { names: value.names });
    const type = (value.type ?? 'SRV').toUpperCase();
    if (['A', 'AAAA', 'MX', 'NS'].includes(type)) requireSet(node, context, ['port']);
  },
);
