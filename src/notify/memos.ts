// What channels want to know when they tell of the same group again, such as the message that is to be changed.

import type { NotificationJob, NotificationLogEntry, StateStore } from '../model/index.ts';

/** Groups remembered: more than any program has at once. The oldest are forgotten: their next message is posted anew. */
const MEMOS_MAX = 10_000;

export type Memo = Readonly<Record<string, string>>;

interface Kept {
  readonly memo: Memo;
  /** Fingerprints that the message told of as firing. */
  readonly firing: readonly string[];
}

/** Owns the memos; those of the process before are read from the notification log, once. */
export class MemoBook {
  readonly #state: StateStore;
  readonly #kept = new Map<string, Kept>();
  #loaded: Promise<void> | undefined;

  constructor(state: StateStore) {
    this.#state = state;
  }

  /** Undefined for a new episode: of what is over nobody looks at the message any more. */
  async of(job: NotificationJob, destination: string): Promise<Memo | undefined> {
    this.#loaded ??= this.#load();
    await this.#loaded;
    const kept = this.#kept.get(keyOf(job.groupKey, destination));
    const goesOn = kept?.firing.some(one => job.alerts.some(alert => alert.fingerprint === one));
    return goesOn === true ? kept?.memo : undefined;
  }

  sent(entry: NotificationLogEntry): void {
    const key = keyOf(entry.groupKey, entry.receiver);
    this.#kept.delete(key);
    if (entry.memo === undefined || entry.firing.length === 0) return;
    this.#kept.set(key, { memo: entry.memo, firing: entry.firing });
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > MEMOS_MAX && oldest !== undefined) this.#kept.delete(oldest);
  }

  async #load(): Promise<void> {
    const log = await this.#state.notificationLog();
    // Without the log messages are posted anew: late news is worse than one message too many.
    if (!log.ok) return;
    for (const entry of log.value) {
      if (!this.#kept.has(keyOf(entry.groupKey, entry.receiver))) this.sent(entry);
    }
  }
}

function keyOf(groupKey: string, destination: string): string {
  return JSON.stringify([groupKey, destination]);
}
