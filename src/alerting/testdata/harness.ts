// A dispatcher with fake time, a rule side that evaluates every 15 s, and a notifier reduced to its commits.

import { FakeClock, settle } from '../../../test/support/clock.ts';
import { CollectingLog } from '../../../test/support/log.ts';
import { seededRandom } from '../../../test/support/random.ts';
import { MemoryState, type StateImage } from '../../../test/support/state.ts';
import {
  type Alert,
  fingerprint,
  labelsFrom,
  labelValue,
  MetricRegistry,
  NO_LABELS,
  type NotificationJob,
  type RecoveryJob,
  type RecoveryRun,
  type RecoveryState,
} from '../../model/index.ts';
import {
  buildRoute,
  createDispatcher,
  type Destination,
  type Dispatcher,
  type DispatchConfig,
  HOLD_MS_DEFAULT,
  type RouteSpec,
} from '../index.ts';

export const EVALUATION_MS = 15_000;

export function routeSpec(part: Partial<RouteSpec> = {}): RouteSpec {
  return {
    receiver: 'ops',
    groupBy: ['alertname'],
    groupWaitMs: 30_000,
    groupIntervalMs: 300_000,
    repeatIntervalMs: 3_600_000,
    matchers: [],
    continue: false,
    notify: 'always',
    muteTimeIntervals: [],
    activeTimeIntervals: [],
    labels: NO_LABELS,
    routes: [],
    ...part,
  };
}

export function configOf(
  spec: RouteSpec,
  receivers: Readonly<Record<string, readonly Destination[]>> = {},
): DispatchConfig {
  const route = buildRoute(spec);
  if (!route.ok) throw new Error(route.error);
  const to = (name: string, sendResolved = true): readonly Destination[] => [{ key: name, sendResolved }];
  return {
    route: route.value,
    receivers: new Map(
      Object.entries({ ops: to('ops'), db: to('db'), mute: to('mute', false), nobody: [], ...receivers }),
    ),
    externalUrl: 'http://watchkeeper.test',
    configVersion: 'v1',
    holdMsMax: HOLD_MS_DEFAULT,
    inhibitRules: [],
    timeIntervals: [],
    resolveTimeoutMs: 300_000,
    limits: { silencesMax: 100, silenceBytesMax: 4096, alertsPerNameMax: 0 },
  };
}

/** Outcome of the n-th delivery from 0, in the order of the jobs. */
export type Delivers = (n: number) => 'sent' | 'drop' | 'hang' | 'doubt';

export class World {
  readonly clock: FakeClock;
  state: MemoryState;
  dispatcher: Dispatcher;
  readonly startMs: number;
  readonly jobs: NotificationJob[] = [];
  /** What really arrived. */
  readonly arrived: { readonly atMs: number; readonly job: NotificationJob }[] = [];
  readonly recoveries: RecoveryJob[] = [];
  readonly firing = new Map<string, Alert>();
  delivers: Delivers = () => 'sent';
  config: DispatchConfig;
  /** Rules silent: no evaluation. */
  rulesDown = false;
  /** Whether the wiring says that all rules were evaluated. */
  settles = true;
  #life = 0;
  #evaluation: { cancel(): void } | undefined;

  constructor(config: DispatchConfig, clock = new FakeClock()) {
    this.clock = clock;
    this.config = config;
    this.startMs = clock.nowMs();
    this.state = new MemoryState({ clock });
    this.dispatcher = this.#create();
  }

  async start(): Promise<void> {
    const life = ++this.#life;
    const started = this.dispatcher.start();
    await settle();
    // A database that died at once never answers.
    void started;
    this.#evaluate(life);
    await settle();
    if (this.settles) this.dispatcher.rulesSettled();
  }

  /** Kills the process and starts another on what the disk holds. */
  async restart(image: StateImage = this.state.killProcess()): Promise<void> {
    this.#life += 1;
    this.#evaluation?.cancel();
    void this.dispatcher.stop();
    this.state = new MemoryState({ clock: this.clock }, image);
    this.dispatcher = this.#create();
    await this.start();
  }

  fire(labels: Readonly<Record<string, string>>, part: Partial<Alert> = {}): Alert {
    const alert = alertOf(labels, { activeAtMs: this.clock.nowMs(), firedAtMs: this.clock.nowMs(), ...part });
    this.firing.set(alert.fingerprint, alert);
    this.#ended.delete(alert.fingerprint);
    this.send([alert]);
    return alert;
  }

