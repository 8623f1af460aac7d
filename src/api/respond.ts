// Answers in the API's common envelope.

import type { ServerResponse, Turns } from '../base/index.ts';
import type { ErrorType, Failure, Success } from './contract.ts';
import { bodyOf, type TextParts } from './text-parts.ts';

export const STATUS: Readonly<Record<ErrorType, number>> = {
  bad_data: 400,
  execution: 422,
  canceled: 499,
  timeout: 503,
  internal: 500,
  not_found: 404,
  unavailable: 503,
  unauthorized: 401,
  forbidden: 403,
};

/** No browser may take our JSON or pages for something else, or show them inside another page. */
const SAFE_HEADERS = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
};

interface Notes {
  readonly warnings?: readonly string[];
  readonly infos?: readonly string[];
}

export function success<T>(data: T, notes: Notes = {}): ServerResponse {
  const body: Success<T> = { status: 'success', data, ...given(notes) };
  return json(200, JSON.stringify(body));
}

/** The same for what may be long; `write` returns the notes, which stand behind the data. */
export function successInParts(
  turns: Turns,
  write: (parts: TextParts) => Generator<void, Notes>,
  onEnd?: () => void,
): ServerResponse {
  const text = function* (parts: TextParts): Generator<void> {
    parts.add('{"status":"success","data":');
    const notes = yield* write(parts);
    for (const [name, texts] of Object.entries(given(notes)))
      parts.add(`,"${name}":${JSON.stringify(texts)}`);
    parts.add('}');
  };
  return json(200, bodyOf(turns, text, onEnd));
}

/** Those that say something. */
function given({ warnings = [], infos = [] }: Notes): Notes {
  return { ...(warnings.length === 0 ? {} : { warnings }), ...(infos.length === 0 ? {} : { infos }) };
}

export function failure(
  errorType: ErrorType,
  error: string,
  headers: Readonly<Record<string, string>> = {},
): ServerResponse {
  const body: Failure = { status: 'error', errorType, error };
  const response = json(STATUS[errorType], JSON.stringify(body));
  return { ...response, headers: { ...response.headers, ...headers } };
}

/** JSON without the envelope; `body` is its text. */
export function json(status: number, body: ServerResponse['body']): ServerResponse {
  return {
    status,
    headers: { ...SAFE_HEADERS, 'content-type': 'application/json', 'cache-control': 'no-store' },
    body,
  };
}

export function plain(
  status: number,
  text: ServerResponse['body'],
  type = 'text/plain; charset=utf-8',
): ServerResponse {
  return {
    status,
    headers: { ...SAFE_HEADERS, 'content-type': type, 'cache-control': 'no-store' },
    body: text,
  };
}

/** Lines of JSON as they become known. */
export function ndjson(lines: AsyncIterable<string>): ServerResponse {
  const headers = { ...SAFE_HEADERS, 'content-type': 'application/x-ndjson; charset=utf-8' };
  return { status: 200, headers: { ...headers, 'cache-control': 'no-store' }, body: lines };
}

/** Server-sent events. A proxy in between must not hold them back. */
export function eventStream(events: AsyncIterable<string>): ServerResponse {
  const headers = { ...SAFE_HEADERS, 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' };
  return { status: 200, headers: { ...headers, 'cache-control': 'no-store' }, body: events };
}

export function redirect(location: string): ServerResponse {
  return { status: 302, headers: { ...SAFE_HEADERS, location, 'cache-control': 'no-store' }, body: '' };
}

export function binary(
  headers: Readonly<Record<string, string>>,
  body: ServerResponse['body'],
): ServerResponse {
  return { status: 200, headers: { ...SAFE_HEADERS, 'cache-control': 'no-store', ...headers }, body };
}

export function bytes(
  type: string,
  body: Uint8Array,
  headers: Readonly<Record<string, string>>,
): ServerResponse {
  return { status: 200, headers: { ...SAFE_HEADERS, ...headers, 'content-type': type }, body };
}
