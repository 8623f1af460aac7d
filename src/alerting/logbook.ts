// What every destination was told, by group and by alert: the notification log in memory.

import type { NotificationLogEntry } from '../model/index.ts';

/** Names one destination's view of one group. */
export function logKey(groupKey: string, destination: string): string {
  // With its length, so that no two pairs have one name; it is made several times with every message.
  return `${groupKey.length}:${groupKey}${destination}`;
}

/** Owns the entries and an index from alerts to the entries that mention them. */
export class LogBook {
  readonly #entries = new Map<string, NotificationLogEntry>();
  /** Fingerprint → keys of the entries that list it as firing or resolved. */
  readonly #mentions = new Map<string, Set<string>>();

  get size(): number {
    return this.#entries.size;
  }

  get(groupKey: string, destination: string): NotificationLogEntry | undefined {
    return this.#entries.get(logKey(groupKey, destination));
  }

  put(entry: NotificationLogEntry): void {
    const key = logKey(entry.groupKey, entry.receiver);
    this.#forget(key);
    this.#entries.set(key, entry);
    for (const one of [...entry.firing, ...entry.resolved]) {
      const keys = this.#mentions.get(one);
      if (keys === undefined) this.#mentions.set(one, new Set([key]));
      else keys.add(key);
    }
  }

  /** Entries that mention the alert, in no particular order. */
  mentioning(fingerprint: string): readonly NotificationLogEntry[] {
    const found: NotificationLogEntry[] = [];
    for (const key of this.#mentions.get(fingerprint) ?? []) {
      const entry = this.#entries.get(key);
      if (entry !== undefined) found.push(entry);
    }
    return found;
  }

  /** Whether anyone was told that the alert fires, and not told since by the same entry that it ended. */
  isToldFiring(fingerprint: string): boolean {
    return this.mentioning(fingerprint).some(entry => entry.firing.includes(fingerprint));
  }

  /** Entries whose group key begins so. */
  ofKeys(prefix: string): readonly NotificationLogEntry[] {
    return [...this.#entries.values()].filter(entry => entry.groupKey.startsWith(prefix));
  }

  expire(nowMs: number): void {
    for (const [key, entry] of this.#entries) {
      if (entry.expiresAtMs <= nowMs) this.#forget(key);
    }
  }

  #forget(key: string): void {
    const old = this.#entries.get(key);
    if (old === undefined) return;
    this.#entries.delete(key);
    for (const one of [...old.firing, ...old.resolved]) {
      const keys = this.#mentions.get(one);
      keys?.delete(key);
      if (keys?.size === 0) this.#mentions.delete(one);
    }
  }
}
