// What the checks share: the clock, the plan, what really is, and where failures and counts go.

import type { System } from '../../src/app/index.ts';
import type { FakeClock } from '../support/clock.ts';
import type { StateImage } from '../support/state.ts';
import { GAUGE_LIMIT, type Variant } from './config.ts';
import type { Seen } from './outside.ts';
import type { SimPlan } from './plan.ts';
import type { Fault, Promised, Tally } from './tally.ts';

/** After the time that a jump back repeats, everything still has to be looked at once more. */
const JUMP_SLACK_MS = 60_000;

/** Owned by one run. */
export class Scene {
  readonly plan: SimPlan;
  readonly clock: FakeClock;
  readonly tally: Tally;
  readonly image: StateImage;
  readonly failures: string[] = [];
  /** What the last finished scrape of each instance found. */
  readonly seen = new Map<string, Seen>();
  /** The last good page of each. */
  readonly lastGood = new Map<string, Seen>();
  variant: Variant;
  system: System | undefined;
  /** Number of the present life of the process, and of the jumps of the wall clock so far. */
  life = 0;
  jumps = 0;
  /** The latest wall time before a jump back: until it is passed, times are lived through twice. */
  #wallMsMax = Number.NEGATIVE_INFINITY;
  stateFailedAtMs = Number.NEGATIVE_INFINITY;
  /** Times at which the state database failed. */
  readonly outages: { readonly fromMs: number; readonly toMs: number }[] = [];
  jumpedAtMs = Number.NEGATIVE_INFINITY;
  startedAtMs = 0;
  diedAtMs = 0;
  storageUnwellAtMs = Number.NEGATIVE_INFINITY;

  constructor(parts: {
    readonly plan: SimPlan;
    readonly clock: FakeClock;
    readonly tally: Tally;
    readonly image: StateImage;
    readonly variant: Variant;
  }) {
    this.plan = parts.plan;
    this.clock = parts.clock;
    this.tally = parts.tally;
    this.image = parts.image;
    this.variant = parts.variant;
  }

  get nowMs(): number {
    return this.clock.monotonicMs();
  }

  fault(name: Fault): void {
    this.tally.faults[name] = (this.tally.faults[name] ?? 0) + 1;
  }

  looked(name: Promised): void {
    this.tally.promises[name] = (this.tally.promises[name] ?? 0) + 1;
  }

  fail(promise: Promised, what: string): void {
    if (this.failures.length < 20) {
      this.failures.push(`${(this.nowMs / 1000).toFixed(3)} s: ${promise}: ${what}`);
    }
  }

  /** Counts the look, and fails unless it holds. */
  expect(promise: Promised, holds: boolean, what: () => string): void {
    this.looked(promise);
    if (!holds) this.fail(promise, what());
  }

  jumped(byMs: number): void {
    this.jumps += 1;
    this.jumpedAtMs = this.nowMs;
    if (byMs < 0) this.#wallMsMax = Math.max(this.#wallMsMax, this.clock.nowMs() - byMs + JUMP_SLACK_MS);
  }

  /** Whether the state database failed between the two, or a moment before. */
  stateFailedBetween(fromMs: number, toMs: number): boolean {
    return this.outages.some(outage => outage.fromMs <= toMs && outage.toMs + 10_000 >= fromMs);
  }

  /** While times are lived through twice, old and new samples lie among each other: nothing can be said of values. */
  get isTimeTwofold(): boolean {
    return this.clock.nowMs() < this.#wallMsMax;
  }

  /** Samples may be missing for a cause of our own: under Prometheus's semantics that looks resolved, there as here. */
  get isDataThin(): boolean {
    const since = Math.max(this.jumpedAtMs, this.startedAtMs, this.storageUnwellAtMs);
    return this.nowMs - since < 2 * this.plan.scrapeMs + 5000;
  }

  /** Whether what the alert complains of holds, as far as the last finished scrape told. */
  holds(alertname: string, instance: string): 'yes' | 'no' | 'missing' {
    const seen = this.seen.get(instance);
    if (seen === undefined) return 'missing';
    if (alertname === 'TargetDown') return seen.ok ? 'no' : 'yes';
    if (!seen.ok) return 'missing';
    return seen.gauge > GAUGE_LIMIT ? 'yes' : 'no';
  }
}
