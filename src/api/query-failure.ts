// Why a query, or another long read, was not answered, as the API says it.

import type { ServerResponse } from '../base/index.ts';
import type { QueryErrorCode, QueryFailure } from '../model/index.ts';
import type { ErrorType } from './contract.ts';
import { failure, plain, STATUS } from './respond.ts';

/** Seconds after which a client that was refused for the moment may ask again: there is room much sooner. */
const RETRY_AFTER_S = 2;

const ERROR_TYPES: Readonly<Record<QueryErrorCode, ErrorType>> = {
  'query-parse': 'bad_data',
  'query-execution': 'execution',
  'query-limit': 'execution',
  'query-overload': 'unavailable',
  'query-timeout': 'timeout',
  'query-cancelled': 'canceled',
  'query-storage': 'internal',
};

export function queryFailure(error: QueryFailure): ServerResponse {
  const place = error.span === undefined ? '' : ` (at ${error.span.start + 1}..${error.span.end})`;
  return failure(ERROR_TYPES[error.code], `${error.code}: ${error.message}${place}`, retryHeaders(error));
}

/** As text alone; `statuses` are those that are not the API's. */
export function plainQueryFailure(
  error: QueryFailure,
  statuses: Readonly<Partial<Record<QueryErrorCode, number>>>,
): ServerResponse {
  const response = plain(statuses[error.code] ?? STATUS[ERROR_TYPES[error.code]], `${error.message}\n`);
  return { ...response, headers: { ...response.headers, ...retryHeaders(error) } };
}

function retryHeaders({ code }: QueryFailure): Readonly<Record<string, string>> {
  return code === 'query-overload' ? { 'retry-after': String(RETRY_AFTER_S) } : {};
}
