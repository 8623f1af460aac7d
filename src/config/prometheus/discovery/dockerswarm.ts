// dockerswarm_sd_configs. Docker Swarm: services, tasks or nodes.

import { duration, integer, list, optionals, record, text } from '../../schema.ts';
import { looseUrl, requireSet } from '../../shared/checks.ts';
import { checkHttpClient, httpClientFields } from '../../shared/http.ts';
import { discoveryKind } from './sd.ts';

export const dockerswarm = discoveryKind(
  'dockerswarm_sd_configs',
  {
    ...optionals({
      host: looseUrl(),
      role: text({ oneOf: ['services', 'nodes', 'tasks'] }),
      port: integer(),
      filters: list(record(optionals({ name: text(), values: list(text()) }))),
      refresh_interval: duration(),
    }),
    ...httpClientFields,
  },
  (_, context, node) => {
    checkHttpClient(context, node);
    requireSet(node, context, ['host', 'role']);
  },
);
