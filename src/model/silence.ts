// Silences: what people asked not to be told about, and until when. Alertmanager's semantics.

import type { Labels } from './labels.ts';
import type { Matcher } from './matcher.ts';

export interface Silence {
  /** A UUID. */
  readonly id: string;
  /** All must fit. */
  readonly matchers: readonly Matcher[];
  readonly startsAtMs: number;
  readonly endsAtMs: number;
  readonly updatedAtMs: number;
  readonly createdBy: string;
  readonly comment: string;
  readonly annotations?: Labels;
}

/** What is asked for. With the `id` of a silence that exists: its change. */
export interface SilenceDraft extends Omit<Silence, 'id' | 'updatedAtMs' | 'startsAtMs'> {
  readonly id?: string;
  /** Now when absent. */
  readonly startsAtMs?: number;
}

/** Why a wish about a silence was not fulfilled. */
export interface SilenceRefusal {
  readonly code:
    | 'silence-invalid'
    | 'silence-not-found'
    | 'silence-limit'
    | 'state-io'
    | 'state-closed'
    | 'state-conflict';
  readonly message: string;
}

export type SilenceState = 'pending' | 'active' | 'expired';

/**
 * The start belongs to it, the end does not: Alertmanager counts in nanoseconds, so that a silence that was ended "now" is
 * over at the next look; here the next look may fall into the same millisecond.
 */
export function silenceState(silence: Pick<Silence, 'startsAtMs' | 'endsAtMs'>, nowMs: number): SilenceState {
  if (nowMs < silence.startsAtMs) return 'pending';
  return nowMs >= silence.endsAtMs ? 'expired' : 'active';
}