  resolve(alert: Alert): void {
    this.firing.delete(alert.fingerprint);
    const atMs = this.clock.nowMs();
    this.#ended.set(alert.fingerprint, { ...alert, state: 'resolved', resolvedAtMs: atMs, reason: 'fell below' });
    this.send([...this.#ended.values()]);
  }

  send(alerts: readonly Alert[]): void {
    const atMs = this.clock.nowMs();
    this.dispatcher.alerts({ atMs, alerts, validUntilMs: atMs + 4 * EVALUATION_MS });
  }

  recovery(alert: Alert, state: RecoveryState, part: Partial<RecoveryRun> = {}): void {
    const atMs = this.clock.nowMs();
    const run: RecoveryRun = {
      id: 'run-1',
      playbook: 'restart-it',
      fingerprint: alert.fingerprint,
      labels: {},
      expr: 'up == 0',
      state,
      reason: 'still down',
      attempt: 1,
      proposedAtMs: atMs,
      changedAtMs: atMs,
      steps: [{ name: 'restart', startedAtMs: atMs, outcome: 'failed', detail: 'exit code 1' }],
      ...part,
    };
    this.dispatcher.recovery({ run, atMs });
  }

  /** One line a message: time, receiver, status, names, reason. */
  told(): string {
    return this.arrived
      .map(({ atMs, job }) => {
        const names = job.alerts.map(one => {
          const name = labelValue(one.labels, 'instance') || labelValue(one.labels, 'alertname');
          return one.state === 'resolved' ? `-${name}` : name;
        });
        const seconds = Math.round((atMs - this.startMs) / 1000);
        const mark = job.possibleRepeat ? ' (possible repeat)' : '';
        return `${seconds}s ${job.receiver} ${names.sort().join(' ')}: ${job.reason}${mark}`;
      })
      .join('\n');
  }

  async verdicts(stage: 'route' | 'group' | 'notify' | 'rule'): Promise<readonly string[]> {
    await this.dispatcher.written();
    const events = await this.state.journal({ stage, limit: 10_000, newestFirst: false });
    if (!events.ok) throw new Error(events.error.message);
    return events.value.map(event => `${event.verdict}: ${event.reason}`);
  }

  readonly #ended = new Map<string, Alert>();

  #create(): Dispatcher {
    const state = this.state;
    return createDispatcher({
      clock: this.clock,
      random: seededRandom(this.#life + 1),
      state,
      log: new CollectingLog(),
      metrics: new MetricRegistry(),
      effects: 'live',
      config: this.config,
      notify: job => void this.#deliver(job, state),
      recover: job => this.recoveries.push(job),
    });
  }

  async #deliver(job: NotificationJob, state: MemoryState): Promise<void> {
    const { dispatcher, clock } = this;
    const mode = this.delivers(this.jobs.length);
    this.jobs.push(job);
    const firing = job.alerts.filter(one => one.state !== 'resolved').map(one => one.fingerprint);
    const resolved = job.alerts.filter(one => one.state === 'resolved').map(one => one.fingerprint);
    const told = { groupKey: job.groupKey, receiver: job.receiver, firing, resolved };
    const intent = { jobId: job.id, atMs: clock.nowMs(), ...told };
    await state.commit([{ kind: 'delivery_intent', intent }], 'synced');
    if (mode === 'hang') return;
    const atMs = clock.nowMs();
    if (mode === 'doubt') {
      // It may have arrived: its intent stays open.
      const lost = { kind: 'drop', reason: 'timeout', detail: '' } as const;
      dispatcher.report({ job, outcome: lost, attempts: 1, deliveredBy: job.receiver, atMs, inDoubt: true });
      return;
    }
    if (mode === 'sent') this.arrived.push({ atMs, job });
    const outcome =
      mode === 'sent'
        ? ({ kind: 'sent', answer: 'ok' } as const)
        : ({ kind: 'drop', reason: 'refused', detail: '' } as const);
    const expiresAtMs = atMs + 5 * 86_400_000;
    const settled = mode === 'sent' ? [job.id, ...(job.repeats ?? [])] : [job.id];
    await state.commit(
      [
        ...settled.map(jobId => ({ kind: 'delivery_outcome' as const, jobId, outcome, atMs })),
        ...(mode === 'sent'
          ? [{ kind: 'notification_log' as const, entry: { ...told, sentAtMs: atMs, expiresAtMs } }]
          : []),
      ],
      'grouped',
    );
    dispatcher.report({ job, outcome, attempts: 1, deliveredBy: job.receiver, atMs });
  }

  #evaluate(life: number): void {
    if (life !== this.#life) return;
    if (!this.rulesDown) this.send([...this.firing.values(), ...this.#ended.values()]);
    this.#evaluation = this.clock.after(EVALUATION_MS, () => this.#evaluate(life));
  }
}

export function alertOf(labels: Readonly<Record<string, string>>, part: Partial<Alert> = {}): Alert {
  const set = labelsFrom({ alertname: 'Down', ...labels });
  return {
    labels: set,
    fingerprint: fingerprint(set),
    annotations: labelsFrom({ summary: 'it is down' }),
    state: 'firing',
    activeAtMs: 0,
    reason: 'above',
    value: 1,
    rule: { file: 'r.yml', group: 'g', name: 'Down', labelsKey: '' },
    expr: 'up == 0',
    generatorUrl: 'http://watchkeeper.test/graph',
    ...part,
  };
}
