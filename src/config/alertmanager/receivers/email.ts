// email_configs. E-mail over SMTP.

import { isScalar, type Node } from 'yaml';
import { pairsOf } from '../../document.ts';
import type { Kind } from '../../registry.ts';
import {
  boolean,
  mapOf,
  optionals,
  type ReadContext,
  record,
  secret,
  secretFile,
  text,
  valueNodeAt,
} from '../../schema.ts';
import { exclusive, hostPort, reportAt, requireSet } from '../../shared/checks.ts';
import { tlsConfig } from '../../shared/http.ts';

/** Names of headers are one, however they are written; those of a thread are ours where messages are threaded. */
export function checkEmailHeaders(node: Node, context: ReadContext): void {
  const headers = valueNodeAt(node, 'headers');
  const names = [...pairsOf(headers === undefined ? undefined : context.resolve(headers)).keys()];
  const known = new Set<string>();
  for (const name of names) {
    const one = name.toLowerCase();
    if (known.has(one)) {
      reportAt(node, 'headers', context, {
        message: `Cannot use the header "${name}" twice: the case of its letters makes no other header of it`,
        remedy: 'keep one of the two',
        conflict: true,
      });
    }
    known.add(one);
  }
  const threading = valueNodeAt(node, 'threading');
  const map = threading === undefined ? undefined : context.resolve(threading);
  const enabled = map === undefined ? undefined : valueNodeAt(map, 'enabled');
  if (enabled === undefined || !isScalar(enabled) || enabled.value !== true) return;
  for (const name of names) {
    if (!/^(references|in-reply-to)$/i.test(name)) continue;
    reportAt(node, 'headers', context, {
      message: `Cannot use the header "${name}" with threading.enabled: it is what makes the thread`,
      remedy: 'remove the header, or the threading',
      conflict: true,
    });
  }
}

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
      checkEmailHeaders(node, context);
    },
  ),
};
