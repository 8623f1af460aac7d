// Answers as Alertmanager's clients know them: JSON without an envelope, errors as texts or as its framework's objects.

import type { ServerResponse } from '../../base/index.ts';
import { json } from '../respond.ts';

export function answer(value: unknown): ServerResponse {
  return json(200, JSON.stringify(value));
}

/** Nothing more is to be said. */
export function empty(status: 200 | 404): ServerResponse {
  return json(status, '');
}

/** What the request means cannot be done: the reason as a JSON text. */
export function refusal(status: 400 | 404 | 500, reason: string): ServerResponse {
  return json(status, `${JSON.stringify(reason)}\n`);
}

/** Of a request that is not as the API's description says; the first two numbers are its framework's. */
export interface Malformed {
  readonly status: 400 | 413 | 422;
  readonly code: number;
  readonly message: string;
}

/** A field is of another type or shape than it must be, or is not there. */
export const WRONG_TYPE = 601;
export const MISSING = 602;
export const TOO_FEW = 612;

export function malformed({ status, code, message }: Malformed): ServerResponse {
  return json(status, JSON.stringify({ code, message }));
}
