// outscale_sd_configs. Outscale: virtual machines.

import { duration, integer, optionals, secret, text } from '../../schema.ts';
import { exclusive, requireOneOf, requireSet } from '../../shared/checks.ts';
import { checkHttpClient, httpClientFields } from '../../shared/http.ts';
import { discoveryKind } from './sd.ts';

export const outscale = discoveryKind(
  'outscale_sd_configs',
  {
    ...optionals({
      region: text(),
      endpoint: text(),
      access_key: text(),
      secret_key: secret(),
      secret_key_file: text(),
      port: integer(),
      refresh_interval: duration(),
    }),
    ...httpClientFields,
  },
  (_, context, node) => {
    checkHttpClient(context, node);
    requireSet(node, context, ['access_key']);
    exclusive(node, context, ['secret_key', 'secret_key_file']);
    requireOneOf(node, context, ['secret_key', 'secret_key_file']);
  },
);
