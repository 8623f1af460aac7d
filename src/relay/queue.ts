// What waits for one Alertmanager: in order, each state of an episode once with its newest word, and never more than so many.

import type { RelayedAlert } from './relayed.ts';

/** Owns what waits. */
export class SendQueue {
  /** By key; the order of a Map is that of arrival. */
  #waiting = new Map<string, RelayedAlert>();
  #max: number;

  constructor(max: number) {
    this.#max = max;
  }

  get length(): number {
    return this.#waiting.size;
  }

  /** Returns how many of the oldest were dropped to make room. */
  add(alerts: readonly RelayedAlert[]): number {
    // A newer word takes the older one's place in the row.
    for (const alert of alerts) this.#waiting.set(alert.key, alert);
    return this.#trim();
  }

  /** The oldest ones, in order. */
  take(max: number): readonly RelayedAlert[] {
    const taken: RelayedAlert[] = [];
    for (const [key, alert] of this.#waiting) {
      if (taken.length === max) break;
      taken.push(alert);
      this.#waiting.delete(key);
    }
    return taken;
  }

  /** Puts back what could not be sent, at the head of the row; returns how many of the oldest were dropped. */
  giveBack(alerts: readonly RelayedAlert[]): number {
    const later = this.#waiting;
    this.#waiting = new Map(alerts.map(alert => [alert.key, later.get(alert.key) ?? alert]));
    for (const [key, alert] of later) this.#waiting.set(key, alert);
    return this.#trim();
  }

  /** Returns how many were dropped since the limit is lower now. */
  setMax(max: number): number {
    this.#max = max;
    return this.#trim();
  }

  #trim(): number {
    return this.take(Math.max(0, this.#waiting.size - this.#max)).length;
  }
}
