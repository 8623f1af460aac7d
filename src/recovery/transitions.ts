// The life of a run as pure steps: each takes a run and gives the next, with the journal event that tells of it.

import { never } from '../base/index.ts';
import {
  type Alert,
  type Effects,
  type JournalEvent,
  labelsToRecord,
  type RecoveryRun,
  type RecoveryState,
  type RecoveryStepRecord,
} from '../model/index.ts';
import type { ActionOutcome } from './action.ts';
import type { Playbook } from './playbook.ts';

export function propose(
  playbook: Playbook,
  alert: Alert,
  at: { readonly id: string; readonly attempt: number; readonly nowMs: number },
): RecoveryRun {
  return {
    id: at.id,
    playbook: playbook.name,
    fingerprint: alert.fingerprint,
    labels: labelsToRecord(alert.labels),
    expr: alert.expr,
    state: 'proposed',
    reason: `the alert fires and the guard allows attempt ${at.attempt} of ${playbook.guard.attemptsMax}`,
    attempt: at.attempt,
    proposedAtMs: at.nowMs,
    changedAtMs: at.nowMs,
    steps: [],
  };
}

export function moveTo(
  run: RecoveryRun,
  state: RecoveryState,
  told: { readonly reason: string; readonly nowMs: number },
): RecoveryRun {
  return { ...run, state, reason: told.reason, changedAtMs: told.nowMs };
}

export function beginStep(
  run: RecoveryRun,
  name: string,
  told: { readonly says: string; readonly nowMs: number },
): RecoveryRun {
  const step: RecoveryStepRecord = { name, startedAtMs: told.nowMs, detail: told.says };
  return {
    ...moveTo(run, 'running', { reason: `about to do: ${told.says}`, nowMs: told.nowMs }),
    steps: [...run.steps, step],
  };
}

export function endStep(run: RecoveryRun, outcome: ActionOutcome, nowMs: number): RecoveryRun {
  const last = run.steps.at(-1);
  if (last === undefined) return run;
  const ended: RecoveryStepRecord = {
    ...last,
    endedAtMs: nowMs,
    outcome: outcome.kind,
    output: outcome.output,
    detail: `${last.detail ?? last.name}: ${outcome.detail}`,
  };
  return {
    ...run,
    steps: [...run.steps.slice(0, -1), ended],
    reason: `step "${last.name}": ${outcome.detail}`,
    changedAtMs: nowMs,
  };
}

/** The step that was under way when the process died gets the outcome that is true of it. */
export function loseStep(run: RecoveryRun, nowMs: number): RecoveryRun {
  const last = run.steps.at(-1);
  const lost =
    last !== undefined && last.outcome === undefined
      ? [...run.steps.slice(0, -1), { ...last, outcome: 'unknown' as const }]
      : run.steps;
  const reason = `the process ended during step "${last?.name ?? ''}": it is not known whether it took effect`;
  return { ...moveTo(run, 'unknown', { reason, nowMs }), steps: lost };
}

/** How many of the playbook's steps are done. A step in doubt that was repeated has more than one record. */
export function stepsDone(run: RecoveryRun): number {
  return run.steps.filter(step => step.outcome === 'ok').length;
}

/** What was tried, in a few lines for the message to the person who takes over. */
export function reportOf(run: RecoveryRun): string {
  const steps = run.steps.map(step => {
    const tail =
      step.output === undefined || step.output === ''
        ? ''
        : `\n    ${step.output.split('\n').slice(-3).join('\n    ')}`;
    return `  - ${step.name}: ${step.outcome ?? 'not finished'}${step.detail === undefined ? '' : ` (${step.detail})`}${tail}`;
  });
  return [
    `Recovery with playbook "${run.playbook}", attempt ${run.attempt}: ${run.state}: ${run.reason}`,
    ...steps,
  ].join('\n');
}

export function eventOf(
  run: RecoveryRun,
  how: { readonly effects: Effects; readonly configVersion: string },
): JournalEvent {
  const last = run.steps.at(-1);
  return {
    atMs: run.changedAtMs,
    stage: 'recovery',
    subject: { kind: 'run', id: run.id },
    alerts: [run.fingerprint],
    verdict: run.state,
    reason: run.reason,
    evidence: {
      playbook: run.playbook,
      attempt: run.attempt,
      ...(last === undefined
        ? {}
        : { step: last.name, outcome: last.outcome ?? null, output: last.output ?? '' }),
    },
    effects: how.effects,
    configVersion: how.configVersion,
  };
}

/** Whether another run may follow for the same alert without people. */
export function isUnderWay(state: RecoveryState): boolean {
  switch (state) {
    case 'proposed':
    case 'waiting_approval':
    case 'running':
    case 'verifying':
    case 'unknown':
      return true;
    case 'recovered':
    case 'failed':
    case 'escalated':
    case 'blocked':
      return false;
    default:
      return never(state);
  }
}
