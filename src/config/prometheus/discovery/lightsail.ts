// lightsail_sd_configs. AWS Lightsail: instances.

import { duration, integer, optionals, secret, text } from '../../schema.ts';
import { checkHttpClient, httpClientFields } from '../../shared/http.ts';
import { discoveryKind } from './sd.ts';

export const lightsail = discoveryKind(
  'lightsail_sd_configs',
  {
    ...optionals({
      region: text(),
      endpoint: text(),
      access_key: text(),
      secret_key: secret(),
      profile: text(),
      role_arn: text(),
      external_id: text(),
      refresh_interval: duration(),
      port: integer(),
    }),
    ...httpClientFields,
  },
  (_, context, node) => {
    checkHttpClient(context, node);
  },
);
