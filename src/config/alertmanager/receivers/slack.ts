// slack_configs. Slack: incoming webhooks or an app's token.

import type { Kind } from '../../registry.ts';
import { boolean, duration, list, optionals, record, secret, secretFile, text } from '../../schema.ts';
import { exclusive, httpUrl, httpUrlSecret, requireOneOf, requireSet } from '../../shared/checks.ts';
import { httpConfig } from '../../shared/http.ts';

const confirm = record(
  optionals({ text: text(), title: text(), ok_text: text(), dismiss_text: text() }),
  (_, context, node) => requireSet(node, context, ['text']),
);

const action = record(
  optionals({ type: text(), text: text(), url: text(), style: text(), name: text(), value: text(), confirm }),
  (_, context, node) => {
    requireSet(node, context, ['type', 'text']);
    requireOneOf(node, context, ['url', 'name']);
  },
);

export const slack: Kind<unknown> = {
  key: 'slack_configs',
  carriedOut: false,
  schema: record(
    optionals({
      send_resolved: boolean(),
      api_url: httpUrlSecret(),
      api_url_file: secretFile(),
      app_token: secret(),
      app_token_file: secretFile(),
      app_url: httpUrl(),
      channel: text(),
      username: text(),
      color: text(),
      title: text(),
      title_link: text(),
      pretext: text(),
      text: text(),
      message_text: text(),
      fields: list(record(optionals({ title: text(), value: text(), short: boolean() }))),
      short_fields: boolean(),
      footer: text(),
      fallback: text(),
      callback_id: text(),
      icon_emoji: text(),
      icon_url: text(),
      image_url: text(),
      thumb_url: text(),
      link_names: boolean(),
      mrkdwn_in: list(text()),
      actions: list(action),
      timeout: duration(),
      update_message: boolean(),
      http_config: httpConfig,
    }),
    (_, context, node) => {
      exclusive(node, context, ['api_url', 'api_url_file']);
      exclusive(node, context, ['app_token', 'app_token_file']);
      requireOneOf(node, context, ['api_url', 'api_url_file', 'app_token', 'app_token_file']);
    },
  ),
};
