// A state store in memory with the commit semantics of the port, and with crashes at any commit boundary.

import { type Clock, err, ok, type Result } from '../../src/base/index.ts';
import {
  type Alert,
  alertNamedBy,
  type DeliveryFilter,
  type DeliveryIntent,
  type DeliveryOutcome,
  type DeliveryRecord,
  type Durability,
  deliveryVerdict,
  isFinal,
  type JournalEvent,
  type JournalFilter,
  type JsonValue,
  type KnownAlert,
  type KnownAlertFilter,
  type NotificationLogEntry,
  type PostedRecord,
  type RecoveryRun,
  repeatsEvent,
  type Silence,
  type StateFailure,
  type StateStore,
  type StateWrite,
  type StoredJournalEvent,
} from '../../src/model/index.ts';
import { seededRandom } from './random.ts';

/** Longest wait of a grouped commit for its sync, as the real store. */
const GROUP_WAIT_MS = 5;

export interface MemoryStateOptions {
  /** Lets grouped commits become synced after their wait; without it only the next synced commit does that. */
  readonly clock?: Clock;
  readonly journalEventsMax?: number;
  /** Stands for the copy of the database; without it a backup leaves no file. */
  readonly backup?: (path: string) => Promise<Result<void, StateFailure>>;
}

/** What outlives a process: the synced tables, and the commits written since. */
export class StateImage {
  readonly tables: Tables = newTables();
  unsynced: (readonly StateWrite[])[] = [];
}

export class MemoryState implements StateStore {
  readonly image: StateImage;
  /** Number of commits that took effect, for tests that count boundaries. */
  commits = 0;
  #visible: Tables;
  readonly #options: MemoryStateOptions;
  #phase: 'open' | 'closed' | 'dead' = 'open';
  #syncPlanned = false;
  #crash: { at: number; when: 'before' | 'after' } | undefined;
  #onCrash: () => void = () => {};
  readonly whenCrashed: Promise<void>;

  constructor(options: MemoryStateOptions = {}, image = new StateImage()) {
    this.#options = options;
    this.image = image;
    for (const writes of image.unsynced) this.#apply(image.tables, writes);
    image.unsynced = [];
    this.#visible = structuredClone(image.tables);
    this.whenCrashed = new Promise(resolve => {
      this.#onCrash = resolve;
    });
  }

  /** Dies before the n-th commit from now (1 is the next) takes effect: neither it nor any later call is ever answered. */
  crashBefore(n: number): void {
    this.#crash = { at: this.commits + n, when: 'before' };
  }

  /** Dies once the n-th commit from now has taken effect, synced, but before its caller hears of it. */
  crashAfter(n: number): void {
    this.#crash = { at: this.commits + n, when: 'after' };
  }

  /** kill -9: all that was committed stays. Open a new MemoryState on the image that is returned. */
  killProcess(): StateImage {
    this.#die();
    return this.image;
  }

  /** Loss of power: of the grouped commits that were not synced only some of the first survive. */
  losePower(options: { readonly seed: number }): StateImage {
    this.#die();
    const kept = Math.floor(seededRandom(options.seed).float() * (this.image.unsynced.length + 1));
    this.image.unsynced = this.image.unsynced.slice(0, kept);
    return this.image;
  }

  commit(writes: readonly StateWrite[], durability: Durability): Promise<Result<void, StateFailure>> {
    if (this.#phase === 'dead') return new Promise(() => {});
    if (this.#phase === 'closed') return Promise.resolve(closed());
    const dies = this.#crash?.at === this.commits + 1 ? this.#crash.when : undefined;
    if (dies === 'before') {
      this.#die();
      return new Promise(() => {});
    }
    this.commits += 1;
    const kept = structuredClone(writes);
    this.#apply(this.#visible, kept);
    this.image.unsynced.push(kept);
    if (durability !== 'grouped' || dies === 'after') this.#sync();
    else this.#planSync();
    if (dies === 'after') {
      this.#die();
      return new Promise(() => {});
    }
    return Promise.resolve(ok(undefined));
  }

  journal(filter: JournalFilter): Promise<Result<readonly StoredJournalEvent[], StateFailure>> {
    return this.#read(tables => {
      const found = tables.journal.filter(event => fits(event, filter));
      if (filter.newestFirst) found.reverse();
      return found.slice(0, filter.limit);
    });
  }

