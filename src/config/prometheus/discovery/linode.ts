// linode_sd_configs. Linode: instances.

import { duration, integer, optionals, text } from '../../schema.ts';
import { checkHttpClient, httpClientFields } from '../../shared/http.ts';
import { discoveryKind } from './sd.ts';

export const linode = discoveryKind(
  'linode_sd_configs',
  {
    ...optionals({
      region: text(),
      port: integer(),
      tag_separator: text(),
      refresh_interval: duration(),
    }),
    ...httpClientFields,
  },
  (_, context, node) => {
    checkHttpClient(context, node);
  },
);
