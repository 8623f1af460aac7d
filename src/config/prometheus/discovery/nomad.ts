// nomad_sd_configs. Nomad: registered services.

import { boolean, duration, optionals, text } from '../../schema.ts';
import { requireSet } from '../../shared/checks.ts';
import { checkHttpClient, httpClientFields } from '../../shared/http.ts';
import { discoveryKind } from './sd.ts';

export const nomad = discoveryKind(
  'nomad_sd_configs',
  {
    ...optionals({
      allow_stale: boolean(),
      namespace: text(),
      refresh_interval: duration(),
      region: text(),
      server: text(),
      tag_separator: text(),
    }),
    ...httpClientFields,
  },
  (_, context, node) => {
    checkHttpClient(context, node);
    requireSet(node, context, ['server']);
  },
);
