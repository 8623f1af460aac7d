// What Prometheus's web configuration file gives, put beside the section "web" of watchkeeper.yml.

import type { Node } from 'yaml';
import type { Diagnostic } from '../../model/index.ts';
import type { YamlDocument } from '../document.ts';
import { keyNode, valueNodeAt } from '../schema.ts';
import { unguarded, type WebConfig } from './sections.ts';
import type { WebFile } from './web-file.ts';

export interface WebParts {
  readonly web: WebConfig;
  /** The document that `web` was read from, where there is one. */
  readonly own: YamlDocument | undefined;
  readonly file: WebFile;
  readonly document: YamlDocument;
}

/** The two may not speak of one thing, and neither wins silently. */
export function joinWeb(parts: WebParts): {
  readonly web: WebConfig;
  readonly diagnostics: readonly Diagnostic[];
} {
  const { web, file } = parts;
  const diagnostics: Diagnostic[] = [];
  if (web.tls !== undefined && file.tls !== undefined)
    diagnostics.push(conflict(parts, { key: 'tls_server_config', ownKey: 'tls' }));
  if (web.users.length > 0 && file.users.length > 0)
    diagnostics.push(conflict(parts, { key: 'basic_auth_users', ownKey: 'users' }));
  const joined: WebConfig = {
    ...web,
    headers: file.headers,
    users: [...web.users, ...file.users],
    ...(file.tls === undefined ? {} : { tls: file.tls }),
    ...(file.rateLimit === undefined ? {} : { rateLimit: file.rateLimit }),
    configFile: parts.document.file,
  };
  const problem = unguarded(joined);
  if (problem !== undefined) {
    const remedy =
      'add basic_auth_users to it, web.users or web.tokens to watchkeeper.yml, or listen on 127.0.0.1';
    diagnostics.push({
      ...problem,
      remedy,
      severity: 'error',
      path: '',
      ...placeIn(parts.document, undefined),
    });
  }
  return { web: joined, diagnostics };
}

function conflict(
  { own, document }: WebParts,
  { key, ownKey }: { readonly key: string; readonly ownKey: string },
): Diagnostic {
  const section = own?.root === undefined ? undefined : valueNodeAt(own.root, 'web');
  const there =
    own === undefined
      ? undefined
      : placeIn(own, section === undefined ? undefined : keyNode(section, ownKey));
  const place = there === undefined ? 'watchkeeper.yml' : `${there.file}:${there.line}:${there.column}`;
  return {
    code: 'config-conflict',
    severity: 'error',
    message: `Cannot use "${key}" beside "web.${ownKey}" at ${place}: both say the same thing`,
    remedy: 'keep one of the two',
    path: key,
    ...placeIn(document, document.root === undefined ? undefined : keyNode(document.root, key)),
  };
}

function placeIn(document: YamlDocument, node: Node | undefined) {
  return { file: document.file, ...document.place(node?.range?.[0] ?? 0) };
}

/** Two files named, on the command line and in watchkeeper.yml. */
export function twoWebFiles(
  own: YamlDocument,
  named: { readonly flag: string; readonly key: string },
): Diagnostic {
  const section = own.root === undefined ? undefined : valueNodeAt(own.root, 'web');
  return {
    code: 'config-conflict',
    severity: 'error',
    message: `Cannot use "${named.key}" of web.config_file: --web.config.file names "${named.flag}"`,
    remedy: 'keep one of the two',
    path: 'web.config_file',
    ...placeIn(own, section === undefined ? undefined : keyNode(section, 'config_file')),
  };
}