  knownAlerts(filter: KnownAlertFilter): Promise<Result<readonly KnownAlert[], StateFailure>> {
    const { fingerprint, name, limit } = filter;
    return this.#read(tables =>
      [...tables.known.values()]
        .filter(known => fingerprint === undefined || known.fingerprint === fingerprint)
        .filter(known => name === undefined || known.labels['alertname'] === name)
        .sort((a, b) => b.lastAtMs - a.lastAtMs || (a.fingerprint < b.fingerprint ? -1 : 1))
        .slice(0, limit),
    );
  }

  deliveries(filter: DeliveryFilter): Promise<Result<readonly DeliveryRecord[], StateFailure>> {
    const { offset = 0, limit } = filter;
    return this.#read(tables =>
      [...tables.deliveries.values()]
        .map(recordOf)
        .filter(record => isAsked(record, filter))
        .sort((a, b) => b.intent.atMs - a.intent.atMs || (a.intent.jobId < b.intent.jobId ? 1 : -1))
        .slice(offset, offset + limit),
    );
  }

  notificationLog(): Promise<Result<readonly NotificationLogEntry[], StateFailure>> {
    return this.#read(tables => [...tables.log.values()]);
  }

  openIntents(): Promise<Result<readonly DeliveryIntent[], StateFailure>> {
    return this.#read(tables =>
      [...tables.deliveries.values()].filter(one => one.outcome === undefined).map(one => one.intent),
    );
  }

  recoveryRuns(filter: {
    readonly unfinishedOnly: boolean;
    readonly fingerprint?: string;
    readonly limit: number;
  }): Promise<Result<readonly RecoveryRun[], StateFailure>> {
    return this.#read(tables =>
      [...tables.runs.values()]
        .filter(run => !filter.unfinishedOnly || !isFinal(run.state))
        .filter(run => filter.fingerprint === undefined || run.fingerprint === filter.fingerprint)
        .sort((a, b) => b.proposedAtMs - a.proposedAtMs || (a.id < b.id ? 1 : -1))
        .slice(0, filter.limit),
    );
  }

  ruleAlerts(): Promise<Result<ReadonlyMap<string, readonly Alert[]>, StateFailure>> {
    return this.#read(tables => tables.ruleAlerts);
  }

  postedAlerts(): Promise<Result<readonly PostedRecord[], StateFailure>> {
    return this.#read(tables => [...tables.posted.values()]);
  }

  silences(): Promise<Result<readonly Silence[], StateFailure>> {
    return this.#read(tables => [...tables.silences.values()]);
  }

  setting(key: string): Promise<Result<JsonValue | undefined, StateFailure>> {
    return this.#read(tables => tables.settings.get(key));
  }

  async backup(path: string): Promise<Result<void, StateFailure>> {
    if (this.#phase === 'dead') return new Promise(() => {});
    if (this.#phase === 'closed') return closed();
    return this.#options.backup?.(path) ?? ok(undefined);
  }

  async close(): Promise<void> {
    if (this.#phase !== 'open') return;
    this.#sync();
    this.#phase = 'closed';
  }

  #read<T>(look: (tables: Tables) => T): Promise<Result<T, StateFailure>> {
    if (this.#phase === 'dead') return new Promise(() => {});
    if (this.#phase === 'closed') return Promise.resolve(closed());
    return Promise.resolve(ok(structuredClone(look(this.#visible))));
  }

  #sync(): void {
    for (const writes of this.image.unsynced) this.#apply(this.image.tables, writes);
    this.image.unsynced = [];
  }

  #planSync(): void {
    if (this.#syncPlanned || this.#options.clock === undefined) return;
    this.#syncPlanned = true;
    this.#options.clock.after(GROUP_WAIT_MS, () => {
      this.#syncPlanned = false;
      if (this.#phase !== 'dead') this.#sync();
    });
  }

  #die(): void {
    this.#phase = 'dead';
    this.#onCrash();
  }

  #apply(tables: Tables, writes: readonly StateWrite[]): void {
    for (const write of writes) applyWrite(tables, write);
    const excess = tables.journal.length - (this.#options.journalEventsMax ?? Number.POSITIVE_INFINITY);
    if (excess > 0) tables.journal.splice(0, excess);
  }
}

// --- tables -----------------------------------------------------------------------------------------

interface Delivery {
  readonly intent: DeliveryIntent;
  readonly outcome: DeliveryOutcome | undefined;
  readonly atMs: number;
  readonly attempts?: number | undefined;
  readonly deliveredBy?: string | undefined;
}

function recordOf({ intent, outcome, atMs, attempts, deliveredBy }: Delivery): DeliveryRecord {
  return {
    intent,
    verdict: deliveryVerdict(outcome),
    ...(outcome === undefined ? {} : { outcome, endedAtMs: atMs }),
    ...(attempts === undefined ? {} : { attempts }),
    ...(deliveredBy === undefined ? {} : { deliveredBy }),
  };
}

function isAsked({ intent, verdict }: DeliveryRecord, filter: DeliveryFilter): boolean {
  const { receiver, fingerprint, fromMs, toMs } = filter;
  return (
    (receiver === undefined || intent.receiver === receiver || intent.receiver.startsWith(`${receiver}/`)) &&
    (fingerprint === undefined || [...intent.firing, ...intent.resolved].includes(fingerprint)) &&
    (filter.verdict === undefined || verdict === filter.verdict) &&
    (fromMs === undefined || intent.atMs >= fromMs) &&
    (toMs === undefined || intent.atMs <= toMs)
  );
}

interface Tables {
  seq: number;
  /** Of each stage and subject the event that the next one may repeat. */
  readonly lastSeqOf: Map<string, number>;
  journal: StoredJournalEvent[];
  readonly known: Map<string, KnownAlert>;
  readonly log: Map<string, NotificationLogEntry>;
  readonly deliveries: Map<string, Delivery>;
  readonly runs: Map<string, RecoveryRun>;
  readonly ruleAlerts: Map<string, readonly Alert[]>;
  readonly settings: Map<string, JsonValue>;
  readonly posted: Map<string, PostedRecord>;
  readonly silences: Map<string, Silence>;
}

function newTables(): Tables {
  return {
    seq: 0,
    lastSeqOf: new Map(),
    journal: [],
    known: new Map(),
    log: new Map(),
    deliveries: new Map(),
    runs: new Map(),
    ruleAlerts: new Map(),
    settings: new Map(),
    posted: new Map(),
    silences: new Map(),
  };
}

function applyWrite(tables: Tables, write: StateWrite): void {
  switch (write.kind) {
    case 'journal':
      appendEvent(tables, write.event);
      return;
    case 'notification_log':
      tables.log.set(JSON.stringify([write.entry.groupKey, write.entry.receiver]), write.entry);
      return;
    case 'delivery_intent':
      tables.deliveries.set(write.intent.jobId, {
        intent: write.intent,
        outcome: undefined,
        atMs: write.intent.atMs,
      });
      return;
    case 'delivery_outcome': {
      const known = tables.deliveries.get(write.jobId);
      if (known === undefined) return;
      const { outcome, atMs, attempts, deliveredBy } = write;
      tables.deliveries.set(write.jobId, { intent: known.intent, outcome, atMs, attempts, deliveredBy });
      return;
    }
    case 'recovery_run':
      tables.runs.set(write.run.id, write.run);
      return;
    case 'rule_alerts':
      if (write.alerts.length === 0) tables.ruleAlerts.delete(write.ruleKey);
      else tables.ruleAlerts.set(write.ruleKey, write.alerts);
      return;
    case 'setting':
      tables.settings.set(write.key, write.value);
      return;
    case 'posted_alert':
      tables.posted.set(write.alert.fingerprint, write.alert);
      return;
    case 'expire_posted':
      for (const [fingerprint, alert] of tables.posted) {
        if (alert.endsAtMs < write.endedBeforeMs) tables.posted.delete(fingerprint);
      }
      return;
    case 'silence':
      tables.silences.set(write.silence.id, write.silence);
      return;
    case 'expire_silences':
      for (const [id, silence] of tables.silences) {
        if (silence.endsAtMs < write.endedBeforeMs) tables.silences.delete(id);
      }
      return;
    case 'expire':
      expire(tables, write);
      return;
  }
}

function appendEvent(tables: Tables, event: JournalEvent): void {
  const key = JSON.stringify([event.stage, event.subject]);
  const lastSeq = tables.lastSeqOf.get(key);
  const at = lastSeq === undefined ? -1 : indexOfSeq(tables.journal, lastSeq);
  const last = tables.journal[at];
  if (last !== undefined && repeatsEvent(last, event)) {
    tables.journal[at] = {
      ...last,
      alerts: [...new Set([...last.alerts, ...event.alerts])],
      repeats: last.repeats + 1,
      lastAtMs: event.atMs,
    };
    return;
  }
  tables.seq += 1;
  tables.lastSeqOf.set(key, tables.seq);
  tables.journal.push({ ...event, seq: tables.seq, repeats: 0, lastAtMs: event.atMs });
  const named = alertNamedBy(event);
  if (named === undefined) return;
  const firstAtMs = tables.known.get(named.fingerprint)?.firstAtMs ?? event.atMs;
  tables.known.set(named.fingerprint, { ...named, firstAtMs, lastAtMs: event.atMs });
}

/** Binary search: the journal is in the order of its sequence numbers, with gaps where events expired. */
function indexOfSeq(journal: readonly StoredJournalEvent[], seq: number): number {
  let low = 0;
  let high = journal.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((journal[middle]?.seq ?? 0) < seq) low = middle + 1;
    else high = middle;
  }
  return journal[low]?.seq === seq ? low : -1;
}

function expire(tables: Tables, write: StateWrite & { readonly kind: 'expire' }): void {
  tables.journal = tables.journal.filter(event => event.lastAtMs >= write.journalBeforeMs);
  for (const [key, one] of tables.known) if (one.lastAtMs < write.journalBeforeMs) tables.known.delete(key);
  for (const [key, entry] of tables.log) if (entry.expiresAtMs <= write.nowMs) tables.log.delete(key);
  for (const [id, delivery] of tables.deliveries) {
    if (delivery.outcome !== undefined && delivery.atMs < write.journalBeforeMs) tables.deliveries.delete(id);
  }
  for (const [id, run] of tables.runs) {
    if (isFinal(run.state) && run.changedAtMs < write.journalBeforeMs) tables.runs.delete(id);
  }
}

function fits(event: StoredJournalEvent, filter: JournalFilter): boolean {
  return (
    (filter.fingerprint === undefined ||
      event.alerts.includes(filter.fingerprint) ||
      (event.subject.kind === 'alert' && event.subject.fingerprint === filter.fingerprint)) &&
    (filter.stage === undefined || event.stage === filter.stage) &&
    (filter.subject === undefined || JSON.stringify(filter.subject) === JSON.stringify(event.subject)) &&
    (filter.fromMs === undefined || event.lastAtMs >= filter.fromMs) &&
    (filter.toMs === undefined || event.atMs <= filter.toMs) &&
    (filter.afterSeq === undefined || event.seq > filter.afterSeq) &&
    (filter.beforeSeq === undefined || event.seq < filter.beforeSeq)
  );
}

function closed(): Result<never, StateFailure> {
  return err({ code: 'state-closed', message: 'Cannot use the state database: it is closed' });
}
