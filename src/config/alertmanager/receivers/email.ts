// email_configs. E-mail over SMTP.

import type { Kind } from '../../registry.ts';
import { boolean, mapOf, optionals, record, secret, secretFile, text } from '../../schema.ts';
import { exclusive, hostPort, requireSet } from '../../shared/checks.ts';
import { tlsConfig } from '../../shared/http.ts';

export const email: Kind<unknown> = {
  key: 'email_configs',
  carriedOut: false,
  schema: record(
    optionals({
      send_resolved: boolean(),
      to: text(),
      from: text(),
      hello: text(),
      smarthost: hostPort(),
      auth_username: text(),
      auth_password: secret(),
      auth_password_file: secretFile(),
      auth_secret: secret(),
      auth_secret_file: secretFile(),
      auth_identity: text(),
      headers: mapOf(text()),
      html: text(),
      text: text(),
      require_tls: boolean(),
      implicit_tls: boolean(),
      force_implicit_tls: boolean(),
      tls_config: tlsConfig,
      threading: record(optionals({ enabled: boolean(), thread_by_date: text() })),
    }),
    (_, context, node) => {
      requireSet(node, context, ['to', 'from', 'smarthost']);
      exclusive(node, context, ['auth_password', 'auth_password_file']);
      exclusive(node, context, ['auth_secret', 'auth_secret_file']);
    },
  ),
};
