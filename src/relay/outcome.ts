// What an Alertmanager's answer means: taken, to be tried again, or refused for good; and when to try again.

import {
  type Backoff,
  type HttpError,
  type HttpResponse,
  mayPass,
  type Result,
  retryAfterMs,
} from '../base/index.ts';

export type RelayOutcome =
  | { readonly kind: 'sent' }
  | { readonly kind: 'retry'; readonly cause: string; readonly afterMs: number | undefined }
  | { readonly kind: 'refused'; readonly cause: string };

/** Of an answer, kept for people. */
const ANSWER_CHARS_MAX = 300;
/** Longest wait that an Alertmanager may ask for: longer, and what waits would be out of date. */
const RETRY_AFTER_MS_MAX = 60_000;
/** An Alertmanager that is back should hear within half a resend delay. */
export const RELAY_BACKOFF: Backoff = { firstMs: 1000, maxMs: 30_000 };

/** 2xx taken; 5xx, 429, 408 and what breaks on the way may pass; every other status would come again. */
export function outcomeOf(answer: Result<HttpResponse, HttpError>, nowMs: number): RelayOutcome {
  if (!answer.ok) {
    const { code, message } = answer.error;
    const cause = `${code}: ${message}`;
    return code === 'http-bad-url'
      ? { kind: 'refused', cause }
      : { kind: 'retry', cause, afterMs: undefined };
  }
  const { status, headers, body } = answer.value;
  if (status >= 200 && status < 300) return { kind: 'sent' };
  const words = new TextDecoder().decode(body).trim();
  const cause = `status ${status}: ${words}`.slice(0, ANSWER_CHARS_MAX);
  if (!mayPass(status)) return { kind: 'refused', cause };
  return {
    kind: 'retry',
    cause,
    afterMs: retryAfterMs(headers['retry-after'], { nowMs, maxMs: RETRY_AFTER_MS_MAX }),
  };
}
