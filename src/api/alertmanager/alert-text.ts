// Alerts as the text of their JSON, written straight from what the dispatcher has: an answer of ten thousand alerts would be
// as many objects and lists otherwise.

import { type Alert, type Labels, withLabels } from '../../model/index.ts';
import { labelsText, PairTexts } from '../query-text.ts';
import type { DispatchedAlert } from './deps.ts';

/** Alertmanager's clients know no third state: an unknown alert fires, and says why it is unknown. */
const UNKNOWN_ANNOTATION = 'watchkeeper_unknown';

/** Beyond so many different ones they are mostly not met again. */
const MEMO_MAX = 20_000;

/** Writes alerts; what they have in common is made into text once. */
export class AlertTexts {
  readonly #nowMs: number;
  readonly #pairs = new PairTexts();
  readonly #times = new Map<number, string>();
  readonly #names = new Map<string, string>();

  constructor(nowMs: number) {
    this.#nowMs = nowMs;
  }

  of(one: DispatchedAlert): string {
    const { alert, receivers, silencedBy, inhibitedBy, mutedBy } = one;
    const startsAtMs = alert.firedAtMs ?? alert.activeAtMs;
    // One whose rule fell silent stands as it was: an end in the past would say that it is over.
    const endsAtMs = Math.max(one.validUntilMs, this.#nowMs);
    const generator =
      alert.generatorUrl === '' ? '' : `,"generatorURL":${JSON.stringify(alert.generatorUrl)}`;
    return (
      `{"annotations":${this.labels(annotationsOf(alert))},"endsAt":${this.#time(endsAtMs)}` +
      `,"fingerprint":"${alert.fingerprint}","receivers":[${receivers.map(name => this.receiver(name)).join()}]` +
      `,"startsAt":${this.#time(startsAtMs)},"status":{"inhibitedBy":${texts(inhibitedBy)}` +
      `,"mutedBy":${texts(mutedBy)},"silencedBy":${texts(silencedBy)},"state":"${one.state}"}` +
      `,"updatedAt":${this.#time(one.updatedAtMs)}${generator},"labels":${this.labels(alert.labels)}}`
    );
  }

  labels(labels: Labels): string {
    return labelsText(labels, this.#pairs);
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

function texts(list: readonly string[]): string {
  return list.length === 0 ? '[]' : JSON.stringify(list);
}

function annotationsOf(alert: Alert): Labels {
  if (alert.state !== 'unknown') return alert.annotations;
  return withLabels(alert.annotations, { [UNKNOWN_ANNOTATION]: alert.reason });
}
