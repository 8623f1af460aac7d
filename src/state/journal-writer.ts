// Appends events to the journal. What it has on their subjects is looked up once for all events of a transaction, and where
// each alert is mentioned is noted once: a statement an event would cost more than the event.

import { assert } from '../base/index.ts';
import {
  alertNamedBy,
  type JournalEvent,
  type JournalSubject,
  repeatsEvent,
  type StoredJournalEvent,
} from '../model/index.ts';
import { decode, encode } from './codec.ts';
import type { Connection } from './connection.ts';
import { type JournalRow, type StateQueries, subjectKey } from './queries.ts';

interface Pending {
  readonly event: JournalEvent;
  /** JSON text. */
  readonly subject: string;
}

/** Of an event that the journal has: what a repeat of it changes, and what tells that it is one. */
type Last = JournalEvent & { readonly seq: number };

/** Owns the events that are not appended yet, and the count of those that are kept. */
export class JournalWriter {
  readonly #connection: Connection;
  readonly #queries: StateQueries;
  readonly #eventsMax: number;
  /** Undefined when it must be counted anew. */
  #events: number | undefined;
  #pending: Pending[] = [];
  #mentions: (readonly [fingerprint: string, seq: number])[] = [];

  constructor(connection: Connection, queries: StateQueries, eventsMax: number) {
    this.#connection = connection;
    this.#queries = queries;
    this.#eventsMax = eventsMax;
  }

  /** Takes effect with `flush`. */
  add(event: JournalEvent): void {
    this.#pending.push({ event, subject: JSON.stringify(event.subject) });
  }

  /** Appends what was added, in its order. */
  flush(): void {
    const pending = this.#pending;
    if (pending.length === 0) return;
    this.#pending = [];
    const lasts = this.#lastsOf(pending);
    for (const one of pending) {
      const key = keyOf(one.event.stage, one.subject);
      const last = lasts.get(key);
      const repeats = last !== undefined && repeatsEvent(last, one.event);
      lasts.set(key, repeats ? this.#count(last, one.event) : this.#append(one));
    }
    const mentions = this.#mentions;
    this.#mentions = [];
    if (mentions.length > 0) this.#connection.all(this.#queries.indexAlerts(JSON.stringify(mentions)));
  }

  /** Drops the oldest beyond the limit. */
  trim(): void {
    this.#events ??= this.#connection.all(this.#queries.countEvents())[0]?.count ?? 0;
    const excess = this.#events - this.#eventsMax;
    if (excess <= 0) return;
    this.#connection.all(this.#queries.dropOldestEvents(excess));
    this.#events -= excess;
  }

  /** After a transaction that was undone, or events that went without it: what was added is forgotten. */
  reset(): void {
    this.#events = undefined;
    this.#pending = [];
    this.#mentions = [];
  }

  /** The latest event of each stage and subject, by both. */
  #lastsOf(pending: readonly Pending[]): Map<string, Last> {
    const asked = new Map<string, readonly [key: number, stage: string, subject: string]>();
    for (const { event, subject } of pending)
      asked.set(keyOf(event.stage, subject), [subjectKey(subject), event.stage, subject]);
    const rows = this.#connection.all(this.#queries.lastEvents(JSON.stringify([...asked.values()])));
    return new Map(rows.map(row => [keyOf(row.stage, row.subject), eventOf(row)]));
  }

  #append({ event, subject }: Pending): Last {
    const seq = this.#connection.insert(
      this.#queries.insertEvent({
        at_ms: event.atMs,
        stage: event.stage,
        subject,
        subject_key: subjectKey(subject),
        alerts: encode(event.alerts),
        verdict: event.verdict,
        reason: event.reason,
        evidence: encode(event.evidence),
        effects: event.effects,
        config_version: event.configVersion,
        repeats: 0,
        last_at_ms: event.atMs,
      }),
    );
    assert(seq > 0, 'an inserted event has a number');
    if (this.#events !== undefined) this.#events += 1;
    this.#mention(event, seq);
    this.#rememberAlert(event);
    return { ...event, seq };
  }

  #count(last: Last, event: JournalEvent): Last {
    // Whom the repeats are about stays findable, although the event is not written again.
    const alerts = [...new Set([...last.alerts, ...event.alerts])];
    this.#connection.all(this.#queries.countRepeat(last.seq, event.atMs, encode(alerts)));
    if (alerts.length > last.alerts.length) this.#mention(event, last.seq);
    return { ...last, alerts };
  }

  #rememberAlert(event: JournalEvent): void {
    const named = alertNamedBy(event);
    if (named === undefined) return;
    const { fingerprint, labels } = named;
    const times = { first_at_ms: event.atMs, last_at_ms: event.atMs };
    const row = { fingerprint, name: labels['alertname'] ?? '', labels: encode(labels), ...times };
    this.#connection.all(this.#queries.putKnownAlert(row));
  }

  #mention({ subject, alerts }: JournalEvent, seq: number): void {
    for (const fingerprint of alerts) this.#mentions.push([fingerprint, seq]);
    if (subject.kind === 'alert' && !alerts.includes(subject.fingerprint))
      this.#mentions.push([subject.fingerprint, seq]);
  }
}

/** The columns hold what the writer wrote, so their closed sets are those of the types. */
export function eventOf(row: JournalRow): StoredJournalEvent {
  return {
    seq: row.seq,
    atMs: row.at_ms,
    stage: row.stage as StoredJournalEvent['stage'],
    subject: JSON.parse(row.subject) as JournalSubject,
    alerts: decode(row.alerts),
    verdict: row.verdict,
    reason: row.reason,
    evidence: decode(row.evidence),
    effects: row.effects as StoredJournalEvent['effects'],
    configVersion: row.config_version,
    repeats: row.repeats,
    lastAtMs: row.last_at_ms,
  };
}

function keyOf(stage: string, subject: string): string {
  return `${stage} ${subject}`;
}
