// telegram_configs. Telegram's bots.

import type { Kind } from '../../registry.ts';
import { boolean, integer, optionals, record, secret, secretFile, text } from '../../schema.ts';
import { exclusive, httpUrl, requireOneOf } from '../../shared/checks.ts';
import { httpConfig } from '../../shared/http.ts';

export const telegram: Kind<unknown> = {
  key: 'telegram_configs',
  carriedOut: false,
  schema: record(
    optionals({
      send_resolved: boolean(),
      api_url: httpUrl(),
      bot_token: secret(),
      bot_token_file: secretFile(),
      chat_id: integer(),
      chat_id_file: secretFile(),
      message_thread_id: integer(),
      message: text(),
      disable_notifications: boolean(),
      parse_mode: text({ oneOf: ['', 'Markdown', 'MarkdownV2', 'HTML'] }),
      http_config: httpConfig,
    }),
    (_, context, node) => {
      requireOneOf(node, context, ['bot_token', 'bot_token_file']);
      exclusive(node, context, ['bot_token', 'bot_token_file']);
      requireOneOf(node, context, ['chat_id', 'chat_id_file']);
      exclusive(node, context, ['chat_id', 'chat_id_file']);
    },
  ),
};
