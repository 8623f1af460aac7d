// sns_configs. Amazon SNS.

import { sigv4 } from '../../prometheus/remote.ts';
import type { Kind } from '../../registry.ts';
import { boolean, mapOf, optionals, record, text } from '../../schema.ts';
import { exclusive, isSet, requireOneOf } from '../../shared/checks.ts';
import { httpConfig } from '../../shared/http.ts';

const WAYS: readonly string[] = ['target_arn', 'topic_arn', 'phone_number'];

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
      requireOneOf(node, context, WAYS);
      const set = WAYS.filter(key => isSet(node, key));
      // Upstream lets all three pass, and so do we.
      if (set.length === 2) exclusive(node, context, set);
    },
  ),
};
