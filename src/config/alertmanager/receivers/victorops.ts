// victorops_configs. VictorOps (Splunk On-Call).

import type { Kind } from '../../registry.ts';
import { boolean, mapOf, optionals, record, secret, secretFile, text } from '../../schema.ts';
import { exclusive, httpUrl, reportAt, requireOneOf, requireSet } from '../../shared/checks.ts';
import { httpConfig } from '../../shared/http.ts';

/** Fields that each message has. */
const FIXED_FIELDS: ReadonlySet<string> = new Set([
  'routing_key',
  'message_type',
  'state_message',
  'entity_display_name',
  'monitoring_tool',
  'entity_id',
  'entity_state',
]);

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
    ({ custom_fields }, context, node) => {
      for (const name of custom_fields?.keys() ?? []) {
        if (!FIXED_FIELDS.has(name)) continue;
        reportAt(node, 'custom_fields', context, {
          message: `Cannot use "${name}" as a custom field: it is one of the fixed ones`,
          remedy: 'give it another name',
          conflict: true,
        });
      }
      requireSet(node, context, ['routing_key']);
      exclusive(node, context, ['api_key', 'api_key_file']);
      requireOneOf(node, context, ['api_key', 'api_key_file']);
    },
  ),
};
