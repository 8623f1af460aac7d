// uyuni_sd_configs. Uyuni: managed systems.

import { duration, optionals, secret, text } from '../../schema.ts';
import { looseUrl, requireSet } from '../../shared/checks.ts';
import { checkHttpClient, httpClientFields } from '../../shared/http.ts';
import { discoveryKind } from './sd.ts';

export const uyuni = discoveryKind(
  'uyuni_sd_configs',
  {
    ...optionals({
      server: looseUrl(),
      username: text(),
      password: secret(),
      entitlement: text(),
      separator: text(),
      refresh_interval: duration(),
    }),
    ...httpClientFields,
  },
  (_, context, node) => {
    checkHttpClient(context, node);
    requireSet(node, context, ['server', 'username', 'password']);
  },
);
