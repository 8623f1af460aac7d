// Whether an HTTP answer means sent, try again, or give up.

import { type HttpError, type HttpResponse, mayPass, type Result, retryAfterMs } from '../base/index.ts';
import type { DeliveryOutcome } from '../model/index.ts';

/** Of a provider's answer, kept for people. */
const ANSWER_CHARS_MAX = 500;
/** Longest wait that a provider may ask for: a year in a header must not stop retries for good. */
const RETRY_AFTER_MS_MAX = 3_600_000;

/** 2xx sent; 5xx, 429 and 408 may pass; every other status would come again. */
export function outcomeOfHttp(answer: Result<HttpResponse, HttpError>, nowMs: number): DeliveryOutcome {
  if (!answer.ok) {
    const { code, message } = answer.error;
    if (code === 'http-bad-url') return { kind: 'drop', reason: code, detail: message };
    return { kind: 'retry', reason: code, detail: message };
  }
  const { status, headers, body } = answer.value;
  const words = `${status} ${new TextDecoder().decode(body).trim()}`.trim().slice(0, ANSWER_CHARS_MAX);
  if (status >= 200 && status < 300) return { kind: 'sent', answer: words };
  if (mayPass(status)) {
    const afterMs = retryAfterMs(headers['retry-after'], { nowMs, maxMs: RETRY_AFTER_MS_MAX });
    return {
      kind: 'retry',
      reason: `status ${status}`,
      detail: words,
      ...(afterMs === undefined ? {} : { afterMs }),
    };
  }
  return { kind: 'drop', reason: `status ${status}`, detail: words };
}
