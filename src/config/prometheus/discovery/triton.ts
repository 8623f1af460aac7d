// triton_sd_configs. Triton: containers or compute nodes.

import { duration, integer, list, optionals, text } from '../../schema.ts';
import { requireSet } from '../../shared/checks.ts';
import { tlsConfig } from '../../shared/http.ts';
import { discoveryKind } from './sd.ts';

export const triton = discoveryKind(
  'triton_sd_configs',
  optionals({
    account: text(),
    role: text({ oneOf: ['container', 'cn'] }),
    dns_suffix: text(),
    endpoint: text(),
    groups: list(text()),
    port: integer(),
    refresh_interval: duration({ min: 1 }),
    version: integer(),
    tls_config: tlsConfig,
  }),
  (_, context, node) => {
    requireSet(node, context, ['account', 'dns_suffix', 'endpoint']);
  },
);
