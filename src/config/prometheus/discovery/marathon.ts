// marathon_sd_configs. Marathon: the tasks of apps.

import { duration, list, optionals, secret, text } from '../../schema.ts';
import { excludes, exclusive, requireEntries } from '../../shared/checks.ts';
import { checkHttpClient, httpClientFields } from '../../shared/http.ts';
import { discoveryKind } from './sd.ts';

export const marathon = discoveryKind(
  'marathon_sd_configs',
  {
    ...optionals({
      servers: list(text()),
      refresh_interval: duration(),
      auth_token: secret(),
      auth_token_file: text(),
    }),
    ...httpClientFields,
  },
  (value, context, node) => {
    checkHttpClient(context, node);
    exclusive(node, context, ['auth_token', 'auth_token_file']);
    excludes(node, context, [
      ['auth_token', 'auth_token_file'],
      ['basic_auth', 'authorization', 'bearer_token', 'bearer_token_file', 'oauth2'],
    ]);
    requireEntries(node, context, { servers: value.servers });
  },
);
