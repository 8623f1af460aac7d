// What the rules have decided and the state store does not have yet: changed alerts and their journal lines.

import type { Log } from '../base/index.ts';
import type { Alert, JournalEvent, StateStore, StateWrite } from '../model/index.ts';
import type { RuleMetrics } from './metrics.ts';

/** How often the time of the last evaluation is kept, for telling the length of an outage. */
const ALIVE_EVERY_MS = 60_000;
/** While an alert is pending: after a crash this is the most that its `for` loses. */
const ALIVE_EVERY_MS_PENDING = 5_000;
export const ALIVE_SETTING = 'rules.last_evaluation_ms';
/** Journal lines kept for another try while the state store fails; beyond, the oldest are dropped and counted. */
const UNSAVED_EVENTS_MAX = 10_000;

/** Owns what is not committed. */
export class UnsavedState {
  readonly #state: StateStore;
  readonly #log: Log;
  readonly #metrics: Pick<RuleMetrics, 'stateFailures' | 'limitReached'>;
  #events: JournalEvent[] = [];
  /** By rule key. */
  readonly #alerts = new Map<string, readonly Alert[]>();
  #aliveAtMs = Number.NEGATIVE_INFINITY;

  constructor(
    { state, log }: { readonly state: StateStore; readonly log: Log },
    metrics: Pick<RuleMetrics, 'stateFailures' | 'limitReached'>,
  ) {
    this.#state = state;
    this.#log = log;
    this.#metrics = metrics;
  }

  /** All that must survive a restart of one rule; it replaces what was kept. */
  setAlerts(ruleKey: string, alerts: readonly Alert[]): void {
    this.#alerts.set(ruleKey, alerts);
  }

  addEvents(events: readonly JournalEvent[]): void {
    this.#events.push(...events);
  }

  /**
   * Writes what is unsaved. When the store fails the alerts are sent all the same, since a full disk must not silence
   * them; what could not be written is tried again with the next evaluation.
   */
  async commit(atMs: number, isAnyPending: boolean): Promise<void> {
    const everyMs = isAnyPending ? ALIVE_EVERY_MS_PENDING : ALIVE_EVERY_MS;
    const alive = atMs - this.#aliveAtMs >= everyMs || atMs < this.#aliveAtMs;
    const events = this.#events;
    const alerts = [...this.#alerts];
    if (events.length === 0 && alerts.length === 0 && !alive) return;
    this.#events = [];
    this.#alerts.clear();
    const writes: StateWrite[] = events.map(event => ({ kind: 'journal', event }));
    for (const [ruleKey, list] of alerts) writes.push({ kind: 'rule_alerts', ruleKey, alerts: list });
    if (alive) writes.push({ kind: 'setting', key: ALIVE_SETTING, value: atMs });
    const done = await this.#state.commit(writes, 'grouped');
    if (done.ok) {
      if (alive) this.#aliveAtMs = atMs;
      return;
    }
    this.#metrics.stateFailures.add();
    this.#log.log('error', 'alert states could not be written', { message: done.error.message });
    // What changed meanwhile is newer than what failed.
    for (const [key, list] of alerts) if (!this.#alerts.has(key)) this.#alerts.set(key, list);
    this.#events = [...events, ...this.#events];
    if (this.#events.length > UNSAVED_EVENTS_MAX) {
      this.#metrics.limitReached.add(1, { limit: 'rules_unsaved_events' });
      this.#events = this.#events.slice(-UNSAVED_EVENTS_MAX);
    }
  }
}
