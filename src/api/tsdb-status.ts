// Prometheus's route for what the series in memory are made of.

import type { ServerResponse } from '../base/index.ts';
import type { TsdbStatusJson } from './contract.ts';
import type { ApiDeps } from './deps.ts';
import type { Asked } from './prometheus.ts';
import { failure, success } from './respond.ts';

const LIMIT_DEFAULT = 10;
/** As Prometheus bounds it. */
const LIMIT_MAX = 10_000;

export async function tsdbStatus(deps: ApiDeps, { params }: Asked): Promise<ServerResponse> {
  const text = params.get('limit') || String(LIMIT_DEFAULT);
  const limit = /^\+?\d{1,15}$/.test(text) ? Number(text) : 0;
  if (limit < 1) return failure('bad_data', 'limit must be a positive number');
  if (limit > LIMIT_MAX) return failure('bad_data', `limit must not exceed ${LIMIT_MAX}`);
  const counts = await deps.seriesCounts(limit);
  const { minMs, maxMs } = counts;
  const data: TsdbStatusJson = {
    headStats: {
      numSeries: counts.series,
      numLabelPairs: counts.labelPairs,
      chunkCount: counts.chunks,
      // Nothing yet: times that no sample has.
      minTime: Number.isFinite(minMs) ? minMs : 0,
      maxTime: Number.isFinite(maxMs) ? maxMs : 0,
    },
    seriesCountByMetricName: counts.seriesByMetric,
    labelValueCountByLabelName: counts.valuesByLabel,
    memoryInBytesByLabelName: counts.bytesByLabel,
    seriesCountByLabelValuePair: counts.seriesByPair,
  };
  return success(data);
}
