// Recovery at work: takes alerts, finds the playbook, asks the guard, and owns the runs under way.

import type { Clock, Exec, Log, Random } from '../base/index.ts';
import {
  type Alert,
  type Effects,
  episodeStartMs,
  type Metrics,
  matchesAll,
  type Query,
  type RecoveryJob,
  type RecoveryRun,
  type RecoveryUpdate,
  type StateStore,
} from '../model/index.ts';
import { judgeGuard } from './guard.ts';
import { doSteps, type PerformContext, type PerformPorts, record, recordSurely, verify } from './perform.ts';
import type { Playbook } from './playbook.ts';
import { isUnderWay, loseStep, moveTo, propose, stepsDone } from './transitions.ts';

/** Runs kept in memory for the guard and the page; the journal has them all. */
const RUNS_KEPT_MAX = 1000;

export interface RecoveryPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly exec: Exec;
  readonly query: Query;
  readonly state: StateStore;
  readonly log: Log;
  readonly metrics: Metrics;
}

export interface RecoverySettings {
  readonly playbooks: readonly Playbook[];
  readonly effects: Effects;
  readonly configVersion: string;
}

export interface RecoverySinks {
  /** Every committed change of a run. `failed` with attempts left is not told: the machine is not at its end. */
  onUpdate(update: RecoveryUpdate): void;
  /** No playbook answers this alert: nobody need wait for one. */
  onNoPlaybook(fingerprint: string): void;
}

export interface Recovery {
  /** Loads earlier runs and deals with those that a crash cut off. Call before the first `accept`. */
  start(): Promise<void>;
  accept(job: RecoveryJob): void;
  /** Runs under way go on with the playbook they began with. */
  reload(settings: RecoverySettings): void;
  /** Newest first. */
  runs(): readonly RecoveryRun[];
  /** Gives up what is under way; the next start takes it up from the journal. */
  stop(): Promise<void>;
}

