// webhook_configs. Any HTTP endpoint, in Alertmanager's JSON.

import type { Kind } from '../../registry.ts';
import { anything, boolean, duration, integer, optionals, record, secretFile } from '../../schema.ts';
import { exclusive, httpUrlSecret, requireOneOf } from '../../shared/checks.ts';
import { httpConfig } from '../../shared/http.ts';

export const webhook: Kind<unknown> = {
  key: 'webhook_configs',
  carriedOut: false,
  schema: record(
    optionals({
      send_resolved: boolean(),
      url: httpUrlSecret(),
      url_file: secretFile(),
      max_alerts: integer({ min: 0 }),
      timeout: duration(),
      payload: anything(),
      http_config: httpConfig,
    }),
    (_, context, node) => {
      exclusive(node, context, ['url', 'url_file']);
      requireOneOf(node, context, ['url', 'url_file']);
    },
  ),
};
