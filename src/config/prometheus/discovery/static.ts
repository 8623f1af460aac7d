// static_configs. Target groups written out in the file.

import type { Kind } from '../../registry.ts';
import { list, mapOf, optional, optionals, record, text } from '../../schema.ts';
import { labelName, labelValueText } from '../../shared/checks.ts';

/** One target group: addresses, and labels that all of them carry. */
export const targetGroup = record({
  targets: optional(list(text())),
  ...optionals({ labels: mapOf(labelValueText(), labelName()) }),
});

export const staticTargets: Kind<unknown> = { key: 'static_configs', schema: targetGroup, carriedOut: true };
