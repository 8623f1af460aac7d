// The query engine of a system, with the settings of the configuration and the log of active queries.

import type { Turns } from '../base/index.ts';
import type { QueryConfig } from '../config/index.ts';
import type { Metrics, SeriesReader } from '../model/index.ts';
import {
  type ActiveLog,
  createQueryEngine,
  openActiveLog,
  type QueryEngine,
  type QuerySettings,
} from '../promql/index.ts';
import type { SystemPorts } from './ports.ts';

/** What the command line sets: before the configuration. */
export type QueryOverrides = Partial<
  Pick<
    QuerySettings,
    'delayedNameRemoval' | 'startTimestamps' | 'samplesMax' | 'timeoutMs' | 'runningMax' | 'lookbackMs'
  >
>;

export interface QueryParts {
  readonly config: QueryConfig;
  readonly overrides: QueryOverrides | undefined;
  readonly activeLog: ActiveLog;
  readonly reader: SeriesReader;
  readonly turns: Turns;
  readonly metrics: Metrics;
}

export function openQueryLog(
  { disk, log }: SystemPorts,
  dataFolder: string,
  settings: { readonly config: QueryConfig; readonly overrides: QueryOverrides | undefined },
): Promise<ActiveLog> {
  const queriesMax = settings.overrides?.runningMax ?? settings.config.runningMax;
  return openActiveLog({ disk, path: `${dataFolder}/queries.active`, log, queriesMax });
}

export function queryEngineOf({ clock, log }: SystemPorts, parts: QueryParts): QueryEngine {
  const { config, overrides, ...rest } = parts;
  return createQueryEngine({ ...rest, clock, log, settings: { ...config, ...overrides } });
}
