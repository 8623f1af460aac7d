// The runner of dispatch: loads what was told, feeds the step, hands jobs on, and writes the journal in batches.

import { type Clock, err, type Log, ok, type Random, type Result, type Timer } from '../base/index.ts';
import type {
  Alert,
  AlertUpdate,
  DeliveryReport,
  Effects,
  Metrics,
  NotificationJob,
  PostedAlert,
  PostedOutcome,
  RecoveryJob,
  RecoveryUpdate,
  Silence,
  SilenceDraft,
  SilenceRefusal,
  StateFailure,
  StateStore,
  StateWrite,
} from '../model/index.ts';
import { Commits } from './commits.ts';
import { acceptPosted } from './posted.ts';
import { SilenceDesk } from './silence-desk.ts';
import { initialState } from './start.ts';
import {
  type DispatchConfig,
  type DispatchEffect,
  type DispatchInput,
  type DispatchState,
  isFiring,
} from './state.ts';
import {
  type AlertStatus,
  alertStatus,
  alertStatuses,
  type GroupStatus,
  groupStatuses,
  postedAlerts,
} from './status.ts';
import { dispatchStep, nextDueMs } from './step.ts';
import { limitPosted } from './store-posted.ts';

/** Longest sleep between ticks: a jump of the wall clock is noticed after at most this. */
const TICK_MS_MAX = 5000;
/** The metrics count all alerts: not with each of the many ticks of a storm. */
const SHOW_MS = 1000;
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
  /**
   * Alerts that others post; each is taken or refused on its own. Resolves when those that were taken are committed, so that
   * they outlive the process (or when the database refuses: they are served from memory then).
   */
  receive(posted: readonly PostedAlert[], nowMs: number): Promise<PostedOutcome>;
  silences(): readonly Silence[];
  /** The value is its id: that of the draft where the change rewrites nothing that was silenced already. Durable. */
  setSilence(draft: SilenceDraft): Promise<Result<string, SilenceRefusal>>;
  /** Ends a silence now. Durable. */
  expireSilence(id: string): Promise<Result<void, SilenceRefusal>>;
  alertStatuses(): readonly AlertStatus[];
  alertStatus(fingerprint: string): AlertStatus | undefined;
  /** Alerts that no rule made. */
  postedAlerts(): readonly Alert[];
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
    receive: (posted, nowMs) => runner.receive(posted, nowMs),
    silences: () => runner.state?.silences.all() ?? [],
    setSilence: draft => runner.desk.set(draft),
    expireSilence: id => runner.desk.expire(id),
    alertStatuses: () =>
      runner.state === undefined ? [] : alertStatuses(runner.state, options.clock.nowMs()),
    alertStatus: fingerprint => {
      const stored = runner.state?.alerts.get(fingerprint);
      if (runner.state === undefined || stored === undefined) return undefined;
      return alertStatus(runner.state, stored, options.clock.nowMs());
    },
    postedAlerts: () => (runner.state === undefined ? [] : postedAlerts(runner.state)),
    groupStatuses: () =>
      runner.state === undefined ? [] : groupStatuses(runner.state, options.clock.nowMs()),
    written: () => runner.written(),
  };
}

/** Owns the dispatch state and the tick timer. */
class DispatchRunner {
  state: DispatchState | undefined;
  readonly desk: SilenceDesk;
  readonly #options: DispatcherOptions;
  readonly #metrics: DispatchMetrics;
  readonly #commits: Commits;
  #early: DispatchInput[] = [];
  #stepping = false;
  #inbox: DispatchInput[] = [];
  #timer: Timer | undefined;
  #nextShowMs = Number.NEGATIVE_INFINITY;
  #stopped = false;

  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.#metrics = dispatchMetrics(options.metrics);
    const { clock, random, state, log } = options;
    this.#commits = new Commits({ clock, state, log, onDropped: count => this.#metrics.dropped.add(count) });
    this.desk = new SilenceDesk({
      clock,
      random,
      state,
      dispatch: () => (this.#stopped ? undefined : this.state),
      apply: silences => this.take({ kind: 'silences', silences }),
    });
  }

