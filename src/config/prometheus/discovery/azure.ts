// azure_sd_configs. Azure: virtual machines.

import { duration, integer, optionals, secret, text } from '../../schema.ts';
import { requireSet } from '../../shared/checks.ts';
import { checkHttpClient, httpClientFields } from '../../shared/http.ts';
import { discoveryKind } from './sd.ts';

export const azure = discoveryKind(
  'azure_sd_configs',
  {
    ...optionals({
      environment: text(),
      port: integer(),
      subscription_id: text(),
      tenant_id: text(),
      client_id: text(),
      client_secret: secret(),
      refresh_interval: duration(),
      authentication_method: text({ oneOf: ['OAuth', 'ManagedIdentity', 'SDK', 'WorkloadIdentity'] }),
      resource_group: text(),
    }),
    ...httpClientFields,
  },
  (value, context, node) => {
    checkHttpClient(context, node);
    requireSet(node, context, ['subscription_id']);
    const method = value.authentication_method ?? 'OAuth';
    if (method === 'OAuth') requireSet(node, context, ['tenant_id', 'client_id', 'client_secret']);
  },
);
