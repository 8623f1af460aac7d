// digitalocean_sd_configs. DigitalOcean: droplets.

import { duration, integer, optionals, text } from '../../schema.ts';
import { checkHttpClient, httpClientFields } from '../../shared/http.ts';
import { discoveryKind } from './sd.ts';

export const digitalocean = discoveryKind(
  'digitalocean_sd_configs',
  {
    ...optionals({
      refresh_interval: duration(),
      port: integer(),
      tag_separator: text(),
    }),
    ...httpClientFields,
  },
  (_, context, node) => {
    checkHttpClient(context, node);
  },
);
