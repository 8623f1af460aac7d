// ec2_sd_configs. EC2: instances.

import { duration, integer, optionals, secret, text } from '../../schema.ts';
import { checkHttpClient, httpClientFields } from '../../shared/http.ts';
import { awsFilters, discoveryKind } from './sd.ts';

export const ec2 = discoveryKind(
  'ec2_sd_configs',
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
      filters: awsFilters,
    }),
    ...httpClientFields,
  },
  (_, context, node) => {
    checkHttpClient(context, node);
  },
);
