// Which selectors' series are kept decoded (kept-set.ts): those that are asked for again and again, as dashboards and rules do,
// up to so many bytes, and until nobody has asked for a while.

import type { Clock } from '../base/index.ts';
import type { KeptSet } from './kept-set.ts';
import { KEPT_ASKED_MAX, KEPT_IDLE_MS } from './settings.ts';

interface Kept {
  readonly set: KeptSet;
  usedMs: number;
  /** Between the last two times that it was asked for. */
  gapMs: number;
}

export class KeptColumns {
  readonly #clock: Clock;
  readonly #bytesMax: number;
  /** The one used longest ago first. */
  readonly #kept = new Map<string, Kept>();
  /** When selectors that are not kept were asked for last, the one of longest ago first. */
  readonly #askedMs = new Map<string, number>();
  #bytes = 0;

  constructor({ clock, keptBytesMax }: { readonly clock: Clock; readonly keptBytesMax: number }) {
    this.#clock = clock;
    this.#bytesMax = keptBytesMax;
  }

  nowMs(): number {
    return this.#clock.monotonicMs();
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** `fromMs`: since when samples are asked for. */
  find(key: string, fromMs: number): KeptSet | undefined {
    const kept = this.#kept.get(key);
    if (kept === undefined) return undefined;
    const nowMs = this.#clock.monotonicMs();
    kept.set.noteAsked(fromMs, nowMs);
    kept.gapMs = nowMs - kept.usedMs;
    kept.usedMs = nowMs;
    this.#kept.delete(key);
    this.#kept.set(key, kept);
    return kept.set;
  }

  /** Of one that is not kept: after how long it is asked for again, Infinity where that is too long ago, or nobody knows. */
  asked(key: string): number {
    const nowMs = this.#clock.monotonicMs();
    const gapMs = nowMs - (this.#askedMs.get(key) ?? -Infinity);
    this.#askedMs.delete(key);
    this.#askedMs.set(key, nowMs);
    if (this.#askedMs.size > KEPT_ASKED_MAX)
      for (const oldest of this.#askedMs.keys()) {
        this.#askedMs.delete(oldest);
        break;
      }
    return gapMs < KEPT_IDLE_MS ? gapMs : Infinity;
  }

  /**
   * Whether there is room. It is made at the cost of those only that have not been asked for longer than this one was: where
   * all together are too many, some stay, instead of each making room for the next.
   */
  makeRoom(bytes: number, gapMs: number): boolean {
    const nowMs = this.#clock.monotonicMs();
    let free = this.#bytesMax - this.#bytes;
    for (const { set, usedMs } of this.#kept.values()) if (nowMs - usedMs > gapMs) free += set.bytes;
    if (bytes > free) return false;
    for (const [key, { usedMs }] of this.#kept) {
      if (this.#bytesMax - this.#bytes >= bytes) return true;
      if (nowMs - usedMs > gapMs) this.forget(key);
    }
    return true;
  }

  keep(key: string, set: KeptSet, gapMs: number): void {
    this.forget(key);
    // Others may have come while it was made.
    if (!this.makeRoom(set.bytes, gapMs)) return;
    this.#kept.set(key, { set, usedMs: this.#clock.monotonicMs(), gapMs });
    this.#bytes += set.bytes;
    this.#askedMs.delete(key);
  }

  /** How often it was asked for is remembered. */
  forget(key: string): void {
    const kept = this.#kept.get(key);
    if (kept === undefined) return;
    this.#kept.delete(key);
    this.#bytes -= kept.set.bytes;
    this.#askedMs.set(key, kept.usedMs - kept.gapMs);
  }

  /** To be called now and then: lets go of what nobody has asked for lately. */
  rest(): void {
    const nowMs = this.#clock.monotonicMs();
    for (const [key, { usedMs }] of this.#kept) if (nowMs - usedMs >= KEPT_IDLE_MS) this.forget(key);
  }
}
