// ecs_sd_configs. AWS by a service of its own: the tasks of clusters.

import { duration, integer, list, optionals, secret, text } from '../../schema.ts';
import { checkHttpClient, httpClientFields } from '../../shared/http.ts';
import { awsFilters, discoveryKind } from './sd.ts';

export const ecs = discoveryKind(
  'ecs_sd_configs',
  {
    ...optionals({
      region: text(),
      endpoint: text(),
      access_key: text(),
      secret_key: secret(),
      profile: text(),
      role_arn: text(),
      external_id: text(),
      clusters: list(text()),
      filters: awsFilters,
      port: integer(),
      refresh_interval: duration(),
      request_concurrency: integer(),
    }),
    ...httpClientFields,
  },
  (_, context, node) => checkHttpClient(context, node),
);
