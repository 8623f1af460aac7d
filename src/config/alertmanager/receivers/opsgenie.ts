// opsgenie_configs. OpsGenie alerts.

import type { Kind } from '../../registry.ts';
import { boolean, list, mapOf, optionals, record, secret, secretFile, text } from '../../schema.ts';
import { exclusive, httpUrl, reportAt, requireOneOf, requireSet } from '../../shared/checks.ts';
import { httpConfig } from '../../shared/http.ts';

const RESPONDER_TYPES: readonly string[] = ['team', 'teams', 'user', 'escalation', 'schedule'];

const responder = record(
  optionals({ id: text(), name: text(), username: text(), type: text() }),
  ({ type = '' }, context, node) => {
    requireOneOf(node, context, ['id', 'username', 'name']);
    requireSet(node, context, ['type']);
    if (type === '' || type.includes('{{') || RESPONDER_TYPES.includes(type.toLowerCase())) return;
    reportAt(node, 'type', context, {
      message: `Cannot use "${type}" as the type of a responder: one of ${RESPONDER_TYPES.join(', ')} expected`,
    });
  },
);

export const opsgenie: Kind<unknown> = {
  key: 'opsgenie_configs',
  carriedOut: false,
  schema: record(
    optionals({
      send_resolved: boolean(),
      api_key: secret(),
      api_key_file: secretFile(),
      api_url: httpUrl(),
      message: text(),
      description: text(),
      source: text(),
      details: mapOf(text()),
      entity: text(),
      responders: list(responder),
      actions: text(),
      tags: text(),
      note: text(),
      priority: text(),
      update_alerts: boolean(),
      http_config: httpConfig,
    }),
    (_, context, node) => {
      exclusive(node, context, ['api_key', 'api_key_file']);
      requireOneOf(node, context, ['api_key', 'api_key_file']);
    },
  ),
};
