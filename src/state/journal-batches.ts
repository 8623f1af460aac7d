// Batches of the journal in their tables: written, read, and made smaller. A row for each event, with its entries in indices, would
// cost several times what the event is.

import type { StoredJournalEvent } from '../model/index.ts';
import { bytesOf, readBytes } from './bytes.ts';
import { decode } from './codec.ts';
import type { PackedEvent } from './columns.ts';
import type { Connection } from './connection.ts';
import { alertKeys, batchText, eventsOf, eventText, subjectKey } from './event-text.ts';
import type { BatchRow, StateQueries } from './queries.ts';
import { STAGE_BITS, stageNumber } from './schema.ts';

export interface NumberedEvent {
  readonly seq: number;
  readonly event: PackedEvent;
}

/** What is counted on an event. */
export interface Repeated {
  readonly repeats: number;
  readonly lastAtMs: number;
}

/** Owns nothing: what it knows stands in the database. */
export class JournalBatches {
  readonly #connection: Connection;
  readonly #queries: StateQueries;

  constructor(connection: Connection, queries: StateQueries) {
    this.#connection = connection;
    this.#queries = queries;
  }

  /** One batch; the events in the order of their numbers, at least one. */
  insert(events: readonly NumberedEvent[]): void {
    const run = this.#connection;
    const row = rowOf(events);
    run.all(this.#queries.insertBatch(row));
    run.all(this.#queries.insertBatchText({ batch: row.batch, events: bytesOf(textOf(events)) }));
    this.#insertKeys(row.batch, keysOf(events.map(({ event }) => event)));
    for (const {
      event: { known, atMs },
    } of events)
      if (known !== undefined)
        run.all(this.#queries.putKnownAlert({ ...known, first_at_ms: atMs, last_at_ms: atMs }));
  }

  /** With their repeats, in the order of their numbers. */
  read({ batch, last_seq }: Pick<BatchRow, 'batch' | 'last_seq'>): readonly StoredJournalEvent[] {
    const bytes = this.#connection.first(this.#queries.batchText({ batch }))?.events;
    const events = bytes === undefined ? undefined : readBytes(bytes, eventsOf);
    // Lost with a page of the file: others are there all the same.
    if (events === undefined) return [];
    const counted = this.#connection.all(this.#queries.repeatsBetween({ from: batch, to: last_seq }));
    if (counted.length === 0) return events;
    const bySeq = new Map(counted.map(row => [row.seq, row]));
    return events.map(event => {
      const row = bySeq.get(event.seq);
      if (row === undefined) return event;
      const alerts = row.alerts === null ? event.alerts : decode<readonly string[]>(row.alerts);
      return { ...event, alerts, repeats: row.repeats, lastAtMs: row.last_at_ms };
    });
  }

  /** `inBatch`: of each batch that they are in, when its events came again. */
  count(
    repeated: ReadonlyMap<number, Repeated>,
    inBatch: ReadonlyMap<number, { readonly firstMs: number; readonly lastMs: number }>,
  ): void {
    if (repeated.size === 0) return;
    const rows = [...repeated].map(([seq, { repeats, lastAtMs }]) => [seq, repeats, lastAtMs]);
    this.#connection.all(this.#queries.countRepeats(JSON.stringify(rows)));
    for (const [batch, { firstMs, lastMs }] of inBatch)
      this.#connection.all(this.#queries.widenBatch({ batch, least_last_ms: firstMs, last_at_ms: lastMs }));
  }

  /** Alerts that only a repeat names stay findable, although the event is not written again. */
  addAlerts(at: { readonly batch: number; readonly seq: number }, alerts: readonly string[]): void {
    const row = this.#connection.first(this.#queries.batch({ batch: at.batch }));
    const event = row === undefined ? undefined : this.read(row).find(one => one.seq === at.seq);
    if (event === undefined) return;
    const all = [...new Set([...event.alerts, ...alerts])];
    if (all.length === event.alerts.length) return;
    this.#connection.all(this.#queries.setRepeatedAlerts({ seq: at.seq, alerts: JSON.stringify(all) }));
    this.#insertKeys(at.batch, new Map(alertKeys(all).map(key => [key, 0])));
  }

  /** Drops the events of a batch that are not to be kept; answers how many. */
  keep(row: BatchRow, isKept: (event: StoredJournalEvent) => boolean): number {
    const run = this.#connection;
    const { batch } = row;
    const events = this.read(row);
    const kept = events.filter(isKept);
    if (kept.length === events.length && kept.length > 0) {
      // So that it is not looked at again and again.
      run.all(this.#queries.boundBatch({ batch, least_last_ms: leastLastMs(kept) }));
      return 0;
    }
    const keptKeys = keysOfStored(kept);
    const gone = [...keysOfStored(events).keys()].filter(key => !keptKeys.has(key));
    run.all(this.#queries.deleteKeys(batch, JSON.stringify(gone)));
    const seqs = events.filter(event => !kept.includes(event)).map(event => event.seq);
    run.all(this.#queries.deleteRepeats(JSON.stringify(seqs)));
    run.all(this.#queries.deleteBatch(batch));
    if (kept.length > 0) this.#putBack(batch, kept);
    // Of a file that was damaged the text may be lost, which its row still counts.
    return row.events - kept.length;
  }

  #putBack(batch: number, kept: readonly StoredJournalEvent[]): void {
    const last = kept.reduce((latest, event) => Math.max(latest, event.lastAtMs), Number.NEGATIVE_INFINITY);
    this.#connection.all(
      this.#queries.insertBatch({
        batch,
        last_seq: kept.at(-1)?.seq ?? batch,
        events: kept.length,
        first_at_ms: Math.min(...kept.map(event => event.atMs)),
        least_last_ms: leastLastMs(kept),
        last_at_ms: last,
        stages: kept.reduce((set, event) => set | (1 << stageNumber(event.stage)), 0),
      }),
    );
    const events = bytesOf(batchText(kept.map(event => ({ seq: event.seq, text: eventText(event) }))));
    this.#connection.all(this.#queries.insertBatchText({ batch, events }));
    // Of what stays, a subject may have lost a stage here.
    this.#insertKeys(batch, keysOfStored(kept));
  }

  #insertKeys(batch: number, keys: ReadonlyMap<number, number>): void {
    const list: number[] = [];
    for (const [key, stages] of keys) list.push(key * STAGE_BITS + stages);
    this.#connection.all(this.#queries.insertKeys({ batch, keys: JSON.stringify(list) }));
  }
}

function textOf(events: readonly NumberedEvent[]): string {
  return batchText(events.map(({ seq, event: { text } }) => ({ seq, text })));
}

function rowOf(events: readonly NumberedEvent[]): BatchRow {
  let stages = 0;
  let [first, last] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const {
    event: { atMs, stage },
  } of events) {
    stages |= 1 << stage;
    first = Math.min(first, atMs);
    last = Math.max(last, atMs);
  }
  return {
    batch: events[0]?.seq ?? 0,
    last_seq: events.at(-1)?.seq ?? 0,
    events: events.length,
    first_at_ms: first,
    least_last_ms: first,
    last_at_ms: last,
    stages,
  };
}

/** Each key with the stages of the events whose subject it is. */
function keysOf(
  events: readonly Pick<PackedEvent, 'stage' | 'key' | 'alertKeys'>[],
): ReadonlyMap<number, number> {
  const keys = new Map<number, number>();
  for (const { stage, key, alertKeys: listed } of events) {
    keys.set(key, (keys.get(key) ?? 0) | (1 << stage));
    for (const one of listed) if (!keys.has(one)) keys.set(one, 0);
  }
  return keys;
}

function keysOfStored(events: readonly StoredJournalEvent[]): ReadonlyMap<number, number> {
  return keysOf(
    events.map(({ stage, subject, alerts }) => ({
      stage: stageNumber(stage),
      key: subjectKey(subject),
      alertKeys: alertKeys(alerts),
    })),
  );
}

function leastLastMs(events: readonly StoredJournalEvent[]): number {
  return events.reduce((least, event) => Math.min(least, event.lastAtMs), Number.POSITIVE_INFINITY);
}
