// Alerts as the text of their JSON, written straight from what the dispatcher has: an answer of ten thousand alerts would be
// as many objects and lists otherwise.

import { type Alert, episodeStartMs, type Labels, toldAnnotations } from '../../model/index.ts';
import type { DispatchedAlert } from './deps.ts';
import { PairTexts } from './pair-texts.ts';

/** Beyond so many different ones they are mostly not met again. */
const MEMO_MAX = 20_000;

/** The unchanging part of alerts that were written before: clients ask again and again, and most alerts are still the same. */
export type KnownTexts = WeakMap<Alert, string>;

const ACTIVE = '{"inhibitedBy":[],"mutedBy":[],"silencedBy":[],"state":"active"}';

/** Writes alerts; what they have in common is made into text once. */
export class AlertTexts {
  readonly #nowMs: number;
  readonly #known: KnownTexts;
  readonly #pairs = new PairTexts();
  readonly #times = new Map<number, string>();
  readonly #names = new Map<string, string>();

  constructor(nowMs: number, known: KnownTexts) {
    this.#nowMs = nowMs;
    this.#known = known;
  }

  of(one: DispatchedAlert): string {
    const { alert, receivers } = one;
    let unchanging = this.#known.get(alert);
    if (unchanging === undefined) {
      unchanging = this.#unchangingOf(alert);
      this.#known.set(alert, unchanging);
    }
    // One whose rule fell silent stands as it was: an end in the past would say that it is over.
    const endsAtMs = Math.max(one.validUntilMs, this.#nowMs);
    const names =
      receivers.length === 1
        ? this.receiver(receivers[0] ?? '')
        : receivers.map(name => this.receiver(name)).join();
    return `${unchanging},"endsAt":${this.#time(endsAtMs)},"receivers":[${names}],"status":${statusOf(one)},"updatedAt":${this.#time(one.updatedAtMs)}}`;
  }

  /** Without the brace at its end. */
  #unchangingOf(alert: Alert): string {
    const startsAtMs = episodeStartMs(alert);
    const generator =
      alert.generatorUrl === '' ? '' : `,"generatorURL":${JSON.stringify(alert.generatorUrl)}`;
    return (
      `{"annotations":${this.labels(toldAnnotations(alert))},"fingerprint":"${alert.fingerprint}"` +
      `,"startsAt":${this.#time(startsAtMs)}${generator},"labels":${this.labels(alert.labels)}`
    );
  }

  labels(labels: Labels): string {
    return this.#pairs.labels(labels);
  }

  receiver(name: string): string {
    return remembered(this.#names, name, () => `{"name":${JSON.stringify(name)}}`);
  }

  #time(atMs: number): string {
    return remembered(this.#times, atMs, () => `"${new Date(atMs).toISOString()}"`);
  }
}

function remembered<K>(known: Map<K, string>, key: K, make: () => string): string {
  const text = known.get(key);
  if (text !== undefined) return text;
  const made = make();
  if (known.size < MEMO_MAX) known.set(key, made);
  return made;
}

function statusOf({ state, silencedBy, inhibitedBy, mutedBy }: DispatchedAlert): string {
  if (state === 'active' && silencedBy.length + inhibitedBy.length + mutedBy.length === 0) return ACTIVE;
  return `{"inhibitedBy":${texts(inhibitedBy)},"mutedBy":${texts(mutedBy)},"silencedBy":${texts(silencedBy)},"state":"${state}"}`;
}

function texts(list: readonly string[]): string {
  return list.length === 0 ? '[]' : JSON.stringify(list);
}
