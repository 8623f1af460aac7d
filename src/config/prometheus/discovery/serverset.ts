// serverset_sd_configs. Finagle's Serversets, in Zookeeper.

import { duration, list, optionals, text } from '../../schema.ts';
import { requireSet } from '../../shared/checks.ts';
import { discoveryKind } from './sd.ts';

export const serverset = discoveryKind(
  'serverset_sd_configs',
  optionals({
    servers: list(text()),
    paths: list(text()),
    timeout: duration(),
  }),
  (_, context, node) => {
    requireSet(node, context, ['servers', 'paths']);
  },
);
