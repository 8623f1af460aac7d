// static_configs: targets written out in the configuration.

import { list, mapOf, optional, type RecordOf, record, type Schema, text } from '../../config/index.ts';
import { labelsFromPairs, labelsToRecord } from '../../model/index.ts';
import type { DiscoveryKind, TargetGroup } from '../kind.ts';

/** Any UTF-8 text but the empty one is a label name. */
const labelName = text({ notEmpty: true, patternSays: 'a label name' });

const fields = {
  targets: optional(list(text({ notEmpty: true, patternSays: 'host:port' })), 'Addresses, host:port.'),
  labels: optional(mapOf(text(), labelName), 'Labels of all these targets.'),
};

export type StaticSettings = RecordOf<typeof fields>;

/** An address may be anything here (a URL for a prober): what it must be in the end, relabelling decides. */
export const staticSchema: Schema<StaticSettings> = record(fields);

export function staticGroup(settings: StaticSettings): TargetGroup {
  return {
    source: 'static',
    targets: (settings.targets ?? []).map(address => ({ __address__: address })),
    labels: labelsToRecord(labelsFromPairs(settings.labels ?? [])),
  };
}

export const staticKind: DiscoveryKind = {
  key: 'static_configs',
  schema: staticSchema,
  carriedOut: true,
  start(settings, _ports, onGroups) {
    // The registry hands back what `schema` made: the one place where the type is known again.
    onGroups([staticGroup(settings as StaticSettings)]);
    return { stop: () => {} };
  },
};
