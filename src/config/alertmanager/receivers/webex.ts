// webex_configs. Webex rooms.

import type { Kind } from '../../registry.ts';
import { boolean, optionals, record, text } from '../../schema.ts';
import { hasAuthorization, httpUrl, isSet, reportAt, requireSet } from '../../shared/checks.ts';
import { httpConfig } from '../../shared/http.ts';

export const webex: Kind<unknown> = {
  key: 'webex_configs',
  carriedOut: false,
  schema: record(
    optionals({
      send_resolved: boolean(),
      api_url: httpUrl(),
      message: text(),
      room_id: text(),
      http_config: httpConfig,
    }),
    (_, context, node) => {
      requireSet(node, context, ['room_id', 'http_config']);
      if (!isSet(node, 'http_config') || hasAuthorization(node, context)) return;
      reportAt(node, 'http_config', context, {
        message: `Cannot reach Webex without authorization: http_config of ${context.path} has none`,
        remedy: 'add "authorization" with the token of the bot as "credentials"',
      });
    },
  ),
};
