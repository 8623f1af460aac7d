// Which alerts of an evaluation are due: with news at once, the others when the last word on them is old enough.

import type { Alert, AlertUpdate } from '../model/index.ts';
import { alertKey } from './relayed.ts';

/** What no evaluation has named for so long is forgotten: as long as the rules keep a resolved alert. */
const FORGET_AFTER_MS = 15 * 60_000;

interface Word {
  readonly firedAtMs: number | undefined;
  atMs: number;
  seenAtMs: number;
}

/** Owns the times of the last words. */
export class ResendBook {
  readonly #words = new Map<string, Word>();
  #prunedAtMs = Number.NEGATIVE_INFINITY;

  /** The alerts that are to be sent now; they count as sent. The times are those of evaluations, as in Prometheus. */
  take({ atMs, alerts }: AlertUpdate, resendDelayMs: number): readonly Alert[] {
    const due = alerts.filter(alert => this.#isDue(alert, { atMs, resendDelayMs }));
    if (atMs - this.#prunedAtMs >= FORGET_AFTER_MS || atMs < this.#prunedAtMs) this.#prune(atMs);
    return due;
  }

  /** Somebody new listens: everything is news. */
  clear(): void {
    this.#words.clear();
  }

  #isDue(alert: Alert, at: { readonly atMs: number; readonly resendDelayMs: number }): boolean {
    const { atMs, resendDelayMs } = at;
    if (alert.state === 'pending') return false;
    const key = alertKey(alert);
    const word = this.#words.get(key);
    // A clock that was set back must not keep anybody silent until the old time has come again.
    if (word === undefined || word.firedAtMs !== alert.firedAtMs || word.atMs > atMs) {
      this.#words.set(key, { firedAtMs: alert.firedAtMs, atMs, seenAtMs: atMs });
      return true;
    }
    word.seenAtMs = atMs;
    const isNews = alert.state === 'resolved' && (alert.resolvedAtMs ?? atMs) > word.atMs;
    if (!isNews && word.atMs + resendDelayMs >= atMs) return false;
    word.atMs = atMs;
    return true;
  }

  #prune(atMs: number): void {
    this.#prunedAtMs = atMs;
    for (const [key, word] of this.#words)
      if (atMs - word.seenAtMs > FORGET_AFTER_MS) this.#words.delete(key);
  }
}
