// consul_sd_configs. Consul: the services of its catalogue.

import { boolean, duration, list, mapOf, optionals, secret, text } from '../../schema.ts';
import { excludes, requireSet } from '../../shared/checks.ts';
import { checkHttpClient, httpClientFields } from '../../shared/http.ts';
import { discoveryKind } from './sd.ts';

export const consul = discoveryKind(
  'consul_sd_configs',
  {
    ...optionals({
      server: text(),
      path_prefix: text(),
      token: secret(),
      datacenter: text(),
      namespace: text(),
      partition: text(),
      tag_separator: text(),
      scheme: text(),
      username: text(),
      password: secret(),
      allow_stale: boolean(),
      refresh_interval: duration(),
      services: list(text()),
      tags: list(text()),
      node_meta: mapOf(text()),
      filter: text(),
      health_filter: text(),
    }),
    ...httpClientFields,
  },
  (value, context, node) => {
    checkHttpClient(context, node);
    excludes(node, context, [['username', 'password'], ['basic_auth']]);
    if (value.server === '') requireSet(node, context, ['server']);
  },
);
