// Delivery: intent committed, then sent with a deadline, then outcome and log entry committed together.

import {
  backoffMs,
  type Clock,
  type Exec,
  type Http,
  type Log,
  type Mail,
  type Random,
  sleep,
  type Timer,
} from '../base/index.ts';
import type {
  DeliveryOutcome,
  DeliveryReport,
  Effects,
  Metrics,
  NotificationJob,
  StateStore,
  StateWrite,
} from '../model/index.ts';
import { attemptOnce, Lanes } from './attempt.ts';
import type { AnyChannel, Message, RenderText } from './channel.ts';
import { type DestinationHealth, HealthBook } from './health.ts';
import { MemoBook } from './memos.ts';
import { buildDirectory, type DestinationSender, type Directory, type ReceiverSpec } from './receivers.ts';
import { intentOf, journalWrite, logEntryOf } from './records.ts';
import { DELIVERY_BACKOFF, mayHaveArrived } from './retry.ts';
import { testJob } from './test-message.ts';

/** Tries at a commit. Then a message goes without its intent: a full disk must not silence its own alert. */
const COMMIT_TRIES_MAX = 3;
const COMMIT_RETRY_MS = 500;
/** While the state database fails, what is owed to it is tried this often. */
const OWED_RETRY_MS = 1000;
/** Three writes a delivery: some thousands of messages, as many as an outage of hours leaves. */
const OWED_WRITES_MAX = 10_000;
/** A fallback gets one short cycle: the next flush of the group comes soon and tries the receiver itself again. */
const FALLBACK_MS_MAX = 45_000;

export interface NotifyConfig {
  readonly receivers: readonly ReceiverSpec[];
  readonly render: RenderText;
  readonly externalUrl: string;
  readonly configVersion: string;
  /** How long a notification log entry is kept: `logKeptMs(dispatchConfig)` of alerting. */
  readonly logKeptMs: number;
}

export interface NotifierOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly state: StateStore;
  readonly mail: Mail;
  readonly http: Http;
  readonly exec: Exec;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly effects: Effects;
  readonly channels: readonly AnyChannel[];
  readonly config: NotifyConfig;
  /** Hears the final word on every job. */
  readonly report: (report: DeliveryReport) => void;
}

export interface TestAnswer {
  readonly destination: string;
  readonly outcome: DeliveryOutcome;
}

export interface Notifier {
  deliver(job: NotificationJob): void;
  reload(config: NotifyConfig): void;
  /** Ways out by receiver name: the `receivers` of alerting's configuration. */
  destinations(): ReadonlyMap<string, readonly { readonly key: string; readonly sendResolved: boolean }[]>;
  /** What cannot work with the present settings. */
  problems(): readonly string[];
  health(): readonly DestinationHealth[];
  /** Sends a marked test message now, once, to every way out of the receiver; empty if there is none. */
  testReceiver(name: string): Promise<readonly TestAnswer[]>;
  /** Ends waits at once and gives attempts under way `graceMs`. What is not delivered keeps its open intent. */
  stop(graceMs: number): Promise<void>;
}

export function createNotifier(options: NotifierOptions): Notifier {
  const runner = new DeliveryRunner(options);
  return {
    deliver: job => runner.deliver(job),
    reload: config => runner.reload(config),
    destinations: () => runner.directory.byReceiver,
    problems: () => runner.directory.problems,
    health: () => runner.healthList(),
    testReceiver: name => runner.test(name),
    stop: graceMs => runner.stop(graceMs),
  };
}

interface Delivery {
  readonly job: NotificationJob;
  readonly stop: AbortController;
  readonly done: Promise<void>;
}

/** What one retry cycle came to. */
interface CycleEnd {
  readonly outcome: DeliveryOutcome;
  readonly attempts: number;
  readonly by: string;
}

const SUPERSEDED = 'superseded';
const STOPPED = 'stopped';

