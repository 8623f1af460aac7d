// scaleway_sd_configs. Scaleway: instances or bare metal.

import { duration, integer, list, optionals, secret, secretFile, text } from '../../schema.ts';
import { exclusive, requireOneOf, requireSet } from '../../shared/checks.ts';
import { checkHttpClient, httpClientFields } from '../../shared/http.ts';
import { discoveryKind } from './sd.ts';

export const scaleway = discoveryKind(
  'scaleway_sd_configs',
  {
    ...optionals({
      project_id: text(),
      api_url: text(),
      zone: text(),
      access_key: text(),
      secret_key: secret(),
      secret_key_file: secretFile(),
      name_filter: text(),
      tags_filter: list(text()),
      refresh_interval: duration(),
      port: integer(),
      role: text({ oneOf: ['instance', 'baremetal'] }),
    }),
    ...httpClientFields,
  },
  (_, context, node) => {
    checkHttpClient(context, node);
    requireSet(node, context, ['role', 'project_id', 'access_key']);
    exclusive(node, context, ['secret_key', 'secret_key_file']);
    requireOneOf(node, context, ['secret_key', 'secret_key_file']);
  },
);
