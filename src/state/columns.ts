// A commit as it goes to the database: one flat list of texts and numbers, each write as its kind and its columns. Texts of JSON
// are made where the values are, once, and stored as they come: copying objects between threads, or making their text again
// there, costs more than to store them.

import { assert, never } from '../base/index.ts';
import {
  alertNamedBy,
  deliveryVerdict,
  isFinal,
  type JournalEvent,
  type StateWrite,
} from '../model/index.ts';
import { encode } from './codec.ts';
import type { Commit } from './engine.ts';
import { alertKeys, eventText, identityOfEvent, subjectKey } from './event-text.ts';
import { identityOf } from './keys.ts';
import { postedLine } from './posted-log.ts';
import { stageNumber } from './schema.ts';

export type Column = string | number | null;
export type PackedCommit = readonly Column[];

/** Throws for a value that has no JSON: no caller may hand one in. */
export function packed(commit: Commit): PackedCommit {
  const columns: Column[] = [];
  let posted: string[] = [];
  const endPosted = (): void => {
    if (posted.length === 0) return;
    columns.push('posted_alert', posted.length);
    for (const line of posted) columns.push(line);
    posted = [];
  };
  for (const write of commit) {
    // Alerts that were posted one after the other go into one row.
    if (write.kind === 'posted_alert') posted.push(postedLine(write.alert));
    else {
      endPosted();
      pack(write, columns);
    }
  }
  endPosted();
  return columns;
}

type OtherWrite = Exclude<StateWrite, { readonly kind: 'posted_alert' }>;

function pack(write: OtherWrite, columns: Column[]): void {
  columns.push(write.kind);
  switch (write.kind) {
    case 'journal':
      packEvent(write.event, columns);
      return;
    case 'notification_log': {
      // Group and receiver stand in columns of their own.
      const { groupKey, receiver, ...rest } = write.entry;
      columns.push(groupKey, receiver, encode(rest), rest.expiresAtMs);
      return;
    }
    case 'delivery_intent': {
      const { jobId, receiver, atMs } = write.intent;
      columns.push(jobId, receiver, encode(write.intent), atMs);
      return;
    }
    case 'delivery_outcome': {
      const { jobId, outcome, atMs, attempts = null, deliveredBy = null } = write;
      columns.push(jobId, encode(outcome), atMs, deliveryVerdict(outcome), attempts, deliveredBy);
      return;
    }
    case 'recovery_run': {
      const { id, fingerprint, state, proposedAtMs, changedAtMs } = write.run;
      columns.push(id, fingerprint, isFinal(state) ? 1 : 0, proposedAtMs, changedAtMs, encode(write.run));
      return;
    }
    case 'rule_alerts':
      columns.push(write.ruleKey, write.alerts.length === 0 ? null : encode(write.alerts));
      return;
    case 'setting':
      columns.push(write.key, encode(write.value));
      return;
    case 'expire_posted':
    case 'expire_silences':
      columns.push(write.endedBeforeMs);
      return;
    case 'silence':
      columns.push(write.silence.id, write.silence.endsAtMs, encode(write.silence));
      return;
    case 'expire':
      columns.push(write.nowMs, write.journalBeforeMs);
      return;
    default:
      never(write);
  }
}

/** An event as its row: what stands in columns of its own, and its text. */
export interface PackedEvent {
  readonly atMs: number;
  readonly stage: number;
  /** Of its subject. */
  readonly key: number;
  /** Equal for events of which one repeats the other. */
  readonly identity: number;
  /** Of the alerts that it lists. */
  readonly alertsIdentity: number;
  /** `eventText`. */
  readonly text: string;
  /** The alert that it is about and names the labels of. */
  readonly known:
    | { readonly fingerprint: string; readonly name: string; readonly labels: string }
    | undefined;
  /** One for each alert that it lists. */
  readonly alertKeys: readonly number[];
}

export function packedEvent(event: JournalEvent): PackedEvent {
  const named = alertNamedBy(event);
  return {
    atMs: event.atMs,
    stage: stageNumber(event.stage),
    key: subjectKey(event.subject),
    identity: identityOfEvent(event),
    alertsIdentity: identityOf(event.alerts),
    text: eventText(event),
    known:
      named === undefined
        ? undefined
        : {
            fingerprint: named.fingerprint,
            name: named.labels['alertname'] ?? '',
            labels: encode(named.labels),
          },
    alertKeys: alertKeys(event.alerts),
  };
}

function packEvent(event: JournalEvent, columns: Column[]): void {
  const { atMs, stage, key, identity, alertsIdentity, text, known, alertKeys: keys } = packedEvent(event);
  columns.push(atMs, stage, key, identity, alertsIdentity, text);
  if (known === undefined) columns.push(null);
  else columns.push(known.fingerprint, known.name, known.labels);
  columns.push(keys.length, ...keys);
}

/** Reads a packed commit from its beginning to its end. */
export class Columns {
  readonly #columns: PackedCommit;
  #at = 0;

  constructor(columns: PackedCommit) {
    this.#columns = columns;
  }

  /** Of the next write; undefined at the end. */
  kind(): StateWrite['kind'] | undefined {
    // `pack` has put it there.
    return this.#at < this.#columns.length ? (this.text() as StateWrite['kind']) : undefined;
  }

  text(): string {
    const value = this.textOrNull();
    assert(value !== null, 'a packed column is a text');
    return value;
  }

  number(): number {
    const value = this.numberOrNull();
    assert(value !== null, 'a packed column is a number');
    return value;
  }

  texts(): readonly string[] {
    const texts: string[] = [];
    for (let left = this.number(); left > 0; left--) texts.push(this.text());
    return texts;
  }

  textOrNull(): string | null {
    const value = this.#columns[this.#at++];
    assert(typeof value === 'string' || value === null, 'a packed column is a text or nothing');
    return value;
  }

  numberOrNull(): number | null {
    const value = this.#columns[this.#at++];
    assert(typeof value === 'number' || value === null, 'a packed column is a number or nothing');
    return value;
  }

  event(): PackedEvent {
    const atMs = this.number();
    const stage = this.number();
    const key = this.number();
    const identity = this.number();
    const alertsIdentity = this.number();
    const text = this.text();
    const fingerprint = this.textOrNull();
    const known = fingerprint === null ? undefined : { fingerprint, name: this.text(), labels: this.text() };
    const keys: number[] = [];
    for (let left = this.number(); left > 0; left--) keys.push(this.number());
    return { atMs, stage, key, identity, alertsIdentity, text, known, alertKeys: keys };
  }
}