/** Owns the deliveries under way, one a destination and group. */
class DeliveryRunner {
  directory: Directory;
  readonly #options: NotifierOptions;
  #config: NotifyConfig;
  readonly #lanes = new Lanes();
  readonly #health: HealthBook;
  readonly #memos: MemoBook;
  readonly #current = new Map<string, Delivery>();
  readonly #running = new Set<Promise<void>>();
  /** Groups whose last attempt may have arrived although it failed. */
  readonly #uncertain = new Set<string>();
  #stopped = false;
  /** Outcomes and log entries that are not written yet. */
  #owed: StateWrite[] = [];
  #owing: Promise<boolean> = Promise.resolve(true);
  #owedTimer: Timer | undefined;

  constructor(options: NotifierOptions) {
    this.#options = options;
    this.#config = options.config;
    this.#health = new HealthBook(options.metrics);
    this.#memos = new MemoBook(options.state);
    this.directory = this.#build();
  }

  deliver(job: NotificationJob): void {
    if (this.#stopped) return;
    const key = deliveryKey(job);
    const former = this.#current.get(key);
    former?.stop.abort(SUPERSEDED);
    const stop = new AbortController();
    const done = (former?.done ?? Promise.resolve())
      .then(() => this.#run(job, key, stop.signal))
      .catch(error => this.#onBug(job, error))
      .finally(() => {
        this.#running.delete(done);
        if (this.#current.get(key)?.job.id === job.id) this.#current.delete(key);
      });
    this.#current.set(key, { job, stop, done });
    this.#running.add(done);
  }

  reload(config: NotifyConfig): void {
    this.#config = config;
    const before = [...this.directory.byKey.values()];
    this.directory = this.#build();
    this.#health.keepOnly(before, new Set(this.directory.byKey.keys()));
  }

  healthList(): readonly DestinationHealth[] {
    return [...this.directory.byKey.values()].map(one => this.#health.of(one));
  }

  async test(name: string): Promise<readonly TestAnswer[]> {
    const { clock, random, effects } = this.#options;
    const destinations = this.directory.byReceiver.get(name) ?? [];
    // Nothing leaves a shadow, not even when a person asks.
    if (effects !== 'live')
      return destinations.map(({ key }) => ({ destination: key, outcome: { kind: 'would_have' } }));
    const writes: StateWrite[] = [];
    const answers = await Promise.all(
      destinations.map(async destination => {
        const job = testJob({
          destination: destination.key,
          nowMs: clock.nowMs(),
          id: random.uint32(),
          externalUrl: this.#config.externalUrl,
        });
        const outcome = await attemptOnce({
          clock,
          destination,
          message: { job, receiver: name, isTest: true },
          timeoutMs: Number.MAX_SAFE_INTEGER,
        });
        this.#note(destination, outcome, 0);
        const text = { verdict: `test ${outcome.kind}`, reason: 'a person asked for a test message' };
        writes.push(this.#journal(job, { ...text, evidence: { outcome: { ...outcome } } }));
        return { destination: destination.key, outcome };
      }),
    );
    if (writes.length > 0) await this.#commit(writes);
    return answers;
  }

  async stop(graceMs: number): Promise<void> {
    this.#stopped = true;
    for (const delivery of this.#current.values()) delivery.stop.abort(STOPPED);
    const over = new AbortController();
    const grace = sleep(this.#options.clock, graceMs, over.signal);
    await Promise.race([Promise.allSettled([...this.#running]), grace]);
    over.abort();
    this.#owedTimer?.cancel();
    await this.#writeOwed();
  }

  #build(): Directory {
    const { clock, http, mail, exec, channels, log } = this.#options;
    const { render } = this.#config;
    const ports = { clock, http, mail, exec, render };
    const directory = buildDirectory(this.#config.receivers, channels, ports);
    this.#health.begin(directory.byKey.values());
    for (const problem of directory.problems) log.log('error', `Cannot use a receiver: ${problem}`);
    return directory;
  }

  async #run(job: NotificationJob, key: string, signal: AbortSignal): Promise<void> {
    const { effects } = this.#options;
    const marked = this.#uncertain.has(key) ? { ...job, possibleRepeat: true } : job;
    if (signal.aborted) return this.#end(marked, givenUp(signal, job));
    if (effects !== 'live') return this.#wouldHave(marked);
    const destination = this.directory.byKey.get(job.receiver);
    if (destination === undefined) {
      const outcome: DeliveryOutcome = { kind: 'drop', reason: 'no such receiver', detail: job.receiver };
      return this.#end(marked, { outcome, attempts: 0, by: job.receiver });
    }
    const safe = await this.#commitIntent(marked, signal);
    const end = await this.#cycle({ job: safe, destination, key, deadlineMs: job.deadlineMs }, signal);
    if (end.outcome.kind === 'sent') this.#uncertain.delete(key);
    else if (!signal.aborted) return this.#fallBack({ job: safe, destination, end }, signal);
    return this.#end(safe, end);
  }

  /** The promise to send is on disk before anything leaves; a state database that fails is gone around, marked. */
  async #commitIntent(job: NotificationJob, signal: AbortSignal): Promise<NotificationJob> {
    const { state, clock, log } = this.#options;
    for (let tries = 1; tries <= COMMIT_TRIES_MAX; tries++) {
      const intent = intentOf(job, clock.nowMs());
      const committed = await state.commit([{ kind: 'delivery_intent', intent }], 'synced');
      if (committed.ok) return job;
      log.log('error', 'Cannot write the intent of a message', {
        job: job.id,
        cause: committed.error.message,
      });
      if (tries < COMMIT_TRIES_MAX) await sleep(clock, COMMIT_RETRY_MS, signal);
    }
    return { ...job, possibleRepeat: true };
  }

  /** Attempts until sent, refused for good, superseded, or out of time. */
  async #cycle(
    cycle: {
      readonly job: NotificationJob;
      readonly destination: DestinationSender;
      readonly key: string;
      readonly deadlineMs: number;
    },
    signal: AbortSignal,
  ): Promise<CycleEnd> {
    const { clock, random } = this.#options;
    const { destination, key, deadlineMs } = cycle;
    let job = cycle.job;
    const by = destination.key;
    for (let attempts = 1; ; attempts++) {
      const slot = await this.#lanes.enter(destination.key, signal);
      if (slot === undefined || signal.aborted) {
        slot?.();
        return { ...givenUp(signal, job), attempts: attempts - 1, by };
      }
      const startMs = clock.monotonicMs();
      const memo = destination.sender.remembers === true ? await this.#memos.of(job, by) : undefined;
      const message: Message = {
        job,
        receiver: destination.receiver,
        isTest: false,
        ...(memo === undefined ? {} : { memo }),
      };
      const timeoutMs = Math.max(0, deadlineMs - clock.nowMs());
      // A newer message never breaks off an attempt: whether it arrived would then be unknown.
      const outcome = await attemptOnce({ clock, destination, message, timeoutMs });
      slot();
      this.#note(destination, outcome, clock.monotonicMs() - startMs);
      if (outcome.kind !== 'retry') return { outcome, attempts, by };
      if (mayHaveArrived(outcome)) {
        this.#uncertain.add(key);
        job = { ...job, possibleRepeat: true };
      }
      const waitMs = backoffMs(attempts, DELIVERY_BACKOFF, { random, afterMs: outcome.afterMs });
      if (signal.aborted) return { ...givenUp(signal, job), attempts, by };
      if (clock.nowMs() + waitMs >= deadlineMs) return { outcome: outOfTime(outcome), attempts, by };
      const text = {
        verdict: 'retry',
        reason: `${by}: ${outcome.reason}`,
        evidence: { detail: outcome.detail },
      };
      void this.#commit([this.#journal(job, text)]);
      await sleep(clock, waitMs, signal);
    }
  }

  /** What the receiver could not deliver goes to its fallback, every way out of it at once; one is enough. */
  async #fallBack(
    failed: {
      readonly job: NotificationJob;
      readonly destination: DestinationSender;
      readonly end: CycleEnd;
    },
    signal: AbortSignal,
  ): Promise<void> {
    const { clock } = this.#options;
    const { job, destination, end } = failed;
    const name = destination.fallback;
    const others = name === undefined ? [] : (this.directory.byReceiver.get(name) ?? []);
    if (others.length > 0) {
      const deadlineMs = clock.nowMs() + FALLBACK_MS_MAX;
      const text = { verdict: 'fallback', reason: `${destination.key} failed: ${name} takes over` };
      await this.#commit([this.#journal(job, { ...text, evidence: { outcome: { ...end.outcome } } })]);
      const key = `${deliveryKey(job)}\0${name}`;
      const ends = await Promise.all(
        others.map(other => this.#cycle({ job, destination: other, key, deadlineMs }, signal)),
      );
      this.#uncertain.delete(key);
      const sent = ends.find(one => one.outcome.kind === 'sent');
      if (sent !== undefined) {
        this.#health.fallback(destination);
        return this.#end(job, { ...sent, attempts: end.attempts + sent.attempts });
      }
    }
    if (!signal.aborted) this.#health.undelivered(destination);
    return this.#end(job, signal.aborted ? { ...end, ...givenUp(signal, job) } : end);
  }

  /** One commit: outcome, what was told, and why. Then the word to alerting. */
  async #end(job: NotificationJob, end: CycleEnd): Promise<void> {
    const { clock, report } = this.#options;
    // The process is going down: the open intent makes the next one tell again, marked.
    if (this.#stopped && end.outcome.kind !== 'sent') return;
    const atMs = clock.nowMs();
    // Who may have heard that it fires must hear that it ended: the intent stays open until the group is told again.
    const key = deliveryKey(job);
    const inDoubt = end.outcome.kind !== 'sent' && this.#uncertain.has(key);
    const writes: StateWrite[] = inDoubt
      ? []
      : [
          {
            kind: 'delivery_outcome',
            jobId: job.id,
            outcome: end.outcome,
            atMs,
            attempts: end.attempts,
            deliveredBy: end.by,
          },
        ];
    if (end.outcome.kind === 'sent') {
      // What a fallback left behind is not what the receiver itself would want to know.
      const memo = end.by === job.receiver ? end.outcome.memo : undefined;
      const entry = logEntryOf(job, { atMs, keptMs: this.#config.logKeptMs, memo });
      this.#memos.sent(entry);
      writes.push({ kind: 'notification_log', entry });
      const outcome: DeliveryOutcome = {
        kind: 'drop',
        reason: 'interrupted',
        detail: 'its group was told again',
      };
      // In one commit: a process that dies here must not leave them open beside the entry that says they are told.
      for (const jobId of job.repeats ?? []) writes.push({ kind: 'delivery_outcome', jobId, outcome, atMs });
    }
    writes.push(
      this.#journal(job, {
        ...wordsOf(job, end),
        evidence: { attempts: end.attempts, outcome: { ...end.outcome } },
      }),
    );
    this.#owed.push(...writes);
    for (let tries = 1; !(await this.#writeOwed()) && tries < COMMIT_TRIES_MAX; tries++) {
      await sleep(clock, COMMIT_RETRY_MS);
    }
    if (this.#owed.length > 0) this.#oweLater();
    const { outcome, attempts, by } = end;
    report({ job, outcome, attempts, deliveredBy: by, atMs, ...(inDoubt ? { inDoubt } : {}) });
  }

  /**
   * Writes what the deliveries came to, in their order: true when nothing is left. Without its log entry the next process
   * would tell again, or never tell the end, so what cannot be written now is tried until it can.
   */
  #writeOwed(): Promise<boolean> {
    const written = this.#owing.then(async () => {
      const batch = this.#owed;
      if (batch.length === 0) return true;
      this.#owed = [];
      if (await this.#commit(batch)) return this.#owed.length === 0;
      const all = [...batch, ...this.#owed];
      // The oldest go first: of a group the latest word counts.
      this.#owed = all.slice(-OWED_WRITES_MAX);
      return false;
    });
    this.#owing = written;
    return written;
  }

  #oweLater(): void {
    if (this.#owedTimer !== undefined || this.#stopped) return;
    this.#owedTimer = this.#options.clock.after(OWED_RETRY_MS, () => {
      this.#owedTimer = undefined;
      void this.#writeOwed().then(done => {
        if (!done) this.#oweLater();
      });
    });
  }

  async #wouldHave(job: NotificationJob): Promise<void> {
    const { clock, report } = this.#options;
    const atMs = clock.nowMs();
    const outcome: DeliveryOutcome = { kind: 'would_have' };
    // Both in one commit: an intent that nobody will carry out is never found open.
    await this.#commit([
      { kind: 'delivery_intent', intent: intentOf(job, atMs) },
      { kind: 'delivery_outcome', jobId: job.id, outcome, atMs, attempts: 0, deliveredBy: job.receiver },
      this.#journal(job, { verdict: 'would_have', reason: job.reason, evidence: {} }),
    ]);
    report({ job, outcome, attempts: 0, deliveredBy: job.receiver, atMs: clock.nowMs() });
  }

  #note(destination: DestinationSender, outcome: DeliveryOutcome, durationMs: number): void {
    const failed = outcome.kind === 'retry' || outcome.kind === 'drop';
    const error = failed ? `${outcome.reason}: ${outcome.detail}` : undefined;
    this.#health.attempt(destination, { error, atMs: this.#options.clock.nowMs(), durationMs });
  }

  #journal(job: NotificationJob, text: Parameters<typeof journalWrite>[1]): StateWrite {
    const { clock, effects } = this.#options;
    return journalWrite(job, text, {
      atMs: clock.nowMs(),
      effects,
      configVersion: this.#config.configVersion,
    });
  }

  async #commit(writes: readonly StateWrite[]): Promise<boolean> {
    const { state, log } = this.#options;
    const committed = await state.commit(writes, 'grouped');
    if (!committed.ok) log.log('error', 'Cannot write the delivery log', { cause: committed.error.message });
    return committed.ok;
  }

