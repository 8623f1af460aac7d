// pagerduty_configs. PagerDuty's events.

import type { Kind } from '../../registry.ts';
import {
  anything,
  boolean,
  duration,
  list,
  mapOf,
  optionals,
  record,
  secret,
  secretFile,
  text,
} from '../../schema.ts';
import { exclusive, httpUrl, requireOneOf } from '../../shared/checks.ts';
import { httpConfig } from '../../shared/http.ts';

export const pagerduty: Kind<unknown> = {
  key: 'pagerduty_configs',
  carriedOut: false,
  schema: record(
    optionals({
      send_resolved: boolean(),
      service_key: secret(),
      service_key_file: secretFile(),
      routing_key: secret(),
      routing_key_file: secretFile(),
      url: httpUrl(),
      client: text(),
      client_url: text(),
      description: text(),
      details: mapOf(anything()),
      images: list(record(optionals({ href: text(), src: text(), alt: text() }))),
      links: list(record(optionals({ href: text(), text: text() }))),
      source: text(),
      severity: text(),
      class: text(),
      component: text(),
      group: text(),
      timeout: duration(),
      http_config: httpConfig,
    }),
    (_, context, node) => {
      requireOneOf(node, context, ['routing_key', 'routing_key_file', 'service_key', 'service_key_file']);
      exclusive(node, context, ['service_key', 'service_key_file']);
      exclusive(node, context, ['routing_key', 'routing_key_file']);
    },
  ),
};
