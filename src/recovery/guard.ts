// The pure decision whether a playbook may act on an alert now.

import { formatDuration } from '../base/index.ts';
import { type Alert, episodeStartMs, type RecoveryRun } from '../model/index.ts';
import type { Playbook } from './playbook.ts';
import { isUnderWay } from './transitions.ts';

export type GuardVerdict =
  | { readonly kind: 'allow'; readonly attempt: number }
  /** Not now, perhaps later: nothing to tell anybody. */
  | { readonly kind: 'wait'; readonly reason: string; readonly untilMs: number }
  /** The machine is at its end for this alert: people take over. */
  | { readonly kind: 'block'; readonly reason: string };

/**
 * `runs` are the known runs of this playbook (all alerts), newest first. A run counts as an attempt once it was
 * journaled as running, whatever became of it.
 */
export function judgeGuard(
  playbook: Playbook,
  alert: Alert,
  known: { readonly runs: readonly RecoveryRun[]; readonly nowMs: number },
): GuardVerdict {
  const { runs, nowMs } = known;
  const { guard } = playbook;
  if (alert.state !== 'firing')
    return { kind: 'wait', reason: `the alert is ${alert.state}, not firing`, untilMs: nowMs };

  const acted = runs.filter(didAct);
  const own = acted.filter(
    run => run.fingerprint === alert.fingerprint && run.proposedAtMs >= episodeStartMs(alert),
  );
  if (own.length >= guard.attemptsMax) {
    return {
      kind: 'block',
      reason: `tried ${own.length} of ${guard.attemptsMax} times since the alert began to fire`,
    };
  }
  const lastEndMs = Math.max(
    -Infinity,
    ...acted.filter(run => run.fingerprint === alert.fingerprint).map(run => run.changedAtMs),
  );
  if (nowMs < lastEndMs + guard.coolDownMs) {
    return {
      kind: 'wait',
      reason: `cooling down: the last run ended ${formatDuration(nowMs - lastEndMs)} ago, the pause is ${formatDuration(guard.coolDownMs)}`,
      untilMs: lastEndMs + guard.coolDownMs,
    };
  }
  // Proposed counts too: of two alerts in one update both would pass otherwise. So does a run in doubt: it may go on.
  const underWay = runs.filter(run => isUnderWay(run.state));
  if (underWay.length >= guard.concurrentMax) {
    return {
      kind: 'wait',
      reason: `${underWay.length} of at most ${guard.concurrentMax} runs under way`,
      untilMs: nowMs,
    };
  }
  const recent = new Set(
    runs
      .filter(run => didAct(run) || isUnderWay(run.state))
      .filter(run => run.proposedAtMs > nowMs - guard.windowMs)
      .map(run => run.fingerprint),
  );
  recent.delete(alert.fingerprint);
  if (recent.size >= guard.alertsMax) {
    return {
      kind: 'block',
      reason: `blast radius: it acted on ${recent.size} other alerts within ${formatDuration(guard.windowMs)}, at most ${guard.alertsMax} are allowed`,
    };
  }
  return { kind: 'allow', attempt: own.length + 1 };
}

/** Blocked and withdrawn runs have no steps: nothing was done. */
function didAct(run: RecoveryRun): boolean {
  return run.steps.length > 0;
}
