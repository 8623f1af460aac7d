// victorops_configs. VictorOps (Splunk On-Call).

import type { Kind } from '../../registry.ts';
import { boolean, mapOf, optionals, record, secret, secretFile, text } from '../../schema.ts';
import { exclusive, httpUrl, requireOneOf, requireSet } from '../../shared/checks.ts';
import { httpConfig } from '../../shared/http.ts';

export const victorops: Kind<unknown> = {
  key: 'victorops_configs',
  carriedOut: false,
  schema: record(
    optionals({
      send_resolved: boolean(),
      api_key: secret(),
      api_key_file: secretFile(),
      api_url: httpUrl(),
      routing_key: text(),
      message_type: text(),
      state_message: text(),
      entity_display_name: text(),
      monitoring_tool: text(),
      custom_fields: mapOf(text()),
      http_config: httpConfig,
    }),
    (_, context, node) => {
      requireSet(node, context, ['routing_key']);
      exclusive(node, context, ['api_key', 'api_key_file']);
      requireOneOf(node, context, ['api_key', 'api_key_file']);
    },
  ),
};
