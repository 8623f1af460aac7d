// webex_configs. Webex rooms.

import type { Kind } from '../../registry.ts';
import { boolean, optionals, record, text } from '../../schema.ts';
import { httpUrl, requireSet } from '../../shared/checks.ts';
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
    },
  ),
};
