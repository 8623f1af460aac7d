// /api/v1/features: what clients may count on, under Prometheus's names.

import type { ServerResponse } from '../base/index.ts';
import { SIGNATURES } from '../promql/parser/index.ts';
import { prometheusFunctions } from '../template/index.ts';
import type { ApiDeps } from './deps.ts';
import { success } from './respond.ts';

const on = (names: Iterable<string>): Record<string, boolean> =>
  Object.fromEntries([...names].sort().map(name => [name, true]));

const OPERATORS = [
  ...['!=', '!~', '%', '*', '+', '-', '/', '<', '</', '<=', '==', '=~', '>', '>/', '>=', '@', '^'],
  ...['and', 'atan2', 'or', 'unless'],
  ...['avg', 'bottomk', 'count', 'count_values', 'group', 'limit_ratio', 'limitk', 'max', 'min'],
  ...['quantile', 'stddev', 'stdvar', 'sum', 'topk'],
];
const LANGUAGE = [
  ...['anchored', 'at_modifier', 'bool', 'by', 'duration_expr', 'fill', 'fill_left', 'fill_right'],
  ...['group_left', 'group_right', 'ignoring', 'negative_offset', 'offset', 'on'],
  ...['per_query_lookback_delta', 'per_step_stats', 'smoothed', 'subqueries', 'without'],
];

export function features(deps: ApiDeps): ServerResponse {
  return success({
    api: {
      ...on(['label_values_match', 'query_stats', 'query_warnings', 'remote_write_receiver']),
      ...on(['time_range_labels', 'time_range_series', 'lifecycle', 'exclude_alerts']),
      ...on(['search', 'search_fuzz_alg_jarowinkler', 'search_fuzz_alg_subsequence']),
      admin: deps.admin() !== undefined,
    },
    promql: on(LANGUAGE),
    promql_functions: on(SIGNATURES.keys()),
    promql_operators: on(OPERATORS),
    rules: on(['keep_firing_for', 'query_offset']),
    scrape: on(['extra_scrape_metrics']),
    templating_functions: on(prometheusFunctions({ externalUrl: '' }).keys()),
    tsdb: on(['exemplar_storage', 'native_histograms', 'st_storage']),
  });
}
