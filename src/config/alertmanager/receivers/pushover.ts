// pushover_configs. Pushover messages.

import type { Kind } from '../../registry.ts';
import { boolean, duration, optionals, record, secret, secretFile, text } from '../../schema.ts';
import { exclusive, requireOneOf } from '../../shared/checks.ts';
import { httpConfig } from '../../shared/http.ts';

export const pushover: Kind<unknown> = {
  key: 'pushover_configs',
  carriedOut: false,
  schema: record(
    optionals({
      send_resolved: boolean(),
      user_key: secret(),
      user_key_file: secretFile(),
      token: secret(),
      token_file: secretFile(),
      title: text(),
      message: text(),
      url: text(),
      url_title: text(),
      device: text(),
      sound: text(),
      priority: text(),
      retry: duration(),
      expire: duration(),
      ttl: duration(),
      html: boolean(),
      monospace: boolean(),
      http_config: httpConfig,
    }),
    (value, context, node) => {
      requireOneOf(node, context, ['user_key', 'user_key_file']);
      exclusive(node, context, ['user_key', 'user_key_file']);
      requireOneOf(node, context, ['token', 'token_file']);
      exclusive(node, context, ['token', 'token_file']);
      if (value.html === true && value.monospace === true) exclusive(node, context, ['html', 'monospace']);
    },
  ),
};
