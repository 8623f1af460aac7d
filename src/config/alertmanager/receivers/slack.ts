// slack_configs. Slack: incoming webhooks or an app's token.

import type { Node } from 'yaml';
import type { Kind } from '../../registry.ts';
import {
  boolean,
  duration,
  list,
  optionals,
  type ReadContext,
  record,
  secret,
  secretFile,
  text,
} from '../../schema.ts';
import {
  exclusive,
  hasAuthorization,
  httpUrl,
  httpUrlSecret,
  isSet,
  isWritten,
  reportAt,
  requireOneOf,
  requireSet,
} from '../../shared/checks.ts';
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

const field = record(optionals({ title: text(), value: text(), short: boolean() }), (_, context, node) =>
  requireSet(node, context, ['title', 'value']),
);

/** A message goes by a webhook or by an app, and an app's token is the only authorization then. */
export function checkSlackAccess(node: Node, context: ReadContext): void {
  const token = ['app_token', 'app_token_file'].find(key => isSet(node, key));
  if (token === undefined) return;
  const url = ['api_url', 'api_url_file'].find(key => isWritten(node, key));
  if (url !== undefined && isWritten(node, token)) {
    reportAt(node, token, context, {
      message: `Cannot use "${url}" and "${token}" together: at most one of api_url/api_url_file and app_token/app_token_file may be set`,
      remedy: 'keep one of the two',
      conflict: true,
    });
  }
  if (hasAuthorization(node, context)) {
    reportAt(node, 'http_config', context, {
      message: `Cannot use "${token}" beside an authorization in http_config: both would fill the same header`,
      remedy: 'keep one of the two',
      conflict: true,
    });
  }
}

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
      fields: list(field),
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
      checkSlackAccess(node, context);
    },
  ),
};
