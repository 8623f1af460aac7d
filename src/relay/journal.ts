// Journal lines of what Alertmanagers were told: one for all alerts of a request about which something changed.

import { type Effects, EVENT_ALERTS_MAX, formatLabels, type JournalEvent } from '../model/index.ts';
import type { RelayedAlert } from './relayed.ts';

/** Alerts of which the last verdict is known. Beyond, the longest unheard-of may be journaled a second time. */
const KNOWN_MAX = 20_000;

export interface Told {
  readonly verdict: 'sent' | 'would_have' | 'failed' | 'dropped';
  /** Why, where it was not sent. */
  readonly cause: string;
}

export interface JournalStamp {
  readonly atMs: number;
  readonly effects: Effects;
  readonly configVersion: string;
}

/** Owns what is known to have been told to one Alertmanager. */
export class ToldBook {
  readonly #known = new Map<string, string>();

  /** Undefined where nothing is new. */
  event(
    url: string,
    { alerts, told }: { readonly alerts: readonly RelayedAlert[]; readonly told: Told },
    stamp: JournalStamp,
  ): JournalEvent | undefined {
    const { verdict, cause } = told;
    const word = `${verdict}\0${cause}`;
    const news = alerts.filter(alert => this.#known.get(alert.key) !== word);
    for (const alert of alerts) {
      this.#known.delete(alert.key);
      this.#known.set(alert.key, word);
    }
    for (const key of this.#known.keys()) {
      if (this.#known.size <= KNOWN_MAX) break;
      this.#known.delete(key);
    }
    const first = news[0];
    if (first === undefined) return undefined;
    const resolved = news.filter(alert => alert.isResolved).length;
    // With what it is about, so that equal words on other alerts are an event of their own and not counted on this one.
    const about = `${news.length - resolved} firing, ${resolved} resolved, first ${formatLabels(first.labels)}`;
    return {
      ...stamp,
      stage: 'notify',
      subject: { kind: 'receiver', name: url },
      alerts: news.slice(0, EVENT_ALERTS_MAX).map(alert => alert.fingerprint),
      verdict,
      reason: cause === '' ? `${WORDS[verdict]} (${about})` : `${WORDS[verdict]}: ${cause} (${about})`,
      evidence: { alertmanager: url, firing: news.length - resolved, resolved, alertsTotal: news.length },
    };
  }
}

const WORDS: Readonly<Record<Told['verdict'], string>> = {
  sent: 'an Alertmanager took it',
  would_have: 'a shadow run sends nothing to an Alertmanager',
  failed: 'an Alertmanager did not take it, and is tried again',
  dropped: 'given up',
};
