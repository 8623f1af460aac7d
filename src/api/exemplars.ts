// Prometheus's routes for what is kept beside samples: exemplars, and what metrics are about.

import type { ServerResponse } from '../base/index.ts';
import { formatFloatJson } from '../exposition/index.ts';
import { labelsToRecord } from '../model/index.ts';
import { matchersOf, parseExpr, selectorsOf } from '../promql/parser/index.ts';
import type { ExemplarsJson, MetadataJson } from './contract.ts';
import type { ApiDeps } from './deps.ts';
import { boundary, countParam } from './params.ts';
import type { Asked } from './prometheus.ts';
import { failure, success } from './respond.ts';

export async function queryExemplars(deps: ApiDeps, { params }: Asked): Promise<ServerResponse> {
  const fromMs = boundary(params, 'start', Number.NEGATIVE_INFINITY);
  if (!fromMs.ok) return failure('bad_data', fromMs.error);
  const toMs = boundary(params, 'end', Number.POSITIVE_INFINITY);
  if (!toMs.ok) return failure('bad_data', toMs.error);
  if (toMs.value < fromMs.value)
    return failure('bad_data', 'end timestamp must not be before start timestamp');
  const parsed = parseExpr(params.get('query') ?? '');
  if (!parsed.ok) return failure('bad_data', `invalid parameter "query": ${parsed.error[0].message}`);
  const anyOf = selectorsOf(parsed.value).map(matchersOf);
  if (anyOf.length === 0) return success([]);
  const found = await deps.exemplars.exemplars(anyOf, { fromMs: fromMs.value, toMs: toMs.value });
  if (!found.ok) return failure('internal', found.error.message);
  const data: ExemplarsJson[] = found.value.map(({ series, exemplars }) => ({
    seriesLabels: labelsToRecord(series),
    exemplars: exemplars.map(({ labels, value, timestampMs }) => ({
      labels: labelsToRecord(labels),
      value: formatFloatJson(value),
      timestamp: timestampMs / 1000,
    })),
  }));
  return success(data);
}

export function metadata(deps: ApiDeps, { params }: Asked): ServerResponse {
  const limit = countParam(params, 'limit');
  const perMetric = countParam(params, 'limit_per_metric');
  if (!limit.ok) return failure('bad_data', limit.error);
  if (!perMetric.ok) return failure('bad_data', perMetric.error);
  const wanted = params.get('metric') ?? '';
  const data: Record<string, MetadataJson[]> = {};
  // Of each metric the newest is kept, so that one entry is as many as any limit allows.
  const all = deps.reader.metadata().filter(({ metric }) => wanted === '' || metric === wanted);
  for (const { metric, type, help, unit } of limit.value < 0 ? all : all.slice(0, limit.value))
    data[metric] = [{ type, help, unit }];
  return success(data);
}