export function createRecovery(
  ports: RecoveryPorts,
  initial: RecoverySettings,
  sinks: RecoverySinks,
): Recovery {
  let settings = initial;
  let runs: RecoveryRun[] = [];
  const alerts = new Map<string, Alert>();
  const active = new Map<string, Promise<void>>();
  const waits = new Set<string>();
  const stopping = new AbortController();
  const outcomes = ports.metrics.counter(
    'watchkeeper_recovery_runs_total',
    'Recovery runs by playbook and final state.',
  );
  const performPorts: PerformPorts = ports;

  const keep = (run: RecoveryRun): void => {
    const at = runs.findIndex(other => other.id === run.id);
    if (at >= 0) runs[at] = run;
    else runs = [run, ...runs].slice(0, RUNS_KEPT_MAX);
  };

  const contextFor = (playbook: Playbook, fingerprint: string): PerformContext => ({
    playbook,
    effects: settings.effects,
    configVersion: settings.configVersion,
    latest: () => alerts.get(fingerprint),
    ended: () => {
      const last = ended.get(fingerprint);
      return last?.state === 'resolved' ? last : undefined;
    },
    onChange: run => {
      keep(run);
      if (run.state !== 'failed') sinks.onUpdate({ run, atMs: run.changedAtMs });
      if (!isUnderWay(run.state)) outcomes.add(1, { playbook: run.playbook, state: run.state });
    },
  });

  /** A failed run ends in the hands of people once the guard allows no other. */
  const conclude = async (run: RecoveryRun, context: PerformContext): Promise<void> => {
    const surely = { ...context, signal: stopping.signal };
    if (!(await recordSurely(run, ports, surely))) return;
    if (run.state !== 'failed' || run.attempt < context.playbook.guard.attemptsMax) return;
    const reason = `${run.reason}; all ${run.attempt} attempts are used up: people take over`;
    await recordSurely(moveTo(run, 'escalated', { reason, nowMs: ports.clock.nowMs() }), ports, surely);
  };

  const carryOut = async (
    start: { run: RecoveryRun; first: number },
    context: PerformContext,
  ): Promise<void> => {
    const signal = stopping.signal;
    const result = await doSteps(start, performPorts, context, signal);
    if (result.kind === 'stopped' || result.kind === 'not_journaled') return;
    const nowMs = ports.clock.nowMs();
    if (result.kind === 'failed')
      return conclude(moveTo(result.run, 'failed', { reason: result.run.reason, nowMs }), context);
    if (result.kind === 'ended' && result.run.steps.length === 0) {
      return conclude(
        moveTo(result.run, 'failed', {
          reason: 'withdrawn: the alert no longer fires; nothing was done',
          nowMs,
        }),
        context,
      );
    }
    return carryOn(
      moveTo(result.run, 'verifying', { reason: 'the steps are done; looking at fresh samples', nowMs }),
      context,
    );
  };

  /** Verifies a run in `verifying` and concludes it. */
  const carryOn = async (run: RecoveryRun, context: PerformContext): Promise<void> => {
    const alert = alerts.get(run.fingerprint) ?? ended.get(run.fingerprint);
    if (alert === undefined) return;
    if (!(await recordSurely(run, ports, { ...context, signal: stopping.signal }))) return;
    const final = await verify(run, alert, { ports: performPorts, context, signal: stopping.signal });
    if (final !== undefined) await conclude(final, context);
  };

  // The last alert of an episode that has ended: a verification under way still needs its expression and labels.
  const ended = new Map<string, Alert>();

  const own = (fingerprint: string, work: Promise<void>): void => {
    const owned = work
      .catch(error => {
        ports.log.log('error', 'A recovery run broke off by a bug', { fingerprint, cause: String(error) });
      })
      .finally(() => active.delete(fingerprint));
    active.set(fingerprint, owned);
  };

  const begin = async (playbook: Playbook, alert: Alert, attempt: number): Promise<void> => {
    const nowMs = ports.clock.nowMs();
    const context = contextFor(playbook, alert.fingerprint);
    const run = propose(playbook, alert, { id: runId(nowMs, ports.random), attempt, nowMs });
    // Known from here on, so that the guard counts it when it judges the next alert of the same update.
    keep(run);
    if (!(await record(run, ports, context))) {
      runs = runs.filter(other => other.id !== run.id);
      return;
    }
    if (context.effects !== 'live') {
      const says = playbook.steps.map(step => step.action.says).join('; ');
      await record(
        moveTo(run, 'blocked', {
          reason: `effects are off (${context.effects}): would have run ${says}`,
          nowMs,
        }),
        ports,
        context,
      );
      return;
    }
    await carryOut({ run, first: 0 }, context);
  };

  const block = async (playbook: Playbook, alert: Alert, reason: string): Promise<void> => {
    const nowMs = ports.clock.nowMs();
    const run = propose(playbook, alert, { id: runId(nowMs, ports.random), attempt: 0, nowMs });
    await record(moveTo(run, 'blocked', { reason, nowMs }), ports, contextFor(playbook, alert.fingerprint));
  };

  const consider = (alert: Alert): void => {
    const playbook = settings.playbooks.find(candidate => matchesAll(candidate.match, alert.labels));
    if (playbook === undefined) {
      sinks.onNoPlaybook(alert.fingerprint);
      return;
    }
    const sinceMs = episodeStartMs(alert);
    const handed = runs.some(
      run =>
        run.fingerprint === alert.fingerprint &&
        run.playbook === playbook.name &&
        run.proposedAtMs >= sinceMs &&
        (run.state === 'escalated' || run.state === 'blocked'),
    );
    if (handed) return;
    const known = { runs: runs.filter(run => run.playbook === playbook.name), nowMs: ports.clock.nowMs() };
    const verdict = judgeGuard(playbook, alert, known);
    if (verdict.kind === 'allow') {
      waits.delete(alert.fingerprint);
      own(alert.fingerprint, begin(playbook, alert, verdict.attempt));
    } else if (verdict.kind === 'block') own(alert.fingerprint, block(playbook, alert, verdict.reason));
    else if (!waits.has(alert.fingerprint)) {
      waits.add(alert.fingerprint);
      void journalWait(ports, settings, { alert, playbook, reason: verdict.reason });
    }
  };

  /** Takes up a run that an earlier process left behind, now that its alert is known again. */
  const resume = (run: RecoveryRun, alert: Alert): void => {
    const playbook = settings.playbooks.find(candidate => candidate.name === run.playbook);
    if (playbook === undefined) return;
    const context = contextFor(playbook, alert.fingerprint);
    const last = run.steps.at(-1);
    // What a former process left could not be journaled at the start: its step is in doubt still.
    const isInDoubt = run.state === 'running' && last !== undefined && last.outcome !== 'ok';
    const mayRepeat = playbook.steps[stepsDone(run)]?.idempotent === true;
    if (isInDoubt || (run.state === 'unknown' && !mayRepeat))
      own(alert.fingerprint, takeUp(run, { ports, settings, keep, sinks }));
    else if (run.state === 'verifying')
      own(alert.fingerprint, carryOn({ ...run, changedAtMs: ports.clock.nowMs() }, context));
    else if (alert.state === 'firing') {
      own(alert.fingerprint, carryOut({ run, first: stepsDone(run) }, context));
    } else {
      const reason = 'the alert ended while the outcome of the action was unknown';
      own(
        alert.fingerprint,
        conclude(moveTo(run, 'recovered', { reason, nowMs: ports.clock.nowMs() }), context),
      );
    }
  };

  return {
    async start() {
      const loaded = await ports.state.recoveryRuns({ unfinishedOnly: false, limit: RUNS_KEPT_MAX });
      if (!loaded.ok) {
        ports.log.log('error', 'Cannot read earlier recovery runs', { cause: loaded.error.message });
        return;
      }
      runs = [...loaded.value];
      for (const run of loaded.value) {
        if (isUnderWay(run.state)) await takeUp(run, { ports, settings, keep, sinks });
      }
    },
    accept(job) {
      const { alert } = job;
      if (stopping.signal.aborted) return;
      if (alert.state === 'resolved') {
        alerts.delete(alert.fingerprint);
        waits.delete(alert.fingerprint);
        if (active.has(alert.fingerprint)) ended.set(alert.fingerprint, alert);
      } else {
        alerts.set(alert.fingerprint, alert);
        ended.delete(alert.fingerprint);
      }
      if (active.has(alert.fingerprint)) return;
      const left = runs.find(run => run.fingerprint === alert.fingerprint && isUnderWay(run.state));
      if (left !== undefined && alert.state !== 'unknown') {
        ended.set(alert.fingerprint, alert);
        resume(left, alert);
      } else if (alert.state === 'firing') consider(alert);
    },
    reload(next) {
      settings = next;
    },
    runs: () => runs,
    async stop() {
      stopping.abort();
      await Promise.all(active.values());
    },
  };
}

