// What an Alertmanager's answer means: taken, to be tried again, or refused for good; and when to try again.

import type { HttpError, HttpResponse, Random, Result } from '../base/index.ts';

export type RelayOutcome =
  | { readonly kind: 'sent' }
  | { readonly kind: 'retry'; readonly cause: string; readonly afterMs: number | undefined }
  | { readonly kind: 'refused'; readonly cause: string };

/** Of an answer, kept for people. */
const ANSWER_CHARS_MAX = 300;
/** Longest wait that an Alertmanager may ask for: longer, and what waits would be out of date. */
const RETRY_AFTER_MS_MAX = 60_000;
const BACKOFF_MS_FIRST = 1000;
/** An Alertmanager that is back should hear within half a resend delay. */
const BACKOFF_MS_MAX = 30_000;

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
  if (status < 500 && status !== 429 && status !== 408) return { kind: 'refused', cause };
  return { kind: 'retry', cause, afterMs: retryAfterMs(headers['retry-after'], nowMs) };
}

/** Seconds, or an HTTP date. */
function retryAfterMs(value: string | undefined, nowMs: number): number | undefined {
  if (value === undefined) return undefined;
  const text = value.trim();
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - nowMs;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(0, ms), RETRY_AFTER_MS_MAX);
}

/** Doubled with each failure in a row, spread over 50 to 150 %, never sooner than was asked. */
export function backoffMs(failures: number, random: Random, afterMs: number | undefined): number {
  const base = Math.min(BACKOFF_MS_MAX, BACKOFF_MS_FIRST * 2 ** Math.min(failures - 1, 16));
  return Math.max(base * (0.5 + random.float()), afterMs ?? 0);
}
