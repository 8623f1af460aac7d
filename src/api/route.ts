// One row of the table of routes.

import type { ServerResponse } from '../base/index.ts';
import type { Role } from '../model/index.ts';
import type { ApiDeps } from './deps.ts';
import type { Asked } from './prometheus.ts';

export interface Route {
  readonly methods: readonly string[];
  readonly path: RegExp;
  readonly role: Role;
  answer(deps: ApiDeps, asked: Asked, captured: string): Promise<ServerResponse> | ServerResponse;
}

export const GET: readonly string[] = ['GET', 'HEAD'];
export const FORM: readonly string[] = ['GET', 'HEAD', 'POST'];
export const CHANGE: readonly string[] = ['POST', 'PUT'];

/** `path` is an expression; what its one group captures is given to `answer`. */
export function route(
  methods: readonly string[],
  path: string,
  answer: Route['answer'],
  role: Role = 'viewer',
): Route {
  return { methods, path: new RegExp(`^${path}$`), role, answer };
}
