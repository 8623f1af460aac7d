// Every kind of discovery that Prometheus 3.14 knows, by the key it stands under.

import type { Kind } from '../../registry.ts';
import { aws } from './aws.ts';
import { azure } from './azure.ts';
import { consul } from './consul.ts';
import { digitalocean } from './digitalocean.ts';
import { dns } from './dns.ts';
import { docker } from './docker.ts';
import { dockerswarm } from './dockerswarm.ts';
import { ec2 } from './ec2.ts';
import { ecs } from './ecs.ts';
import { elasticache } from './elasticache.ts';
import { eureka } from './eureka.ts';
import { file } from './file.ts';
import { gce } from './gce.ts';
import { hetzner } from './hetzner.ts';
import { http } from './http.ts';
import { ionos } from './ionos.ts';
import { kubernetes } from './kubernetes.ts';
import { kuma } from './kuma.ts';
import { lightsail } from './lightsail.ts';
import { linode } from './linode.ts';
import { marathon } from './marathon.ts';
import { msk } from './msk.ts';
import { nerve } from './nerve.ts';
import { nomad } from './nomad.ts';
import { oci } from './oci.ts';
import { openstack } from './openstack.ts';
import { outscale } from './outscale.ts';
import { ovhcloud } from './ovhcloud.ts';
import { puppetdb } from './puppetdb.ts';
import { rds } from './rds.ts';
import { scaleway } from './scaleway.ts';
import { serverset } from './serverset.ts';
import { stackit } from './stackit.ts';
import { staticTargets } from './static.ts';
import { triton } from './triton.ts';
import { uyuni } from './uyuni.ts';
import { vultr } from './vultr.ts';

export const ownDiscoveryKinds: readonly Kind<unknown>[] = [
  aws,
  azure,
  consul,
  digitalocean,
  dns,
  docker,
  dockerswarm,
  ec2,
  eureka,
  file,
  gce,
  hetzner,
  http,
  ionos,
  kubernetes,
  kuma,
  lightsail,
  linode,
  marathon,
  nerve,
  nomad,
  oci,
  openstack,
  outscale,
  ovhcloud,
  puppetdb,
  scaleway,
  serverset,
  stackit,
  ecs,
  msk,
  rds,
  elasticache,
  staticTargets,
  triton,
  uyuni,
  vultr,
];
