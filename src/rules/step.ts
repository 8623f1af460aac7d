// The pure step of an alerting rule: what was active, what the answer holds now, and what follows from it.

import { err, ok, type Result } from '../base/index.ts';
import type { Why } from '../model/index.ts';
import { type AbsenceFacts, type AbsenceVerdict, countsAsCondition, judgeAbsence } from './absence.ts';
import { type ActiveAlert, type AlertChange, type AlertMap, because, type Candidate } from './alert-state.ts';
import { type ForPolicy, resumedActiveAtMs, unseenAlert } from './restore.ts';
import type { AlertingRule } from './rule.ts';

/** A resolved alert is sent again for this long, so that a receiver that was away hears of it (as Prometheus). */
export const RESOLVED_RETENTION_MS = 15 * 60_000;

export interface StepInput {
  readonly rule: Pick<AlertingRule, 'forMs' | 'keepFiringForMs' | 'noData'>;
  readonly nowMs: number;
  readonly candidates: readonly Candidate[];
  /** What is known about alerts that are no longer in the answer. */
  readonly facts: AbsenceFacts;
  /** Most alerts pending or firing; 0 is no limit. */
  readonly limit: number;
  readonly forPolicy: ForPolicy;
}

export interface StepOutcome {
  readonly alerts: AlertMap;
  readonly changes: readonly AlertChange[];
}

export interface StepFailure {
  readonly code: 'rules-duplicate-series' | 'rules-limit';
  readonly message: string;
  /** After the limit nothing stays active, as in Prometheus: what fired is resolved. */
  readonly outcome: StepOutcome | undefined;
}

export function stepAlerts(before: AlertMap, input: StepInput): Result<StepOutcome, StepFailure> {
  const present = new Map<string, Candidate>();
  for (const candidate of input.candidates) {
    if (present.has(candidate.fingerprint)) {
      const message = 'vector contains metrics with the same labelset after applying alert labels';
      return err({ code: 'rules-duplicate-series', message, outcome: undefined });
    }
    present.set(candidate.fingerprint, candidate);
  }
  const alerts = new Map<string, ActiveAlert>();
  const changes: AlertChange[] = [];
  const keep = (alert: ActiveAlert, was: ActiveAlert | undefined): void => {
    alerts.set(alert.fingerprint, alert);
    if (alert.state !== was?.state || alert.reason !== was.reason) changes.push({ to: alert.state, alert });
  };
  for (const old of before.values()) {
    const candidate = present.get(old.fingerprint);
    if (candidate === undefined) {
      const next = whenAbsent(old, input);
      if (next === undefined) {
        if (old.state !== 'resolved') changes.push({ to: 'inactive', alert: droppedPending(old, input) });
      } else keep(next, old);
    } else keep(whenPresent(old, candidate, input), old);
  }
  for (const candidate of present.values()) {
    if (!before.has(candidate.fingerprint)) keep(whenPresent(undefined, candidate, input), undefined);
  }
  const active = [...alerts.values()].filter(alert => alert.state !== 'resolved').length;
  if (input.limit > 0 && active > input.limit) return err(overLimit(before, active, input));
  return ok({ alerts, changes });
}

const HOLDS: Why = { code: 'holds' };

function whenPresent(old: ActiveAlert | undefined, candidate: Candidate, input: StepInput): ActiveAlert {
  const { nowMs, rule } = input;
  const fresh = old === undefined || old.state === 'resolved';
  const activeAtMs = fresh ? nowMs : activeSinceMs(old, input);
  const fires = nowMs - activeAtMs >= rule.forMs;
  const wasFiring = !fresh && old.state !== 'pending';
  const firing = wasFiring || fires;
  const firedAtMs = wasFiring ? (old.firedAtMs ?? nowMs) : firing ? nowMs : undefined;
  // While it is pending anew the end of the episode before is kept: someone may not have been told of it yet.
  const resolvedAtMs = firing ? undefined : old?.resolvedAtMs;
  return {
    labels: candidate.labels,
    fingerprint: candidate.fingerprint,
    annotations: candidate.annotations,
    state: firing ? 'firing' : 'pending',
    activeAtMs,
    ...(firedAtMs === undefined ? {} : { firedAtMs }),
    ...(resolvedAtMs === undefined ? {} : { resolvedAtMs }),
    lastSeenMs: candidate.missing === undefined ? nowMs : (old?.lastSeenMs ?? nowMs),
    value: candidate.value,
    ...because(candidate.missing?.why ?? (firing ? HOLDS : pendingWhy(old, activeAtMs === nowMs))),
    ...(candidate.missing === undefined ? {} : { absence: candidate.missing.cause }),
    ...(candidate.producer === undefined ? {} : { producer: candidate.producer }),
  };
}

function activeSinceMs(old: ActiveAlert, { rule, forPolicy, nowMs }: StepInput): number {
  const { activeAtMs, restored, state } = old;
  if (restored === undefined || state !== 'pending') return activeAtMs;
  return resumedActiveAtMs({ activeAtMs, downAtMs: restored.downAtMs, forMs: rule.forMs }, forPolicy, nowMs);
}