/**
 * What a crash left: proposed runs did nothing and are withdrawn; of a running one it is not known whether its step
 * took effect, so it is repeated only if the playbook calls the step idempotent, else people take over.
 */
async function takeUp(
  run: RecoveryRun,
  {
    ports,
    settings,
    keep,
    sinks,
  }: {
    readonly ports: RecoveryPorts;
    readonly settings: RecoverySettings;
    readonly keep: (run: RecoveryRun) => void;
    readonly sinks: RecoverySinks;
  },
): Promise<void> {
  const nowMs = ports.clock.nowMs();
  const onChange = (changed: RecoveryRun): void => {
    keep(changed);
    if (changed.state !== 'failed') sinks.onUpdate({ run: changed, atMs: nowMs });
  };
  const context = { effects: settings.effects, configVersion: settings.configVersion, onChange };
  const playbook = settings.playbooks.find(candidate => candidate.name === run.playbook);
  if (run.state === 'proposed' || run.state === 'waiting_approval') {
    const reason = 'withdrawn: the process ended before the action began; nothing was done';
    await record(moveTo(run, 'failed', { reason, nowMs }), ports, context);
    return;
  }
  if (playbook === undefined) {
    const reason = `${run.reason}; the playbook is no longer configured: people take over`;
    await record(moveTo(run, 'escalated', { reason, nowMs }), ports, context);
    return;
  }
  if (run.state === 'verifying') return;
  const last = run.steps.at(-1);
  if (last?.outcome === 'ok' && run.state === 'running') {
    // The step had ended well and its outcome was journaled: the next step is not begun by a process that knows so little.
    const next =
      stepsDone(run) >= playbook.steps.length
        ? moveTo(run, 'verifying', { reason: 'taken up after a restart: looking at fresh samples', nowMs })
        : moveTo(run, 'escalated', {
            reason: 'the process ended between two steps: people take over',
            nowMs,
          });
    await record(next, ports, context);
    return;
  }
  if (run.state === 'running' && last?.outcome !== undefined && last.outcome !== 'unknown') {
    await record(moveTo(run, 'failed', { reason: run.reason, nowMs }), ports, context);
    return;
  }
  const lost = loseStep(run, nowMs);
  if (!(await record(lost, ports, context))) return;
  const step = playbook.steps[stepsDone(lost)];
  if (step?.idempotent !== true) {
    await record(
      moveTo(lost, 'escalated', {
        reason: `${lost.reason}; the step is not idempotent: people take over`,
        nowMs,
      }),
      ports,
      context,
    );
  }
}

async function journalWait(
  ports: RecoveryPorts,
  settings: RecoverySettings,
  what: { readonly alert: Alert; readonly playbook: Playbook; readonly reason: string },
): Promise<void> {
  const { alert, playbook, reason } = what;
  await ports.state.commit(
    [
      {
        kind: 'journal',
        event: {
          atMs: ports.clock.nowMs(),
          stage: 'recovery',
          subject: { kind: 'alert', fingerprint: alert.fingerprint },
          alerts: [alert.fingerprint],
          verdict: 'waiting',
          reason,
          evidence: { playbook: playbook.name },
          effects: settings.effects,
          configVersion: settings.configVersion,
        },
      },
    ],
    'grouped',
  );
}

function runId(nowMs: number, random: Random): string {
  return `${nowMs.toString(36)}-${random.uint32().toString(16).padStart(8, '0')}`;
}
