// wechat_configs. WeChat work messages.

import type { Kind } from '../../registry.ts';
import { boolean, optionals, record, secret, secretFile, text } from '../../schema.ts';
import { exclusive, httpUrl, requireOneOf, requireSet } from '../../shared/checks.ts';
import { httpConfig } from '../../shared/http.ts';

export const wechat: Kind<unknown> = {
  key: 'wechat_configs',
  carriedOut: false,
  schema: record(
    optionals({
      send_resolved: boolean(),
      api_secret: secret(),
      api_secret_file: secretFile(),
      corp_id: text(),
      message: text(),
      api_url: httpUrl(),
      to_user: text(),
      to_party: text(),
      to_tag: text(),
      agent_id: text(),
      message_type: text({ oneOf: ['text', 'markdown'] }),
      http_config: httpConfig,
    }),
    (_, context, node) => {
      exclusive(node, context, ['api_secret', 'api_secret_file']);
      requireOneOf(node, context, ['api_secret', 'api_secret_file']);
      requireSet(node, context, ['corp_id']);
    },
  ),
};
