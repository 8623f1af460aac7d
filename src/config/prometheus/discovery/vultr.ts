// vultr_sd_configs. Vultr: instances.

import { duration, integer, optionals, text } from '../../schema.ts';
import { checkHttpClient, httpClientFields } from '../../shared/http.ts';
import { discoveryKind } from './sd.ts';

export const vultr = discoveryKind(
  'vultr_sd_configs',
  {
    ...optionals({
      port: integer(),
      refresh_interval: duration(),
      label: text(),
      main_ip: text(),
      region: text(),
      firewall_group_id: text(),
      hostname: text(),
    }),
    ...httpClientFields,
  },
  (_, context, node) => {
    checkHttpClient(context, node);
  },
);
