// scaleway_sd_configs. Scaleway: instances or bare metal.

import { bad, duration, integer, list, mapped, optionals, secret, text } from '../../schema.ts';
import { exclusive, requireOneOf, requireSet } from '../../shared/checks.ts';
import { checkHttpClient, httpClientFields } from '../../shared/http.ts';
import { discoveryKind } from './sd.ts';

/** The forms that Scaleway's client insists on. */
const ACCESS_KEY = /^(?:SCW[A-Z0-9]{17})?$/;
const UUID = /^(?:[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})?$/;

export const scaleway = discoveryKind(
  'scaleway_sd_configs',
  {
    ...optionals({
      project_id: text({ pattern: UUID, patternSays: 'a UUID' }),
      api_url: text(),
      zone: text(),
      access_key: text({ pattern: ACCESS_KEY, patternSays: 'a key such as SCWXXXXXXXXXXXXXXXXX' }),
      secret_key: mapped(secret(), (value, context) =>
        value.reveal() === '' || UUID.test(value.reveal())
          ? value
          : bad('Cannot take the secret_key: a UUID expected', context),
      ),
      secret_key_file: text(),
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
