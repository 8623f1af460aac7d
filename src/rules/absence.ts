// Why an alert's series is missing from the answer, and what follows: the cause decides (DESIGN: missing data never
// looks like "resolved" where no-data handling is on).

import type { AbsenceCause, TargetDirectory, Why } from '../model/index.ts';
import type { ActiveAlert, Candidate } from './alert-state.ts';

export interface AbsenceFacts {
  /** Fingerprints that the left side still has, before filtering; undefined when the engine cannot tell. */
  readonly unfiltered: ReadonlySet<string> | undefined;
  readonly targets: TargetDirectory | undefined;
  /** When this process began to evaluate; alerts restored from before need data again before they are judged. */
  readonly startedAtMs: number;
  /** What an absence of unknowable cause becomes (aggregates over several targets). */
  readonly unknowable: 'resolved' | 'unknown';
}

export type AbsenceVerdict =
  | { readonly kind: 'resolved'; readonly why: Why; readonly cause: AbsenceCause }
  | {
      readonly kind: 'unknown';
      readonly why: Why;
      readonly cause: AbsenceCause;
      readonly missingSinceMs?: number;
    };

/**
 * After an outage (the target's or ours) a range function needs its window filled before it can answer. Ten minutes
 * cover the windows that alerts use, and are Prometheus's own grace period after a restart.
 */
export const SETTLE_MS = 10 * 60_000;

/** What of an alert, or of a series that is watched, tells why it is missing. */
export type Missing = Pick<
  ActiveAlert,
  'fingerprint' | 'state' | 'lastSeenMs' | 'missingSinceMs' | 'absence' | 'producer'
>;

/**
 * Under `noData: firing`: how missing data counts as the condition; undefined while it is too early to say that it is missing,
 * after a start and once a target is back.
 */
export function countsAsCondition(verdict: AbsenceVerdict): Candidate['missing'] {
  const { kind, cause, why } = verdict;
  if (kind === 'resolved' || cause === 'restarted' || cause === 'settling') return undefined;
  return { cause, why: { code: 'counts', of: why } };
}

export function judgeAbsence(alert: Missing, facts: AbsenceFacts, nowMs: number): AbsenceVerdict {
  const restored = alert.lastSeenMs < facts.startedAtMs && nowMs - facts.startedAtMs < SETTLE_MS;
  if (facts.unfiltered?.has(alert.fingerprint) === true) {
    // With a full disk the former process saw samples that are stored nowhere: what is stored may be older than they.
    return restored && isSilent(alert, facts)
      ? {
          kind: 'unknown',
          cause: 'restarted',
          why: { code: 'restarted_silent' },
        }
      : { kind: 'resolved', cause: 'below', why: { code: 'below' } };
  }
  if (restored) {
    return {
      kind: 'unknown',
      cause: 'restarted',
      why: { code: 'restarted' },
    };
  }
  if (alert.producer === undefined || facts.targets === undefined) {
    return facts.unknowable === 'unknown'
      ? {
          kind: 'unknown',
          cause: 'not_knowable',
          why: { code: 'not_knowable' },
        }
      : { kind: 'resolved', cause: 'not_knowable', why: { code: 'not_in_answer' } };
  }
  const id = alert.producer;
  // A series that a rule recorded has no target: its own rule answers for it.
  if (id.startsWith('rules/')) {
    return facts.unknowable === 'unknown'
      ? { kind: 'unknown', cause: 'recorded', why: { code: 'recorded', params: { target: id } } }
      : { kind: 'resolved', cause: 'recorded', why: { code: 'not_in_answer' } };
  }
  switch (facts.targets.stateOf(id)) {
    case 'gone':
      return { kind: 'resolved', cause: 'target_gone', why: { code: 'target_gone', params: { target: id } } };
    case 'silent':
      return {
        kind: 'unknown',
        cause: 'target_silent',
        why: { code: 'target_silent', params: { target: id } },
      };
    case 'delivering':
      return whileDelivering(alert, facts, nowMs);
  }
}

function isSilent(alert: Missing, facts: AbsenceFacts): boolean {
  return alert.producer !== undefined && facts.targets?.stateOf(alert.producer) === 'silent';
}

function whileDelivering(alert: Missing, facts: AbsenceFacts, nowMs: number): AbsenceVerdict {
  const code = facts.unfiltered === undefined ? 'target_delivers' : 'series_ended';
  const over: AbsenceVerdict = { kind: 'resolved', cause: 'series_ended', why: { code } };
  const wasMissing = alert.state === 'unknown' || alert.absence !== undefined;
  if (!wasMissing) return over;
  // The target came back a moment ago: wait until windows are filled before calling the series ended.
  const missingSinceMs = alert.missingSinceMs ?? nowMs;
  if (nowMs - missingSinceMs >= SETTLE_MS) return over;
  return {
    kind: 'unknown',
    cause: 'settling',
    why: { code: 'settling' },
    missingSinceMs,
  };
}
