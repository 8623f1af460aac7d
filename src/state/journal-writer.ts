// Appends events to the journal. What it has on their subjects is looked up once for all events of a transaction, and they are
// written in batches: a statement an event would cost more than the event.

import type { PackedEvent } from './columns.ts';
import type { Connection } from './connection.ts';
import { alertsIn, identityOfEvent, subjectKey } from './event-text.ts';
import { JournalBatches, type NumberedEvent, type Repeated } from './journal-batches.ts';
import { identityOf } from './keys.ts';
import type { StateQueries } from './queries.ts';
import { STAGE_BITS, stageNumber } from './schema.ts';

/** Events of a batch at most: few enough that one of them is soon read, and so many that the row costs little beside them. */
const BATCH_EVENTS_MAX = 64;
/** Subjects whose last event is known without a look: three for each alert of a storm. Beyond, all are looked up anew. */
const LASTS_MAX = 100_000;
/** Beyond the limit so small a share more is kept, so that not each commit drops some. */
const EXCESS_SHARE = 1 / 1000;

/** Of the latest event of a stage and subject: what tells whether the next one repeats it, and where it is. */
interface Last {
  readonly seq: number;
  readonly batch: number;
  readonly identity: number;
  /** Of the alerts that were last named. */
  alertsIdentity: number;
}

/** Owns the events that are not appended yet, and what is known of those that are kept. */
export class JournalWriter {
  readonly #connection: Connection;
  readonly #queries: StateQueries;
  readonly #batches: JournalBatches;
  readonly #eventsMax: number;
  /** Undefined when they must be looked up anew. */
  #numbers: { events: number; lastSeq: number } | undefined;
  #pending: PackedEvent[] = [];
  /** By `lastKey`. */
  readonly #lasts = new Map<number, Last>();

  constructor(connection: Connection, queries: StateQueries, eventsMax: number) {
    this.#connection = connection;
    this.#queries = queries;
    this.#batches = new JournalBatches(connection, queries);
    this.#eventsMax = eventsMax;
  }

  /** Takes effect with `flush`. */
  add(event: PackedEvent): void {
    this.#pending.push(event);
  }

  /** Appends what was added, in its order. */
  flush(): void {
    const pending = this.#pending;
    if (pending.length === 0) return;
    this.#pending = [];
    if (this.#lasts.size + pending.length > LASTS_MAX) this.#lasts.clear();
    this.#recall(pending);
    const repeats: { readonly last: Last; readonly event: PackedEvent }[] = [];
    let fresh: NumberedEvent[] = [];
    for (const event of pending) {
      const key = lastKey(event.key, event.stage);
      const last = this.#lasts.get(key);
      if (last?.identity === event.identity) {
        repeats.push({ last, event });
        continue;
      }
      if (fresh.length === BATCH_EVENTS_MAX) {
        this.#batches.insert(fresh);
        fresh = [];
      }
      const numbers = this.#known();
      numbers.events += 1;
      numbers.lastSeq += 1;
      const seq = numbers.lastSeq;
      fresh.push({ seq, event });
      const { identity, alertsIdentity } = event;
      this.#lasts.set(key, { seq, batch: fresh[0]?.seq ?? seq, identity, alertsIdentity });
    }
    if (fresh.length > 0) this.#batches.insert(fresh);
    this.#count(repeats);
  }

  /** Drops the oldest beyond the limit. */
  trim(): void {
    const numbers = this.#known();
    let excess = numbers.events - this.#eventsMax;
    if (excess <= this.#eventsMax * EXCESS_SHARE) return;
    this.#connection.all(this.#queries.setMark(numbers.lastSeq));
    while (excess > 0) {
      const oldest = this.#connection.first(this.#queries.oldestBatch());
      if (oldest === undefined) break;
      let toDrop = excess;
      const dropped = this.#batches.keep(oldest, () => toDrop-- <= 0);
      excess -= dropped;
      numbers.events -= dropped;
    }
    // What is gone is no event that another could repeat.
    this.#lasts.clear();
  }

  /** Drops events that were last seen before. */
  expire(beforeMs: number): void {
    this.flush();
    const numbers = this.#known();
    this.#connection.all(this.#queries.setMark(numbers.lastSeq));
    for (const row of this.#connection.all(this.#queries.batchesWithOlder(beforeMs)))
      numbers.events -= this.#batches.keep(row, event => event.lastAtMs >= beforeMs);
    this.#lasts.clear();
  }

  /** After a transaction that was undone: what was added is forgotten. */
  reset(): void {
    this.#numbers = undefined;
    this.#pending = [];
    this.#lasts.clear();
  }

  #known(): { events: number; lastSeq: number } {
    this.#numbers ??= this.#connection.first(this.#queries.journalNumbers()) ?? { events: 0, lastSeq: 0 };
    return this.#numbers;
  }

  /** Looks the latest event of each stage and subject up that is not known. */
  #recall(pending: readonly PackedEvent[]): void {
    const asked = new Set<number>();
    for (const { key, stage } of pending)
      if (!this.#lasts.has(lastKey(key, stage))) asked.add(key * STAGE_BITS + 2 ** stage);
    if (asked.size === 0) return;
    const found = this.#connection.all(this.#queries.lastBatches(JSON.stringify([...asked])));
    const wanted = new Set(found.map(({ asked: one }) => one));
    for (const batch of new Set(found.map(row => row.batch))) {
      const row = this.#connection.first(this.#queries.batch({ batch }));
      if (row === undefined) continue;
      // From the first to the last: what comes later takes the place of what came before.
      for (const event of this.#batches.read(row)) {
        const key = subjectKey(event.subject);
        const stage = stageNumber(event.stage);
        if (!wanted.has(key * STAGE_BITS + 2 ** stage)) continue;
        const known = this.#lasts.get(lastKey(key, stage));
        if (known !== undefined && known.seq > event.seq) continue;
        const identity = identityOfEvent(event);
        const alertsIdentity = identityOf(event.alerts);
        this.#lasts.set(lastKey(key, stage), { seq: event.seq, batch, identity, alertsIdentity });
      }
    }
  }

  #count(repeats: readonly { readonly last: Last; readonly event: PackedEvent }[]): void {
    const repeated = new Map<number, Repeated>();
    const inBatch = new Map<number, { firstMs: number; lastMs: number }>();
    for (const { last, event } of repeats) {
      const { seq, batch } = last;
      const { atMs } = event;
      repeated.set(seq, { repeats: (repeated.get(seq)?.repeats ?? 0) + 1, lastAtMs: atMs });
      const times = inBatch.get(batch);
      if (times === undefined) inBatch.set(batch, { firstMs: atMs, lastMs: atMs });
      else {
        times.firstMs = Math.min(times.firstMs, atMs);
        times.lastMs = Math.max(times.lastMs, atMs);
      }
    }
    this.#batches.count(repeated, inBatch);
    for (const { last, event } of repeats) {
      if (last.alertsIdentity === event.alertsIdentity) continue;
      last.alertsIdentity = event.alertsIdentity;
      this.#batches.addAlerts(last, alertsIn(event.text));
    }
  }
}

function lastKey(key: number, stage: number): number {
  return key * 16 + stage;
}
