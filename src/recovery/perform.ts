// Carries out one run: journal the intent, act, journal the outcome, verify on fresh samples.

import { type Clock, type Log, sleep, withDeadline } from '../base/index.ts';
import type { Alert, Effects, Query, RecoveryRun, StateStore } from '../model/index.ts';
import type { ActionOutcome, ActionPorts } from './action.ts';
import type { Playbook, PlaybookStep } from './playbook.ts';
import { beginStep, endStep, eventOf, moveTo } from './transitions.ts';
import { judgeExpression, judgePosted, judgeRule, type VerifyVerdict } from './verify.ts';

/** One look of the verification; the next one comes anyway. */
const QUERY_TIMEOUT_MS = 30_000;
/** Wait before a record that must not be lost is tried again. */
const RECORD_RETRY_MS = 1000;

export interface PerformPorts extends ActionPorts {
  readonly clock: Clock;
  readonly query: Query;
  readonly state: StateStore;
  readonly log: Log;
}

export interface PerformContext {
  readonly playbook: Playbook;
  readonly effects: Effects;
  readonly configVersion: string;
  /** The alert as last told, or undefined when it has ended. */
  latest(): Alert | undefined;
  /** The alert as it ended, once it has. */
  ended(): Alert | undefined;
  /** Called after each committed change. */
  onChange(run: RecoveryRun): void;
}

/** Commits the run with its journal event. False: nothing was written, so nothing may be done. */
export async function record(
  run: RecoveryRun,
  ports: Pick<PerformPorts, 'state' | 'log'>,
  context: Pick<PerformContext, 'effects' | 'configVersion' | 'onChange'>,
): Promise<boolean> {
  const written = await ports.state.commit(
    [
      { kind: 'recovery_run', run },
      { kind: 'journal', event: eventOf(run, context) },
    ],
    'synced',
  );
  if (!written.ok) {
    ports.log.log('error', 'Cannot journal a recovery run: nothing is done without it', {
      run: run.id,
      state: run.state,
      cause: written.error.message,
    });
    return false;
  }
  context.onChange(run);
  return true;
}

/**
 * The same for what is known already, such as the outcome of an action: without the record the action would look as if its
 * outcome were in doubt, so it is tried until it succeeds. False: the process stops.
 */
export async function recordSurely(
  run: RecoveryRun,
  ports: Pick<PerformPorts, 'state' | 'log' | 'clock'>,
  context: Pick<PerformContext, 'effects' | 'configVersion' | 'onChange'> & { readonly signal: AbortSignal },
): Promise<boolean> {
  while (!(await record(run, ports, context))) {
    if (!(await sleep(ports.clock, RECORD_RETRY_MS, context.signal))) return false;
  }
  return true;
}

export type StepsResult = {
  readonly run: RecoveryRun;
  readonly kind: 'done' | 'failed' | 'ended' | 'not_journaled' | 'stopped';
};

/** Does the steps from index `first` on. A step begins only if its intent is committed and the alert still fires. */
export async function doSteps(
  start: { readonly run: RecoveryRun; readonly first: number },
  ports: PerformPorts,
  context: PerformContext,
  signal: AbortSignal,
): Promise<StepsResult> {
  let run = start.run;
  for (const step of context.playbook.steps.slice(start.first)) {
    const alert = context.latest();
    if (alert?.state !== 'firing') return { run, kind: 'ended' };
    run = beginStep(run, step.name, { says: step.action.says, nowMs: ports.clock.nowMs() });
    if (!(await record(run, ports, context))) return { run, kind: 'not_journaled' };
    // The commit took time: the alert may have ended meanwhile.
    const still = context.latest();
    if (signal.aborted) return { run, kind: 'stopped' };
    const outcome: ActionOutcome =
      still?.state === 'firing'
        ? await doStep(step, still, { ports, signal })
        : { kind: 'failed', detail: 'not done: the alert no longer fires', output: '' };
    if (signal.aborted) return { run, kind: 'stopped' };
    run = endStep(run, outcome, ports.clock.nowMs());
    if (!(await recordSurely(run, ports, { ...context, signal }))) return { run, kind: 'stopped' };
    if (outcome.kind !== 'ok') return { run, kind: still?.state === 'firing' ? 'failed' : 'ended' };
  }
  return { run, kind: 'done' };
}

async function doStep(
  step: PlaybookStep,
  alert: Alert,
  { ports, signal }: { readonly ports: PerformPorts; readonly signal: AbortSignal },
): Promise<ActionOutcome> {
  return step.action.run(alert, ports, signal);
}

/** Looks again and again until the verdict is "recovered" or the time is up. Gives the final run, not yet recorded. */
export async function verify(
  run: RecoveryRun,
  alert: Alert,
  {
    ports,
    context,
    signal,
  }: { readonly ports: PerformPorts; readonly context: PerformContext; readonly signal: AbortSignal },
): Promise<RecoveryRun | undefined> {
  const { verify: settings } = context.playbook;
  const sinceMs = run.changedAtMs;
  const startedMs = ports.clock.monotonicMs();
  let verdict: VerifyVerdict = { kind: 'no_fresh_data', reason: 'not looked yet' };
  for (;;) {
    verdict = await look(alert, sinceMs, { ports, context, signal });
    if (verdict.kind === 'recovered') break;
    const leftMs = startedMs + settings.withinMs - ports.clock.monotonicMs();
    if (leftMs <= 0) break;
    if (!(await sleep(ports.clock, Math.min(settings.intervalMs, leftMs), signal))) return undefined;
  }
  if (signal.aborted) return undefined;
  const nowMs = ports.clock.nowMs();
  if (verdict.kind === 'recovered')
    return moveTo(run, 'recovered', { reason: `verified: ${verdict.reason}`, nowMs });
  return moveTo(run, 'failed', { reason: `not verified within the time allowed: ${verdict.reason}`, nowMs });
}

async function look(
  alert: Alert,
  sinceMs: number,
  {
    ports,
    context,
    signal,
  }: { readonly ports: PerformPorts; readonly context: PerformContext; readonly signal: AbortSignal },
): Promise<VerifyVerdict> {
  const own = context.playbook.verify.expr;
  // Posted, by somebody else's rule.
  if (own === undefined && alert.expr === '') return judgePosted(context.ended());
  const plan = ports.query.prepare(own ?? alert.expr);
  if (!plan.ok)
    return { kind: 'no_fresh_data', reason: `the expression cannot be asked: ${plan.error.message}` };
  const nowMs = ports.clock.nowMs();
  const answer = await withDeadline(
    ports.clock,
    QUERY_TIMEOUT_MS,
    inner =>
      ports.query.execute(
        plan.value,
        { startMs: nowMs, endMs: nowMs, stepMs: 0 },
        {
          principal: { kind: 'system', part: 'recovery' },
          timeoutMs: QUERY_TIMEOUT_MS,
          notBeforeMs: sinceMs,
          wantUnfiltered: own === undefined,
        },
        inner,
      ),
    signal,
  );
  if (!answer.ok) return { kind: 'no_fresh_data', reason: `the query failed: ${answer.error.message}` };
  return own === undefined ? judgeRule(alert, answer.value) : judgeExpression(answer.value);
}
