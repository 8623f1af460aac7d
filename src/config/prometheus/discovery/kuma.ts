// kuma_sd_configs. Kuma: the proxies of a mesh.

import { duration, optionals, text } from '../../schema.ts';
import { httpUrl, requireSet } from '../../shared/checks.ts';
import { checkHttpClient, httpClientFields } from '../../shared/http.ts';
import { discoveryKind } from './sd.ts';

export const kuma = discoveryKind(
  'kuma_sd_configs',
  {
    ...optionals({
      server: httpUrl(),
      client_id: text(),
      refresh_interval: duration(),
      fetch_timeout: duration(),
    }),
    ...httpClientFields,
  },
  (_, context, node) => {
    checkHttpClient(context, node);
    requireSet(node, context, ['server']);
  },
);
