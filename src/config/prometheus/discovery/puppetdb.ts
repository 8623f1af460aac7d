// puppetdb_sd_configs. PuppetDB: resources.

import { boolean, duration, integer, optionals, text } from '../../schema.ts';
import { httpUrl, requireSet } from '../../shared/checks.ts';
import { checkHttpClient, httpClientFields } from '../../shared/http.ts';
import { discoveryKind } from './sd.ts';

export const puppetdb = discoveryKind(
  'puppetdb_sd_configs',
  {
    ...optionals({
      url: httpUrl(),
      query: text(),
      include_parameters: boolean(),
      port: integer(),
      refresh_interval: duration(),
    }),
    ...httpClientFields,
  },
  (_, context, node) => {
    checkHttpClient(context, node);
    requireSet(node, context, ['url', 'query']);
  },
);
