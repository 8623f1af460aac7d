// incidentio_configs. incident.io's alert sources.

import type { Kind } from '../../registry.ts';
import {
  boolean,
  duration,
  integer,
  mapOf,
  optionals,
  record,
  secret,
  secretFile,
  text,
} from '../../schema.ts';
import {
  exclusive,
  hasAuthorization,
  httpUrl,
  isSet,
  isWritten,
  reportAt,
  requireOneOf,
} from '../../shared/checks.ts';
import { httpConfig } from '../../shared/http.ts';

export const incidentio: Kind<unknown> = {
  key: 'incidentio_configs',
  carriedOut: false,
  schema: record(
    optionals({
      send_resolved: boolean(),
      url: httpUrl(),
      url_file: secretFile(),
      alert_source_token: secret(),
      alert_source_token_file: secretFile(),
      max_alerts: integer(),
      timeout: duration(),
      metadata: mapOf(text()),
      http_config: httpConfig,
    }),
    (_, context, node) => {
      exclusive(node, context, ['url', 'url_file']);
      requireOneOf(node, context, ['url', 'url_file']);
      exclusive(node, context, ['alert_source_token', 'alert_source_token_file']);
      const isAuthorized = hasAuthorization(node, context);
      const token = ['alert_source_token', 'alert_source_token_file'].find(key => isSet(node, key));
      if (isAuthorized && token !== undefined) {
        reportAt(node, token, context, {
          message: `Cannot use "${token}" beside an authorization in http_config: both would fill the same header`,
          remedy: 'keep one of the two',
          conflict: true,
        });
      }
      // Without an http_config of its own Alertmanager asks for no token.
      if (!isAuthorized && isWritten(node, 'http_config'))
        requireOneOf(node, context, ['alert_source_token', 'alert_source_token_file']);
    },
  ),
};
