// marathon_sd_configs. Marathon: the tasks of apps.

import { duration, list, optionals, secret, secretFile, text } from '../../schema.ts';
import { excludes, exclusive, requireOneOf } from '../../shared/checks.ts';
import { checkHttpClient, httpClientFields } from '../../shared/http.ts';
import { discoveryKind } from './sd.ts';

export const marathon = discoveryKind(
  'marathon_sd_configs',
  {
    ...optionals({
      servers: list(text()),
      refresh_interval: duration(),
      auth_token: secret(),
      auth_token_file: secretFile(),
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
    if ((value.servers ?? []).length === 0) requireOneOf(node, context, ['servers']);
  },
);
