// What the answer to a request means: taken, to be tried again, refused for good, or not understood; and when to try again.

import type { HttpError, HttpResponse, Random, Result } from '../base/index.ts';
import type { WriteProtocol } from './settings.ts';

/** What a request carries, or how much of it was taken. */
export interface Amounts {
  readonly samples: number;
  readonly histograms: number;
  readonly exemplars: number;
}

export type WriteOutcome =
  /** `failed`: what the receiver says it did not take of it. */
  | { readonly kind: 'sent'; readonly failed: Amounts; readonly cause: string }
  | { readonly kind: 'retry'; readonly cause: string; readonly afterMs: number | undefined }
  | { readonly kind: 'refused'; readonly failed: Amounts; readonly cause: string }
  /** It does not know this version of the protocol. */
  | { readonly kind: 'unsupported'; readonly cause: string };

export const NOTHING: Amounts = { samples: 0, histograms: 0, exemplars: 0 };

/** Of an answer, kept for people. */
const ANSWER_CHARS_MAX = 1000;
/** Longest wait that a receiver may ask for. */
const RETRY_AFTER_MS_MAX = 5 * 60_000;

export interface Asked {
  readonly amounts: Amounts;
  readonly protocol: WriteProtocol;
  readonly retryOn429: boolean;
  readonly nowMs: number;
}

/** As Prometheus: 5xx and what breaks on the way come again, 429 where that is wanted; every other status would come again and again. */
export function outcomeOf(answer: Result<HttpResponse, HttpError>, asked: Asked): WriteOutcome {
  if (!answer.ok) {
    const { code, message } = answer.error;
    return { kind: 'retry', cause: `${code}: ${message}`, afterMs: undefined };
  }
  const { status, headers, body } = answer.value;
  const isV2 = asked.protocol === 'io.prometheus.write.v2.Request';
  if (status >= 200 && status < 300) return isV2 ? judged(asked.amounts, headers) : taken('');
  const words = new TextDecoder().decode(body.subarray(0, ANSWER_CHARS_MAX * 4)).trim();
  const cause = `status ${status}: ${words}`.slice(0, ANSWER_CHARS_MAX);
  if (status >= 500 || (status === 429 && asked.retryOn429))
    return { kind: 'retry', cause, afterMs: retryAfterMs(headers['retry-after'], asked.nowMs) };
  if (status === 415 && isV2) return { kind: 'unsupported', cause };
  // Of 1.0 nobody says how much was taken.
  const written = isV2 ? writtenOf(headers) : undefined;
  return { kind: 'refused', failed: minus(asked.amounts, written ?? NOTHING), cause };
}

function taken(cause: string): WriteOutcome {
  return { kind: 'sent', failed: NOTHING, cause };
}

/** Of 2.0 a receiver must say how much it wrote: one that says nothing has read the body as something else. */
function judged(amounts: Amounts, headers: HttpResponse['headers']): WriteOutcome {
  const written = writtenOf(headers);
  const carries = amounts.samples + amounts.histograms > 0;
  if (written === undefined) {
    if (!carries) return taken('');
    const cause =
      'the answer does not say what was written: the receiver may know remote write 1.0 only; set protobuf_message: prometheus.WriteRequest';
    return { kind: 'sent', failed: amounts, cause };
  }
  const failed = minus(amounts, written);
  const missing = failed.samples + failed.histograms;
  return missing === 0
    ? { kind: 'sent', failed, cause: '' }
    : {
        kind: 'sent',
        failed,
        cause: `the receiver says that it did not write ${missing} samples of a request that it took`,
      };
}

/** Undefined where none of the headers is there. */
function writtenOf(headers: HttpResponse['headers']): Amounts | undefined {
  const counts = ['samples', 'histograms', 'exemplars'].map(
    what => headers[`x-prometheus-remote-write-${what}-written`],
  );
  if (counts.every(count => count === undefined)) return undefined;
  const [samples = 0, histograms = 0, exemplars = 0] = counts.map(count => {
    const number = Number(count ?? 0);
    return Number.isSafeInteger(number) && number > 0 ? number : 0;
  });
  return { samples, histograms, exemplars };
}

function minus(all: Amounts, some: Amounts): Amounts {
  return {
    samples: Math.max(0, all.samples - some.samples),
    histograms: Math.max(0, all.histograms - some.histograms),
    exemplars: Math.max(0, all.exemplars - some.exemplars),
  };
}

/** Seconds, or an HTTP date. */
function retryAfterMs(value: string | undefined, nowMs: number): number | undefined {
  if (value === undefined) return undefined;
  const text = value.trim();
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - nowMs;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(0, ms), RETRY_AFTER_MS_MAX);
}

/** Doubled with each failure in a row, spread over 50 to 100 % of it so that shards do not come together, never sooner than was asked. */
export function backoffMs(
  failures: number,
  bounds: { readonly backoffMinMs: number; readonly backoffMaxMs: number },
  wanted: { readonly random: Random; readonly afterMs: number | undefined },
): number {
  const doubled = bounds.backoffMinMs * 2 ** Math.min(failures - 1, 30);
  const base = Math.min(bounds.backoffMaxMs, doubled);
  return Math.max(base * (0.5 + wanted.random.float() / 2), wanted.afterMs ?? 0);
}
