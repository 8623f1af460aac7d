// hetzner_sd_configs. Hetzner: cloud or robot servers.

import { duration, integer, optionals, text } from '../../schema.ts';
import { requireSet } from '../../shared/checks.ts';
import { checkHttpClient, httpClientFields } from '../../shared/http.ts';
import { discoveryKind } from './sd.ts';

export const hetzner = discoveryKind(
  'hetzner_sd_configs',
  {
    ...optionals({
      role: text({ oneOf: ['robot', 'hcloud'] }),
      port: integer(),
      refresh_interval: duration(),
      label_selector: text(),
    }),
    ...httpClientFields,
  },
  (_, context, node) => {
    checkHttpClient(context, node);
    requireSet(node, context, ['role']);
  },
);
