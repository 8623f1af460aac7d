// ionos_sd_configs. IONOS: the servers of a datacenter.

import { duration, integer, optionals, text } from '../../schema.ts';
import { requireSet } from '../../shared/checks.ts';
import { checkHttpClient, httpClientFields } from '../../shared/http.ts';
import { discoveryKind } from './sd.ts';

export const ionos = discoveryKind(
  'ionos_sd_configs',
  {
    ...optionals({
      datacenter_id: text(),
      port: integer(),
      refresh_interval: duration(),
    }),
    ...httpClientFields,
  },
  (_, context, node) => {
    checkHttpClient(context, node);
    requireSet(node, context, ['datacenter_id']);
  },
);
