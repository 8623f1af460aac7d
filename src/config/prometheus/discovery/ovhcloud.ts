// ovhcloud_sd_configs. OVHcloud: VPS or dedicated servers.

import { duration, hasKey, optionals, secret, text } from '../../schema.ts';
import { requireSet } from '../../shared/checks.ts';
import { discoveryKind } from './sd.ts';

export const ovhcloud = discoveryKind(
  'ovhcloud_sd_configs',
  optionals({
    endpoint: text(),
    application_key: text(),
    application_secret: secret(),
    consumer_key: secret(),
    refresh_interval: duration(),
    service: text({ oneOf: ['vps', 'dedicated_server'] }),
  }),
  (_, context, node) => {
    requireSet(
      node,
      context,
      ['endpoint', 'application_key', 'application_secret', 'consumer_key', 'service'].filter(
        key => key !== 'endpoint' || hasKey(node, key),
      ),
    );
  },
);