  async start(): Promise<Result<void, StateFailure>> {
    const { state: store, clock, random, config, effects } = this.#options;
    const [log, intents, runs, silences, posted] = await Promise.all([
      store.notificationLog(),
      store.openIntents(),
      store.recoveryRuns({ unfinishedOnly: false, limit: RUNS_LOADED_MAX }),
      store.silences(),
      store.postedAlerts(),
    ]);
    if (!log.ok) return err(log.error);
    if (!intents.ok) return err(intents.error);
    if (!runs.ok) return err(runs.error);
    if (!silences.ok) return err(silences.error);
    if (!posted.ok) return err(posted.error);
    const bootId = [random.uint32(), random.uint32()]
      .map(word => word.toString(16).padStart(8, '0'))
      .join('');
    this.state = initialState({
      config,
      effects,
      bootId,
      nowMs: clock.nowMs(),
      loaded: { log: log.value, openIntents: intents.value, runs: runs.value, silences: silences.value },
    });
    const early = this.#early;
    this.#early = [];
    this.take({ kind: 'posted', records: posted.value, restored: true });
    for (const input of early) this.take(input);
    this.take({ kind: 'tick' });
    return ok(undefined);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#commits.stop();
    await this.written();
  }

  async receive(posted: readonly PostedAlert[], nowMs: number): Promise<PostedOutcome> {
    const { resolveTimeoutMs } = this.state?.config ?? this.#options.config;
    const checked = acceptPosted(posted, { nowMs, resolveTimeoutMs });
    const accepted = this.state === undefined ? checked : limitPosted(this.state, checked);
    this.#metrics.received.add(accepted.accepted, { outcome: 'accepted' });
    this.#metrics.received.add(accepted.refused.length, { outcome: 'refused' });
    this.take({ kind: 'posted', records: accepted.records });
    await this.#commits.posted();
    return { accepted: accepted.accepted, refused: accepted.refused };
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
    if (input.kind === 'tick') this.#show(this.state);
    this.#planTick(this.state);
  }

  written(): Promise<void> {
    return this.#commits.written();
  }

  #show(state: DispatchState): void {
    const nowMs = this.#options.clock.monotonicMs();
    if (nowMs < this.#nextShowMs) return;
    this.#nextShowMs = nowMs + SHOW_MS;
    this.#metrics.show(state);
  }

  #planTick(state: DispatchState): void {
    const { clock } = this.#options;
    this.#timer?.cancel();
    const waitMs = Math.min(TICK_MS_MAX, nextDueMs(state) - clock.nowMs());
    this.#timer = clock.after(waitMs, () => this.take({ kind: 'tick' }));
  }

  #carryOut(effects: readonly DispatchEffect[]): void {
    const { clock, notify, recover } = this.#options;
    const writes: StateWrite[] = [];
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
          writes.push({ kind: 'journal', event: effect.event });
          break;
        case 'log':
          writes.push({ kind: 'notification_log', entry: effect.entry });
          break;
        case 'write':
          writes.push(effect.write);
          break;
        case 'close_intent':
          writes.push({
            kind: 'delivery_outcome',
            jobId: effect.jobId,
            outcome: { kind: 'drop', reason: 'interrupted', detail: effect.reason },
            atMs: clock.nowMs(),
          });
          break;
      }
    }
    this.#commits.add(writes);
  }
}

interface DispatchMetrics {
  readonly jobs: { add(): void };
  readonly dropped: { add(amount: number): void };
  readonly received: { add(amount: number, labels: { readonly outcome: string }): void };
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
    received: metrics.counter(
      'watchkeeper_alerts_received_total',
      'Alerts that others posted, by what became of them.',
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
