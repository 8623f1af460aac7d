// The StateStore over an engine: collects commits into groups. A synced commit starts its group at once, a grouped one
// waits for company, at most GROUP_WAIT_MS; what comes while a group is under way forms the next, urgent commits before the others.

import { type Clock, err, ok, type Result, type Timer } from '../base/index.ts';
import {
  type Alert,
  type DeliveryFilter,
  type DeliveryIntent,
  type DeliveryRecord,
  type Durability,
  type JournalFilter,
  type JsonValue,
  type KnownAlert,
  type KnownAlertFilter,
  type Labels,
  labelsFromSorted,
  type NotificationLogEntry,
  type PostedRecord,
  type RecoveryRun,
  type Silence,
  type StateFailure,
  type StateStore,
  type StoredJournalEvent,
} from '../model/index.ts';
import type { Commit, RunFilter, StateEngine, StateReads } from './engine.ts';

/** One sync serves all commits of these milliseconds: at most 200 syncs a second, and no one waits noticeably. */
export const GROUP_WAIT_MS = 5;

/** Commits of a group: an urgent one waits for no more of them, and the sync costs little beside so many. */
const GROUP_COMMITS_MAX = 100;

interface Waiting {
  readonly commit: Commit;
  readonly durability: Durability;
  readonly answer: (result: Result<void, StateFailure>) => void;
}

export class GroupingStore implements StateStore {
  readonly #engine: StateEngine;
  readonly #clock: Clock;
  #waiting: Waiting[] = [];
  #timer: Timer | undefined;
  #groupsUnderWay = 0;
  #starting = false;
  #wasUrgent = false;
  #closing: Promise<void> | undefined;

  constructor(engine: StateEngine, clock: Clock) {
    this.#engine = engine;
    this.#clock = clock;
  }

  commit(writes: Commit, durability: Durability): Promise<Result<void, StateFailure>> {
    if (this.#closing !== undefined) return Promise.resolve(closed());
    return new Promise(answer => {
      this.#waiting.push({ commit: writes, durability, answer });
      this.#plan();
    });
  }

  journal(filter: JournalFilter): Promise<Result<readonly StoredJournalEvent[], StateFailure>> {
    return this.#read('journal', filter);
  }

  knownAlerts(filter: KnownAlertFilter): Promise<Result<readonly KnownAlert[], StateFailure>> {
    return this.#read('knownAlerts', filter);
  }

  deliveries(filter: DeliveryFilter): Promise<Result<readonly DeliveryRecord[], StateFailure>> {
    return this.#read('deliveries', filter);
  }

  notificationLog(): Promise<Result<readonly NotificationLogEntry[], StateFailure>> {
    return this.#read('notificationLog', undefined);
  }

  openIntents(): Promise<Result<readonly DeliveryIntent[], StateFailure>> {
    return this.#read('openIntents', undefined);
  }

  recoveryRuns(filter: RunFilter): Promise<Result<readonly RecoveryRun[], StateFailure>> {
    return this.#read('recoveryRuns', filter);
  }

  async ruleAlerts(): Promise<Result<ReadonlyMap<string, readonly Alert[]>, StateFailure>> {
    const read = await this.#read('ruleAlerts', undefined);
    if (!read.ok) return read;
    return ok(new Map([...read.value].map(([key, alerts]) => [key, alerts.map(withFrozenLabels)])));
  }

  async postedAlerts(): Promise<Result<readonly PostedRecord[], StateFailure>> {
    const read = await this.#read('postedAlerts', undefined);
    return read.ok ? ok(read.value.map(withFrozenLabels)) : read;
  }

  silences(): Promise<Result<readonly Silence[], StateFailure>> {
    return this.#read('silences', undefined);
  }

  setting(key: string): Promise<Result<JsonValue | undefined, StateFailure>> {
    return this.#read('setting', key);
  }

  backup(path: string): Promise<Result<void, StateFailure>> {
    if (this.#closing !== undefined) return Promise.resolve(closed());
    this.#startGroup();
    return this.#engine.backup(path);
  }

  /** Commits what waits, then closes. */
  close(): Promise<void> {
    if (this.#closing === undefined) {
      this.#startAll();
      this.#closing = this.#engine.close();
    }
    return this.#closing;
  }

  #read<K extends keyof StateReads>(
    kind: K,
    ask: StateReads[K]['ask'],
  ): Promise<Result<StateReads[K]['answer'], StateFailure>> {
    if (this.#closing !== undefined) return Promise.resolve(closed());
    // The engine works in the order of the calls: what was committed before is seen.
    this.#startAll();
    return this.#engine.read(kind, ask);
  }

  #plan(): void {
    if (this.#groupsUnderWay > 0) return;
    if (this.#waiting.some(one => one.durability !== 'grouped')) {
      if (this.#starting) return;
      this.#starting = true;
      // After the callers of this turn: their commits belong to the same group.
      queueMicrotask(() => {
        this.#starting = false;
        this.#startGroup();
      });
    } else if (this.#waiting.length > 0) {
      this.#timer ??= this.#clock.after(GROUP_WAIT_MS, () => this.#startGroup());
    }
  }

  /** Urgent ones first, but not twice in a row while others wait: who posts and posts must not keep messages from leaving. */
  #takeGroup(): Waiting[] {
    const waiting = this.#waiting;
    const urgent = waiting.filter(isUrgent);
    const others = urgent.length === 0 ? waiting : waiting.filter(one => !isUrgent(one));
    this.#wasUrgent = urgent.length > 0 && (others.length === 0 || !this.#wasUrgent);
    if (this.#wasUrgent) {
      this.#waiting = others;
      return urgent;
    }
    this.#waiting = [...urgent, ...others.slice(GROUP_COMMITS_MAX)];
    return others.slice(0, GROUP_COMMITS_MAX);
  }

  #startAll(): void {
    do this.#startGroup();
    while (this.#waiting.length > 0);
  }

  #startGroup(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const group = this.#takeGroup();
    if (group.length === 0) return;
    this.#groupsUnderWay += 1;
    void this.#engine.commit(group.map(one => one.commit)).then(results => {
      this.#groupsUnderWay -= 1;
      group.forEach((one, i) => {
        one.answer(results[i] ?? err({ code: 'state-io', message: 'Cannot commit: no answer came' }));
      });
      if (this.#closing === undefined) this.#plan();
    });
  }
}

function isUrgent({ durability }: Waiting): boolean {
  return durability === 'urgent';
}

/** Labels lose their frozenness on the way through JSON and between threads. */
function withFrozenLabels<T extends { readonly labels: Labels; readonly annotations: Labels }>(alert: T): T {
  const frozen = (labels: Labels): Labels => labelsFromSorted(Object.freeze([...labels]));
  return { ...alert, labels: frozen(alert.labels), annotations: frozen(alert.annotations) };
}

function closed(): Result<never, StateFailure> {
  return err({ code: 'state-closed', message: 'Cannot use the state database: it is closed' });
}
