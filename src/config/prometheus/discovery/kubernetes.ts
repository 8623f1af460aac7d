// kubernetes_sd_configs. Nodes, services, pods, endpoints and ingresses of a cluster.

import type { Node } from 'yaml';
import { boolean, list, optionals, type ReadContext, record, text } from '../../schema.ts';
import { checked, isSet, looseUrl, reportAt, requireSet } from '../../shared/checks.ts';
import { checkHttpClient, httpClientFields } from '../../shared/http.ts';
import { discoveryKind } from './sd.ts';

const ROLES = ['node', 'pod', 'service', 'endpoints', 'endpointslice', 'ingress'] as const;

/** Which objects each role watches, and so what its selectors may select. */
const SELECTABLE: Readonly<Record<string, readonly string[]>> = {
  node: ['node'],
  pod: ['pod', 'node'],
  service: ['service'],
  endpoints: ['pod', 'service', 'endpoints'],
  endpointslice: ['pod', 'service', 'endpointslice'],
  ingress: ['ingress'],
};

const fieldSelector = checked('field selector', value => {
  const bad = value.split(',').find(term => term.trim() !== '' && !/^[^=!]+(==|!=|=)[^=!]*$/.test(term));
  return bad === undefined
    ? undefined
    : `Cannot use the selector "${value}": can't understand "${bad}", write name=value`;
});

const selector = record(
  optionals({ role: text({ oneOf: ROLES }), label: text(), field: fieldSelector }),
  (_, context, node) => requireSet(node, context, ['role']),
);

export const kubernetes = discoveryKind(
  'kubernetes_sd_configs',
  {
    ...optionals({
      api_server: looseUrl(),
      role: text({ oneOf: ROLES }),
      kubeconfig_file: text(),
      namespaces: record(optionals({ own_namespace: boolean(), names: list(text()) })),
      selectors: list(selector),
      attach_metadata: record(optionals({ node: boolean(), namespace: boolean() })),
    }),
    ...httpClientFields,
  },
  (value, context, node) => {
    checkHttpClient(context, node);
    requireSet(node, context, ['role']);
    checkAccess(context, node, value.namespaces?.own_namespace === true);
    checkSelectors(value.role ?? '', value.selectors ?? [], { context, node });
  },
);

function checkAccess(context: ReadContext, node: Node, ownNamespace: boolean): void {
  const conflict = (first: string, second: string): void => {
    reportAt(node, second.split('.')[0] ?? second, context, {
      message: `Cannot use "${first}" and "${second}" together: they name different ways to the cluster`,
      remedy: `remove "${first}" or "${second}"`,
      conflict: true,
    });
  };
  const custom = [
    'basic_auth',
    'authorization',
    'oauth2',
    'bearer_token',
    'bearer_token_file',
    'tls_config',
    'proxy_url',
  ];
  const own = custom.find(key => isSet(node, key));
  if (isSet(node, 'kubeconfig_file')) {
    if (isSet(node, 'api_server')) conflict('kubeconfig_file', 'api_server');
    if (ownNamespace) conflict('kubeconfig_file', 'namespaces.own_namespace');
    if (own !== undefined) conflict('kubeconfig_file', own);
  }
  if (isSet(node, 'api_server') && ownNamespace) conflict('api_server', 'namespaces.own_namespace');
  if (own !== undefined && !isSet(node, 'api_server') && !isSet(node, 'kubeconfig_file')) {
    reportAt(node, own, context, {
      message: `Cannot use "${own}" without "api_server": inside the cluster the service account is used`,
      remedy: 'add "api_server"',
      conflict: true,
    });
  }
}

function checkSelectors(
  role: string,
  selectors: readonly { readonly role: string | undefined }[],
  at: { readonly context: ReadContext; readonly node: Node },
): void {
  const allowed = SELECTABLE[role];
  const seen = new Set<string>();
  for (const { role: selected = '' } of selectors) {
    if (seen.has(selected)) {
      reportAt(at.node, 'selectors', at.context, {
        message: `Cannot use the selector role "${selected}" twice: duplicated selector role`,
        remedy: 'put its label and field conditions into one selector',
      });
    }
    seen.add(selected);
    if (allowed !== undefined && !allowed.includes(selected)) {
      reportAt(at.node, 'selectors', at.context, {
        message: `Cannot use a selector of role "${selected}": the ${role} role supports only ${allowed.join(', ')} selectors`,
      });
    }
  }
}
