// http_sd_configs. An HTTP endpoint that answers with target groups.

import { duration, optionals, type RecordOf, record } from '../../schema.ts';
import { httpUrl, requireSet } from '../../shared/checks.ts';
import { checkHttpClient, httpClientFields } from '../../shared/http.ts';

const fields = {
  ...optionals({
    url: httpUrl(),
    refresh_interval: duration(),
  }),
  ...httpClientFields,
};

export type HttpDiscovery = RecordOf<typeof fields>;

export const httpDiscoverySchema = record(fields, (_, context, node) => {
  checkHttpClient(context, node);
  requireSet(node, context, ['url']);
});

export const http = { key: 'http_sd_configs', schema: httpDiscoverySchema, carriedOut: false };
