// oci_sd_configs. Oracle Cloud: instances.

import { duration, integer, list, optionals, secret, text } from '../../schema.ts';
import { checkHttpClient, httpClientFields } from '../../shared/http.ts';
import { discoveryKind } from './sd.ts';

export const oci = discoveryKind(
  'oci_sd_configs',
  {
    ...optionals({
      authentication_method: text({ oneOf: ['api_key', 'instance_principal'] }),
      auth_method: text({ oneOf: ['api_key', 'instance_principal'] }),
      region: text(),
      tenancy: text(),
      user: text(),
      fingerprint: text(),
      key_file: text(),
      key_passphrase: secret(),
      key_passphrase_file: text(),
      compartments: list(text()),
      port: integer(),
      refresh_interval: duration(),
      tag_separator: text(),
    }),
    ...httpClientFields,
  },
  (_, context, node) => {
    checkHttpClient(context, node);
  },
);
