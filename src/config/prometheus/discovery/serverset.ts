// serverset_sd_configs. Finagle's Serversets, in Zookeeper.

import { duration, list, optionals, text } from '../../schema.ts';
import { checked, requireEntries } from '../../shared/checks.ts';
import { discoveryKind } from './sd.ts';

export const serverset = discoveryKind(
  'serverset_sd_configs',
  optionals({
    servers: list(text()),
    paths: list(
      checked('path beginning with "/"', value =>
        value.startsWith('/') ? undefined : `Cannot take "${value}" as a path: it must begin with "/"`,
      ),
    ),
    timeout: duration(),
  }),
  (value, context, node) => {
    requireEntries(node, context, { servers: value.servers, paths: value.paths });
  },
);
