// msteams_configs. Microsoft Teams' retired connectors.

import type { Kind } from '../../registry.ts';
import { boolean, optionals, record, secretFile, text } from '../../schema.ts';
import { exclusive, httpUrlSecret, requireOneOf } from '../../shared/checks.ts';
import { httpConfig } from '../../shared/http.ts';

export const msteams: Kind<unknown> = {
  key: 'msteams_configs',
  carriedOut: false,
  schema: record(
    optionals({
      send_resolved: boolean(),
      webhook_url: httpUrlSecret(),
      webhook_url_file: secretFile(),
      title: text(),
      summary: text(),
      text: text(),
      http_config: httpConfig,
    }),
    (_, context, node) => {
      exclusive(node, context, ['webhook_url', 'webhook_url_file']);
      requireOneOf(node, context, ['webhook_url', 'webhook_url_file']);
    },
  ),
};
