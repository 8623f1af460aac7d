// discord_configs. Discord's incoming webhooks.

import type { Kind } from '../../registry.ts';
import { boolean, optionals, record, secretFile, text } from '../../schema.ts';
import { exclusive, httpUrlSecret, requireOneOf } from '../../shared/checks.ts';
import { httpConfig } from '../../shared/http.ts';

export const discord: Kind<unknown> = {
  key: 'discord_configs',
  carriedOut: false,
  schema: record(
    optionals({
      send_resolved: boolean(),
      webhook_url: httpUrlSecret(),
      webhook_url_file: secretFile(),
      content: text(),
      username: text(),
      avatar_url: text(),
      title: text(),
      message: text(),
      http_config: httpConfig,
    }),
    (_, context, node) => {
      exclusive(node, context, ['webhook_url', 'webhook_url_file']);
      requireOneOf(node, context, ['webhook_url', 'webhook_url_file']);
    },
  ),
};
