// webex_configs. Webex rooms.

import type { Kind } from '../../registry.ts';
import { boolean, optionals, record, text } from '../../schema.ts';
import { hasAuthorization, httpUrl, isWritten, reportAt, requireSet } from '../../shared/checks.ts';
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
      requireSet(node, context, ['room_id']);
      // Of the receiver itself: what `global` has does not count, as in Alertmanager.
      if (isWritten(node, 'http_config') && hasAuthorization(node, context)) return;
      reportAt(node, 'http_config', context, {
        message: `Cannot reach Webex without authorization: ${context.path} has no http_config with one`,
        remedy: 'add "http_config: { authorization: { credentials: … } }" with the token of the bot',
      });
    },
  ),
};