  /** A bug of ours must neither stop other deliveries nor leave alerting waiting. */
  #onBug(job: NotificationJob, error: unknown): void {
    const { log, report, clock } = this.#options;
    const detail = error instanceof Error ? error.message : String(error);
    log.log('error', 'Delivery failed for a reason of its own', { job: job.id, cause: detail });
    const outcome: DeliveryOutcome = { kind: 'drop', reason: 'internal error', detail };
    report({ job, outcome, attempts: 0, deliveredBy: job.receiver, atMs: clock.nowMs() });
  }
}

/** With its length, so that no two pairs have one name. */
function deliveryKey({ groupKey, receiver }: NotificationJob): string {
  return `${groupKey.length}:${groupKey}${receiver}`;
}

function givenUp(signal: AbortSignal, job: NotificationJob): CycleEnd {
  const reason = signal.reason === STOPPED ? STOPPED : SUPERSEDED;
  const detail =
    reason === STOPPED ? 'the process stops' : 'a newer message about the same group took its place';
  return { outcome: { kind: 'drop', reason, detail }, attempts: 0, by: job.receiver };
}

function outOfTime(outcome: DeliveryOutcome & { readonly kind: 'retry' }): DeliveryOutcome {
  return { kind: 'drop', reason: 'retries ran out', detail: `${outcome.reason}: ${outcome.detail}` };
}

function wordsOf(job: NotificationJob, end: CycleEnd): { readonly verdict: string; readonly reason: string } {
  const { outcome, by } = end;
  switch (outcome.kind) {
    case 'sent':
      return {
        verdict: 'sent',
        reason: by === job.receiver ? job.reason : `${job.reason}, by fallback ${by}`,
      };
    case 'drop':
      return outcome.reason === SUPERSEDED
        ? { verdict: SUPERSEDED, reason: outcome.detail }
        : { verdict: 'undelivered', reason: `${outcome.reason}: ${outcome.detail}` };
    case 'retry':
    case 'would_have':
      return { verdict: outcome.kind, reason: job.reason };
  }
}
