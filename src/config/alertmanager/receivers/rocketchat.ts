// rocketchat_configs. Rocket.Chat messages.

import type { Kind } from '../../registry.ts';
import { boolean, list, optionals, record, secret, secretFile, text } from '../../schema.ts';
import { exclusive, httpUrl, requireOneOf } from '../../shared/checks.ts';
import { httpConfig } from '../../shared/http.ts';

export const rocketchat: Kind<unknown> = {
  key: 'rocketchat_configs',
  carriedOut: false,
  schema: record(
    optionals({
      send_resolved: boolean(),
      api_url: httpUrl(),
      token: secret(),
      token_file: secretFile(),
      token_id: secret(),
      token_id_file: secretFile(),
      channel: text(),
      color: text(),
      title: text(),
      title_link: text(),
      text: text(),
      fields: list(record(optionals({ title: text(), value: text(), short: boolean() }))),
      short_fields: boolean(),
      emoji: text(),
      icon_url: text(),
      image_url: text(),
      thumb_url: text(),
      link_names: boolean(),
      actions: list(
        record(
          optionals({
            type: text(),
            text: text(),
            url: text(),
            image_url: text(),
            is_webview: boolean(),
            webview_height_ratio: text(),
            msg: text(),
            msg_in_chat_window: boolean(),
            msg_processing_type: text(),
          }),
        ),
      ),
      http_config: httpConfig,
    }),
    (_, context, node) => {
      exclusive(node, context, ['token', 'token_file']);
      requireOneOf(node, context, ['token', 'token_file']);
      exclusive(node, context, ['token_id', 'token_id_file']);
      requireOneOf(node, context, ['token_id', 'token_id_file']);
    },
  ),
};
