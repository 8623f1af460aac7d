// The runner of dispatch: loads what was told, feeds the step, hands jobs on, and writes the journal in batches.

import { type Clock, err, type Log, ok, type Random, type Result, type Timer } from '../base/index.ts';
import type {
  AlertUpdate,
  DeliveryReport,
  Effects,
  Metrics,
  NotificationJob,
  RecoveryJob,
  RecoveryUpdate,
  StateFailure,
  StateStore,
  StateWrite,
} from '../model/index.ts';
import { initialState } from './start.ts';
import {
  type DispatchConfig,
  type DispatchEffect,
  type DispatchInput,
  type DispatchState,
  isFiring,
} from './state.ts';
import { type AlertStatus, alertStatuses, type GroupStatus, groupStatuses } from './status.ts';
import { dispatchStep, nextDueMs } from './step.ts';

/** Longest sleep between ticks: a jump of the wall clock is noticed after at most this. */
const TICK_MS_MAX = 5000;
/** Writes kept while the state database does not answer; beyond, the oldest journal events are dropped and counted. */
const WRITES_WAITING_MAX = 20_000;
/** Wait before a failed commit is tried again. */
const COMMIT_RETRY_MS = 1000;
/** Recovery runs read at the start: far more than can hold messages at once. */
const RUNS_LOADED_MAX = 1000;

export interface DispatcherOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly state: StateStore;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly effects: Effects;
  readonly config: DispatchConfig;
  /** Takes a message to be delivered; answers through `report`. Must not throw or block. */
  readonly notify: (job: NotificationJob) => void;
  readonly recover: (job: RecoveryJob) => void;
}

export interface Dispatcher {
  /** Reads what was told and what was under way. Inputs that come before are kept until then. */
  start(): Promise<Result<void, StateFailure>>;
  /** Stops ticking and writes what is still unwritten. */
  stop(): Promise<void>;
  /** An AlertSink. */
  alerts(update: AlertUpdate): void;
  report(report: DeliveryReport): void;
  recovery(update: RecoveryUpdate): void;
  recoveryVerdict(fingerprint: string, verdict: 'no_playbook'): void;
  reload(config: DispatchConfig): void;
  /** Every rule group has been evaluated since the start: told alerts that are still missing are gone. */
  rulesSettled(): void;
  alertStatuses(): readonly AlertStatus[];
  groupStatuses(): readonly GroupStatus[];
  /** Resolves when all that was decided so far is committed. */
  written(): Promise<void>;
}

export function createDispatcher(options: DispatcherOptions): Dispatcher {
  const runner = new DispatchRunner(options);
  return {
    start: () => runner.start(),
    stop: () => runner.stop(),
    alerts: update => runner.take({ kind: 'alerts', update }),
    report: report => runner.take({ kind: 'report', report }),
    recovery: update => runner.take({ kind: 'recovery', update }),
    recoveryVerdict: (fingerprint, verdict) =>
      runner.take({ kind: 'recovery_verdict', fingerprint, verdict }),
    reload: config => runner.take({ kind: 'reload', config }),
    rulesSettled: () => runner.take({ kind: 'settled' }),
    alertStatuses: () => (runner.state === undefined ? [] : alertStatuses(runner.state)),
    groupStatuses: () => (runner.state === undefined ? [] : groupStatuses(runner.state)),
    written: () => runner.written(),
  };
}