/** After a restart its line in the journal stays the one that says since when it counts now. */
function pendingWhy(old: ActiveAlert | undefined, begins: boolean): Why {
  if (old?.state !== 'pending') return HOLDS;
  if (old.restored !== undefined) return { code: begins ? 'begins_anew' : 'resumed' };
  return old.why?.code === 'begins_anew' || old.why?.code === 'resumed' ? old.why : HOLDS;
}

/** Undefined: nothing is left of it. */
function whenAbsent(was: ActiveAlert, input: StepInput): ActiveAlert | undefined {
  const { nowMs, rule } = input;
  if (was.state === 'resolved') {
    return nowMs - (was.resolvedAtMs ?? nowMs) > RESOLVED_RETENTION_MS ? undefined : was;
  }
  const old = unseenAlert(was, input.forPolicy, nowMs);
  // The first evaluation after a start may come before the first samples: Prometheus waits for the second one, too.
  const isEarly = was.restored?.evaluations === 0;
  if (isEarly && (rule.noData === 'prometheus' || rule.noData === 'ok'))
    return { ...old, ...because({ code: 'not_yet' }) };
  const verdict = verdictOf(old, input);
  if (verdict.kind === 'unknown' && rule.noData !== 'ok') return whenMissing(old, verdict, input);
  if (old.state === 'pending') return formerEnd(old, nowMs);
  if (old.state === 'firing' && rule.keepFiringForMs > 0) {
    const keptSinceMs = old.keptSinceMs ?? nowMs;
    if (nowMs - keptSinceMs < rule.keepFiringForMs) {
      const { absence: _, ...kept } = old;
      return { ...kept, keptSinceMs, ...because({ code: 'kept_firing', of: verdict.why }) };
    }
  }
  const ended = { ...old, state: 'resolved', resolvedAtMs: nowMs, ...because(verdict.why) } as const;
  return verdict.cause === undefined ? ended : { ...ended, absence: verdict.cause };
}

/** Why it is not in the answer; for Prometheus that is no question. */
function verdictOf(
  old: ActiveAlert,
  { rule, facts, nowMs }: StepInput,
): AbsenceVerdict | typeof PROMETHEUS_VERDICT {
  return rule.noData === 'prometheus' ? PROMETHEUS_VERDICT : judgeAbsence(old, facts, nowMs);
}

/** Its data is missing, and it is not known to be over. */
function whenMissing(
  old: ActiveAlert,
  verdict: AbsenceVerdict & { readonly kind: 'unknown' },
  input: StepInput,
): ActiveAlert {
  const { missingSinceMs: _, ...kept } = old;
  const since = verdict.missingSinceMs === undefined ? {} : { missingSinceMs: verdict.missingSinceMs };
  const policy = input.rule.noData;
  const missing = policy === 'firing' ? countsAsCondition(verdict) : undefined;
  if (missing !== undefined) {
    const { labels, fingerprint, annotations, value, producer } = old;
    return whenPresent(old, { labels, fingerprint, annotations, value, producer, missing }, input);
  }
  // A pending alert stays pending: its `for` is kept, but without data it does not begin to fire.
  const state = policy === 'unknown' && old.state !== 'pending' ? 'unknown' : old.state;
  return { ...kept, ...since, state, ...because(verdict.why), absence: verdict.cause };
}

/** A pending alert that did not come to fire is the resolved one again that it was before, as long as that is sent. */
function formerEnd(old: ActiveAlert, nowMs: number): ActiveAlert | undefined {
  const { resolvedAtMs } = old;
  if (resolvedAtMs === undefined || nowMs - resolvedAtMs > RESOLVED_RETENTION_MS) return undefined;
  return { ...old, state: 'resolved', ...because({ code: 'ended_earlier' }) };
}

const PROMETHEUS_VERDICT = {
  kind: 'resolved',
  why: { code: 'not_in_answer' },
  cause: undefined,
} as const;

function droppedPending(old: ActiveAlert, input: StepInput): ActiveAlert {
  const verdict = verdictOf(old, input);
  const dropped = { ...old, ...because({ code: 'before_for', of: verdict.why }) };
  return verdict.cause === undefined ? dropped : { ...dropped, absence: verdict.cause };
}

function overLimit(before: AlertMap, active: number, input: StepInput): StepFailure {
  const message = `exceeded limit of ${input.limit} with ${active} alerts`;
  const why: Why = { code: 'over_limit', params: { limit: input.limit, count: active } };
  const alerts = new Map<string, ActiveAlert>();
  const changes: AlertChange[] = [];
  for (const old of before.values()) {
    if (old.state === 'pending') continue;
    const alert: ActiveAlert =
      old.state === 'resolved'
        ? old
        : { ...old, state: 'resolved', resolvedAtMs: input.nowMs, ...because(why) };
    alerts.set(alert.fingerprint, alert);
    if (alert !== old) changes.push({ to: 'resolved', alert });
  }
  return { code: 'rules-limit', message, outcome: { alerts, changes } };
}
