// openstack_sd_configs. OpenStack: hypervisors, instances or load balancers.

import { boolean, duration, integer, optionals, secret, text } from '../../schema.ts';
import { requireSet } from '../../shared/checks.ts';
import { tlsConfig } from '../../shared/http.ts';
import { discoveryKind } from './sd.ts';

export const openstack = discoveryKind(
  'openstack_sd_configs',
  optionals({
    identity_endpoint: text(),
    username: text(),
    userid: text(),
    password: secret(),
    project_name: text(),
    project_id: text(),
    domain_name: text(),
    domain_id: text(),
    application_credential_name: text(),
    application_credential_id: text(),
    application_credential_secret: secret(),
    role: text({ oneOf: ['hypervisor', 'instance', 'loadbalancer'] }),
    region: text(),
    refresh_interval: duration(),
    port: integer(),
    all_tenants: boolean(),
    tls_config: tlsConfig,
    availability: text({ oneOf: ['public', 'internal', 'admin'] }),
  }),
  (_, context, node) => {
    requireSet(node, context, ['role', 'region']);
  },
);
