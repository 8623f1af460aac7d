// docker_sd_configs. Docker: the containers of an engine.

import { boolean, duration, integer, list, optionals, record, text } from '../../schema.ts';
import { looseUrl, requireSet } from '../../shared/checks.ts';
import { checkHttpClient, httpClientFields } from '../../shared/http.ts';
import { discoveryKind } from './sd.ts';

export const docker = discoveryKind(
  'docker_sd_configs',
  {
    ...optionals({
      host: looseUrl(),
      port: integer(),
      filters: list(record(optionals({ name: text(), values: list(text()) }))),
      host_networking_host: looseUrl(),
      refresh_interval: duration(),
      match_first_network: boolean(),
    }),
    ...httpClientFields,
  },
  (_, context, node) => {
    checkHttpClient(context, node);
    requireSet(node, context, ['host']);
  },
);
