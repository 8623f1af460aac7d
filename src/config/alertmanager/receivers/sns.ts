// sns_configs. Amazon SNS.

import { sigv4 } from '../../prometheus/remote.ts';
import type { Kind } from '../../registry.ts';
import { boolean, mapOf, optionals, record, text } from '../../schema.ts';
import { requireOneOf } from '../../shared/checks.ts';
import { httpConfig } from '../../shared/http.ts';

export const sns: Kind<unknown> = {
  key: 'sns_configs',
  carriedOut: false,
  schema: record(
    optionals({
      send_resolved: boolean(),
      api_url: text(),
      sigv4,
      topic_arn: text(),
      phone_number: text(),
      target_arn: text(),
      subject: text(),
      message: text(),
      attributes: mapOf(text()),
      http_config: httpConfig,
    }),
    (_, context, node) => {
      requireOneOf(node, context, ['target_arn', 'topic_arn', 'phone_number']);
    },
  ),
};
