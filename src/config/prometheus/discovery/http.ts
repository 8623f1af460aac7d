// http_sd_configs. An HTTP endpoint that answers with target groups.

import { duration, optionals } from '../../schema.ts';
import { httpUrl, requireSet } from '../../shared/checks.ts';
import { checkHttpClient, httpClientFields } from '../../shared/http.ts';
import { discoveryKind } from './sd.ts';

export const http = discoveryKind(
  'http_sd_configs',
  {
    ...optionals({
      url: httpUrl(),
      refresh_interval: duration(),
    }),
    ...httpClientFields,
  },
  (_, context, node) => {
    checkHttpClient(context, node);
    requireSet(node, context, ['url']);
  },
);
