// Holding a message back while the machine may still help itself (`notify: after_recovery_failed`).

import { never } from '../base/index.ts';
import { type Alert, episodeStartMs, type RecoveryRun } from '../model/index.ts';
import { isFiring, type RecoverySituation } from './state.ts';

export type HoldVerdict =
  | { readonly kind: 'pass'; readonly reason: string; readonly report?: string }
  | { readonly kind: 'hold'; readonly reason: string; readonly untilMs: number }
  /** It ended without anyone having been told: nobody needs to hear of it. */
  | { readonly kind: 'drop'; readonly reason: string };

export interface HoldQuestion {
  readonly alert: Alert;
  /** Whether the destinations of the route heard of this alert already: then they hear how it goes on. */
  readonly told: boolean;
  readonly situation: RecoverySituation | undefined;
  readonly holdMsMax: number;
  readonly nowMs: number;
}

/** Decides for one alert of a route that waits for recovery. */
export function decideHold(question: HoldQuestion): HoldVerdict {
  const { alert, told, nowMs } = question;
  const situation = ofThisEpisode(question.situation, alert);
  const report = situation?.kind === 'run' ? describeRun(situation.run) : undefined;
  if (told) return { kind: 'pass', reason: 'told before', ...(report === undefined ? {} : { report }) };
  if (!isFiring(alert)) {
    const recovered = situation?.kind === 'run' && situation.run.state === 'recovered';
    return { kind: 'drop', reason: recovered ? 'recovered' : 'resolved while held' };
  }
  // A clock that was set back must not prolong the hold: the start of an alert never lies in the future.
  const untilMs = Math.min(episodeStartMs(alert), nowMs) + question.holdMsMax;
  if (situation?.kind === 'no_playbook') return { kind: 'pass', reason: 'no playbook answers this alert' };
  const released = situation === undefined ? undefined : releaseReason(situation.run);
  if (released !== undefined && report !== undefined) return { kind: 'pass', reason: released, report };
  if (nowMs >= untilMs) {
    const waitedFor =
      situation === undefined ? 'recovery gave no word' : `recovery is still ${situation.run.state}`;
    return {
      kind: 'pass',
      reason: 'held for the longest time allowed',
      report: report ?? `${waitedFor} after the longest time a message is held`,
    };
  }
  return {
    kind: 'hold',
    untilMs,
    reason:
      situation === undefined ? 'waiting for recovery to answer' : `recovery run is ${situation.run.state}`,
  };
}

/** A run that ended before the alert began to fire belongs to an earlier episode. */
function ofThisEpisode(
  situation: RecoverySituation | undefined,
  alert: Alert,
): RecoverySituation | undefined {
  if (situation === undefined) return undefined;
  const episodeMs = situation.kind === 'run' ? situation.run.proposedAtMs : situation.atMs;
  return episodeMs < episodeStartMs(alert) ? undefined : situation;
}

/** Why a run's state ends the hold; undefined while it may still succeed. */
function releaseReason(run: RecoveryRun): string | undefined {
  switch (run.state) {
    case 'failed':
    case 'escalated':
    case 'blocked':
      return `recovery ${run.state}`;
    case 'proposed':
    case 'waiting_approval':
    case 'running':
    case 'verifying':
    case 'recovered':
    case 'unknown':
      return undefined;
    default:
      return never(run.state);
  }
}

/** What was tried, in lines that stand in a message. */
export function describeRun(run: RecoveryRun): string {
  const lines = [
    `${run.playbook}: ${run.state} (attempt ${run.attempt})${run.reason === '' ? '' : `: ${run.reason}`}`,
  ];
  for (const step of run.steps) {
    const outcome = step.outcome ?? 'not finished';
    lines.push(`- ${step.name}: ${outcome}${step.detail === undefined ? '' : ` (${step.detail})`}`);
  }
  return lines.join('\n');
}
