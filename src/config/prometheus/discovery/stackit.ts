// stackit_sd_configs. STACKIT: servers.

import { duration, integer, optionals, secret, text } from '../../schema.ts';
import { reportAt, urlProblem } from '../../shared/checks.ts';
import { checkHttpClient, httpClientFields } from '../../shared/http.ts';
import { discoveryKind } from './sd.ts';

export const stackit = discoveryKind(
  'stackit_sd_configs',
  {
    ...optionals({
      project: text(),
      region: text(),
      endpoint: text(),
      port: integer(),
      private_key: secret(),
      private_key_path: text(),
      service_account_key: secret(),
      service_account_key_path: text(),
      credentials_file_path: text(),
      refresh_interval: duration(),
    }),
    ...httpClientFields,
  },
  (value, context, node) => {
    checkHttpClient(context, node);
    const problem = value.endpoint === undefined ? undefined : urlProblem(value.endpoint);
    if (problem !== undefined) {
      reportAt(node, 'endpoint', context, {
        message: `Cannot use "${value.endpoint}" as endpoint: ${problem}`,
      });
    }
  },
);
