// Brings the events of a database that had a row for each into batches: part of a migration.

import { CompiledQuery } from 'kysely';
import type { JournalEvent, JournalSubject } from '../model/index.ts';
import { decode } from './codec.ts';
import { packedEvent } from './columns.ts';
import type { Connection } from './connection.ts';
import { JournalBatches } from './journal-batches.ts';
import type { StateQueries } from './queries.ts';

/** As many as a batch may hold. */
const EVENTS_AT_ONCE = 64;

interface OldRow {
  readonly seq: number;
  readonly at_ms: number;
  readonly stage: string;
  readonly subject: string;
  readonly alerts: string;
  readonly verdict: string;
  readonly reason: string;
  readonly evidence: string;
  readonly effects: string;
  readonly config_version: string;
  readonly repeats: number;
  readonly last_at_ms: number;
}

export function packJournal(connection: Connection, queries: StateQueries): void {
  const batches = new JournalBatches(connection, queries);
  let lastSeq = 0;
  for (;;) {
    const rows = connection.all(oldRows(lastSeq));
    if (rows.length === 0) return;
    // Alerts that they name are known already, with times of repeats.
    batches.insert(
      rows.map(row => ({ seq: row.seq, event: { ...packedEvent(eventOf(row)), known: undefined } })),
    );
    const counted = rows.filter(row => row.repeats > 0);
    const repeated = counted.map(
      row => [row.seq, { repeats: row.repeats, lastAtMs: row.last_at_ms }] as const,
    );
    const times = counted.map(row => row.last_at_ms);
    const span = { firstMs: Math.min(...times), lastMs: Math.max(...times) };
    batches.count(new Map(repeated), new Map([[rows[0]?.seq ?? 0, span]]));
    lastSeq = rows.at(-1)?.seq ?? lastSeq;
  }
}

function oldRows(behindSeq: number): CompiledQuery<OldRow> {
  return CompiledQuery.raw('SELECT * FROM journal WHERE seq > ? ORDER BY seq LIMIT ?', [
    behindSeq,
    EVENTS_AT_ONCE,
  ]) as CompiledQuery<OldRow>;
}

/** The columns hold what the writer wrote, so their closed sets are those of the types. */
function eventOf(row: OldRow): JournalEvent {
  return {
    atMs: row.at_ms,
    stage: row.stage as JournalEvent['stage'],
    subject: JSON.parse(row.subject) as JournalSubject,
    alerts: decode(row.alerts),
    verdict: row.verdict,
    reason: row.reason,
    evidence: decode(row.evidence),
    effects: row.effects as JournalEvent['effects'],
    configVersion: row.config_version,
  };
}
