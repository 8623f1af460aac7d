// Passes the alerts of the rules on to Alertmanagers elsewhere: which alerts are due, to whom, through which relabelling.

import { expectOk } from '../base/index.ts';
import type { RelabelRule } from '../config/index.ts';
import { type CompiledRelabelRule, compileRelabelRules } from '../exposition/index.ts';
import type { AlertUpdate, Metrics } from '../model/index.ts';
import { type Endpoints, endpointsOf, type FoundGroup } from './endpoints.ts';
import { type LoopHealth, type LoopPorts, SendLoop } from './loop.ts';
import { type RelayMetrics, relayMetrics } from './metrics.ts';
import { relabelled, relayedOf } from './relayed.ts';
import { ResendBook } from './resend.ts';
import type { RelaySet, RelaySettings } from './settings.ts';

export interface RelayPorts extends Omit<LoopPorts, 'metrics'> {
  readonly metrics: Metrics;
}

export interface RelayStatus {
  readonly active: readonly LoopHealth[];
  /** URLs of those that relabelling dropped. */
  readonly dropped: readonly string[];
}

export function createRelay(ports: RelayPorts): Relay {
  return new Relay(ports);
}

interface RunningSet {
  readonly set: RelaySet;
  readonly rules: readonly CompiledRelabelRule[];
  readonly alertRules: readonly CompiledRelabelRule[];
  endpoints: Endpoints;
  readonly loops: Map<string, SendLoop>;
}

const NONE: Endpoints = { active: [], dropped: [], problems: [] };
/** For Alertmanagers that are no longer there after a reload: they get what waits for them, but nobody waits for that. */
const LEAVE_GRACE_MS = 5000;

/** Owns the Alertmanagers in force, by set. */
export class Relay {
  readonly #ports: LoopPorts;
  readonly #metrics: RelayMetrics;
  readonly #resend = new ResendBook();
  #settings: RelaySettings | undefined;
  #alertRules: readonly CompiledRelabelRule[] = [];
  #sets: RunningSet[] = [];
  readonly #leaving = new Set<Promise<void>>();

  constructor(ports: RelayPorts) {
    this.#metrics = relayMetrics(ports.metrics);
    this.#ports = { ...ports, metrics: this.#metrics };
  }

  /** Sets that stay keep their Alertmanagers and what waits for them; a new one has none until `setGroups`. */
  load(settings: RelaySettings): void {
    this.#settings = settings;
    this.#alertRules = compiled(settings.alertRelabel);
    const before = this.#sets;
    this.#sets = settings.sets.map(
      set =>
        before.find(one => one.set.key === set.key) ?? {
          set,
          rules: compiled(set.relabel),
          alertRules: compiled(set.alertRelabel),
          endpoints: NONE,
          loops: new Map(),
        },
    );
    for (const one of before) if (!this.#sets.includes(one)) this.#leave([...one.loops.values()]);
    for (const { loops } of this.#sets) for (const loop of loops.values()) loop.configure(settings);
    this.#metrics.queueCapacity.set(settings.queueMax);
    this.#showCount();
  }

  /** What discovery found for one set. */
  setGroups(key: string, groups: readonly FoundGroup[]): void {
    const running = this.#sets.find(one => one.set.key === key);
    const settings = this.#settings;
    if (running === undefined || settings === undefined) return;
    const { set, loops } = running;
    running.endpoints = endpointsOf(set, running.rules, groups);
    for (const problem of running.endpoints.problems)
      this.#ports.log.log('warn', 'an Alertmanager that was found cannot be used', { problem });
    for (const [url, loop] of loops) {
      if (running.endpoints.active.includes(url)) continue;
      loops.delete(url);
      this.#leave([loop]);
    }
    for (const url of running.endpoints.active) {
      if (loops.has(url)) continue;
      loops.set(url, new SendLoop(this.#ports, { url, set, settings }));
      // It hears of all that fires at the next evaluations, and not only at the next repeat.
      this.#resend.clear();
    }
    this.#showCount();
  }

  /** After an evaluation: everything that fires or was lately resolved. */
  alerts(update: AlertUpdate): void {
    const settings = this.#settings;
    if (settings === undefined || this.#sets.length === 0) return;
    const due = this.#resend.take(update, settings.resendDelayMs);
    if (due.length === 0) return;
    const relayed = relabelled(
      due.map(alert => relayedOf(alert, settings.externalLabels, update.validUntilMs)),
      this.#alertRules,
    );
    for (const { alertRules, loops } of this.#sets) {
      const theirs = relabelled(relayed, alertRules);
      for (const loop of loops.values()) loop.add(theirs);
    }
  }

  status(): RelayStatus {
    return {
      active: this.#sets.flatMap(({ loops }) => [...loops.values()].map(loop => loop.health())),
      dropped: this.#sets.flatMap(({ endpoints }) => endpoints.dropped),
    };
  }

  /** Each Alertmanager gets what waits for it, within `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    const loops = this.#sets.flatMap(one => [...one.loops.values()]);
    this.#sets = [];
    await Promise.all([...this.#leaving, ...loops.map(loop => loop.stop(graceMs))]);
  }

  #leave(loops: readonly SendLoop[]): void {
    for (const loop of loops) {
      const left = loop.stop(LEAVE_GRACE_MS).finally(() => this.#leaving.delete(left));
      this.#leaving.add(left);
    }
  }

  #showCount(): void {
    this.#metrics.discovered.set(this.#sets.reduce((sum, { loops }) => sum + loops.size, 0));
  }
}

function compiled(rules: readonly RelabelRule[]): readonly CompiledRelabelRule[] {
  // Configuration has checked the expressions.
  return expectOk(compileRelabelRules(rules));
}
