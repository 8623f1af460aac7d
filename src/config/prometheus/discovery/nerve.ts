// nerve_sd_configs. AirBnB's Nerve, in Zookeeper.

import { duration, list, optionals, text } from '../../schema.ts';
import { requireSet } from '../../shared/checks.ts';
import { discoveryKind } from './sd.ts';

export const nerve = discoveryKind(
  'nerve_sd_configs',
  optionals({
    servers: list(text()),
    paths: list(text()),
    timeout: duration(),
  }),
  (_, context, node) => {
    requireSet(node, context, ['servers', 'paths']);
  },
);
