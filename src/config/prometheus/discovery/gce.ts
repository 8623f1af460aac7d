// gce_sd_configs. Google Compute Engine: instances.

import { duration, integer, optionals, text } from '../../schema.ts';
import { requireSet } from '../../shared/checks.ts';
import { discoveryKind } from './sd.ts';

export const gce = discoveryKind(
  'gce_sd_configs',
  optionals({
    project: text(),
    zone: text(),
    filter: text(),
    refresh_interval: duration(),
    port: integer(),
    tag_separator: text(),
  }),
  (_, context, node) => {
    requireSet(node, context, ['project', 'zone']);
  },
);
