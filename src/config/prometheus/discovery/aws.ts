// aws_sd_configs. AWS: instances, containers and databases by role.

import { duration, integer, list, optionals, secret, text } from '../../schema.ts';
import { requireSet } from '../../shared/checks.ts';
import { checkHttpClient, httpClientFields } from '../../shared/http.ts';
import { awsFilters, discoveryKind } from './sd.ts';

export const aws = discoveryKind(
  'aws_sd_configs',
  {
    ...optionals({
      role: text({ oneOf: ['ec2', 'lightsail', 'ecs', 'msk', 'rds', 'elasticache'] }),
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
      clusters: list(text()),
    }),
    ...httpClientFields,
  },
  (_, context, node) => {
    checkHttpClient(context, node);
    requireSet(node, context, ['role']);
  },
);
