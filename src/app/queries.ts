// What of the query engine is set for a system: by the configuration, and before it by the command line.

import type { QueryConfig } from '../config/index.ts';
import { type ActiveLog, openActiveLog, type QuerySettings } from '../promql/index.ts';
import type { SystemPorts } from './ports.ts';

/** What the command line sets. */
export type QueryOverrides = Partial<
  Pick<
    QuerySettings,
    'delayedNameRemoval' | 'startTimestamps' | 'samplesMax' | 'timeoutMs' | 'runningMax' | 'lookbackMs'
  >
>;

export function openQueryLog(
  { disk, clock, log }: SystemPorts,
  dataFolder: string,
  settings: { readonly config: QueryConfig; readonly overrides: QueryOverrides | undefined },
): Promise<ActiveLog> {
  const queriesMax = settings.overrides?.runningMax ?? settings.config.runningMax;
  return openActiveLog({ disk, clock, path: `${dataFolder}/queries.active`, log, queriesMax });
}