/** Owns the dispatch state, the tick timer and the unwritten commits. */
class DispatchRunner {
  state: DispatchState | undefined;
  readonly #options: DispatcherOptions;
  readonly #metrics: DispatchMetrics;
  #early: DispatchInput[] = [];
  #stepping = false;
  #inbox: DispatchInput[] = [];
  #timer: Timer | undefined;
  #stopped = false;
  #unwritten: StateWrite[] = [];
  #writing: Promise<void> | undefined;

  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.#metrics = dispatchMetrics(options.metrics);
  }

  async start(): Promise<Result<void, StateFailure>> {
    const { state: store, clock, random, config, effects } = this.#options;
    const [log, intents, runs] = await Promise.all([
      store.notificationLog(),
      store.openIntents(),
      store.recoveryRuns({ unfinishedOnly: false, limit: RUNS_LOADED_MAX }),
    ]);
    if (!log.ok) return err(log.error);
    if (!intents.ok) return err(intents.error);
    if (!runs.ok) return err(runs.error);
    const bootId = [random.uint32(), random.uint32()]
      .map(word => word.toString(16).padStart(8, '0'))
      .join('');
    this.state = initialState({
      config,
      effects,
      bootId,
      nowMs: clock.nowMs(),
      loaded: { log: log.value, openIntents: intents.value, runs: runs.value },
    });
    const early = this.#early;
    this.#early = [];
    for (const input of early) this.take(input);
    this.take({ kind: 'tick' });
    return ok(undefined);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    await this.written();
  }

  take(input: DispatchInput): void {
    if (this.#stopped) return;
    if (this.state === undefined) {
      this.#early.push(input);
      return;
    }
    // A sink may answer while a step's effects are carried out: its answer waits for its turn.
    this.#inbox.push(input);
    if (this.#stepping) return;
    this.#stepping = true;
    try {
      for (let next = this.#inbox.shift(); next !== undefined; next = this.#inbox.shift()) {
        this.#carryOut(dispatchStep(this.state, next, this.#options.clock.nowMs()));
      }
    } finally {
      this.#stepping = false;
    }
    if (input.kind === 'tick') this.#metrics.show(this.state);
    this.#planTick(this.state);
  }

  async written(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
  }

  #planTick(state: DispatchState): void {
    const { clock } = this.#options;
    this.#timer?.cancel();
    const waitMs = Math.min(TICK_MS_MAX, nextDueMs(state) - clock.nowMs());
    this.#timer = clock.after(waitMs, () => this.take({ kind: 'tick' }));
  }

  #carryOut(effects: readonly DispatchEffect[]): void {
    const { clock, notify, recover } = this.#options;
    for (const effect of effects) {
      switch (effect.kind) {
        case 'notify':
          this.#metrics.jobs.add();
          notify(effect.job);
          break;
        case 'recover':
          recover(effect.job);
          break;
        case 'journal':
          this.#unwritten.push({ kind: 'journal', event: effect.event });
          break;
        case 'log':
          this.#unwritten.push({ kind: 'notification_log', entry: effect.entry });
          break;
        case 'close_intent':
          this.#unwritten.push({
            kind: 'delivery_outcome',
            jobId: effect.jobId,
            outcome: { kind: 'drop', reason: 'interrupted', detail: effect.reason },
            atMs: clock.nowMs(),
          });
          break;
      }
    }
    if (this.#unwritten.length > 0) this.#writing ??= this.#write();
  }

  /** One commit at a time; what comes meanwhile goes with the next, so that a storm makes few commits. */
  async #write(): Promise<void> {
    const { state: store, log, clock } = this.#options;
    // What the rest of this turn decides still goes with the first commit.
    await Promise.resolve();
    while (this.#unwritten.length > 0) {
      const batch = this.#unwritten;
      this.#unwritten = [];
      const committed = await store.commit(batch, 'grouped');
      if (committed.ok) continue;
      log.log('error', 'Cannot write the alert journal', { cause: committed.error.message });
      this.#unwritten = [...batch, ...this.#unwritten];
      this.#dropExcess();
      if (committed.error.code === 'state-closed' || this.#stopped) break;
      await new Promise<void>(resolve => void clock.after(COMMIT_RETRY_MS, resolve));
    }
    this.#writing = undefined;
  }

  #dropExcess(): void {
    const excess = this.#unwritten.length - WRITES_WAITING_MAX;
    if (excess <= 0) return;
    let dropped = 0;
    // Log entries and outcomes decide about repeats: only journal events may go.
    this.#unwritten = this.#unwritten.filter(write => {
      if (dropped >= excess || write.kind !== 'journal') return true;
      dropped += 1;
      return false;
    });
    this.#metrics.dropped.add(dropped);
  }
}

interface DispatchMetrics {
  readonly jobs: { add(): void };
  readonly dropped: { add(amount: number): void };
  show(state: DispatchState): void;
}

function dispatchMetrics(metrics: Metrics): DispatchMetrics {
  const alerts = metrics.gauge('watchkeeper_alerts', 'Alerts in the alert store, by state.');
  const groups = metrics.gauge(
    'watchkeeper_alert_groups',
    'Groups of alerts that are kept for notification.',
  );
  const stale = metrics.gauge('watchkeeper_alerts_stale', 'Alerts whose rule was not evaluated in time.');
  const pending = metrics.gauge(
    'watchkeeper_notifications_pending',
    'Messages decided and not yet reported.',
  );
  return {
    jobs: metrics.counter('watchkeeper_notification_jobs_total', 'Messages that dispatch decided to send.'),
    dropped: metrics.counter(
      'watchkeeper_alert_journal_dropped_total',
      'Journal events lost since the state database did not answer.',
    ),
    show: state => {
      const counts = { firing: 0, unknown: 0, resolved: 0, pending: 0 };
      let staleCount = 0;
      for (const stored of state.alerts.values()) {
        counts[stored.alert.state] += 1;
        if (stored.stale && isFiring(stored.alert)) staleCount += 1;
      }
      for (const name of ['firing', 'unknown', 'resolved'] as const)
        alerts.set(counts[name], { state: name });
      groups.set(state.groups.size);
      stale.set(staleCount);
      pending.set(state.pending.size);
    },
  };
}
