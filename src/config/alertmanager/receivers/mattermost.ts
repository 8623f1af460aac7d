// mattermost_configs. Mattermost's incoming webhooks.

import type { Kind } from '../../registry.ts';
import { anything, boolean, list, optionals, record, secretFile, text } from '../../schema.ts';
import { exclusive, httpUrlSecret, requireOneOf, requireSet } from '../../shared/checks.ts';
import { httpConfig } from '../../shared/http.ts';

const field = record(optionals({ title: text(), value: text(), short: boolean() }), (_, context, node) =>
  requireSet(node, context, ['title', 'value']),
);

export const mattermost: Kind<unknown> = {
  key: 'mattermost_configs',
  carriedOut: false,
  schema: record(
    optionals({
      send_resolved: boolean(),
      webhook_url: httpUrlSecret(),
      webhook_url_file: secretFile(),
      channel: text(),
      username: text(),
      text: text(),
      fallback: text(),
      color: text(),
      pretext: text(),
      author_name: text(),
      author_link: text(),
      author_icon: text(),
      title: text(),
      title_link: text(),
      fields: list(field),
      thumb_url: text(),
      footer: text(),
      footer_icon: text(),
      image_url: text(),
      icon_url: text(),
      icon_emoji: text(),
      attachments: list(anything()),
      type: text(),
      props: anything(),
      priority: anything(),
      http_config: httpConfig,
    }),
    (_, context, node) => {
      exclusive(node, context, ['webhook_url', 'webhook_url_file']);
      requireOneOf(node, context, ['webhook_url', 'webhook_url_file']);
    },
  ),
};
