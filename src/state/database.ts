// The database: migrations, groups of commits as transactions, and the reads. Synchronous; knows no thread and no clock.

import { err, never, ok, type Result } from '../base/index.ts';
import {
  type Alert,
  type DeliveryOutcome,
  type DeliveryRecord,
  deliveryVerdict,
  isFinal,
  type KnownAlert,
  type StateFailure,
  type StateWrite,
} from '../model/index.ts';
import { decode, encode } from './codec.ts';
import type { Connection } from './connection.ts';
import type { Commit, OpenFailure, StateReads } from './engine.ts';
import { eventOf, JournalWriter } from './journal-writer.ts';
import { type DeliveryRow, type KnownAlertRow, stateQueries } from './queries.ts';
import { MIGRATIONS, STATE_VERSION } from './schema.ts';

/** Brings an open database to this version, or refuses one of a newer. */
export function migrate(connection: Connection, path: string): Result<void, OpenFailure> {
  const version = connection.userVersion();
  if (version > STATE_VERSION) {
    return err({
      code: 'state-newer',
      message: `Cannot open "${path}": it has version ${version}, this program knows up to ${STATE_VERSION}; run the newer program, or restore a backup`,
    });
  }
  for (let from = version; from < STATE_VERSION; from++) {
    connection.exec('BEGIN IMMEDIATE');
    for (const statement of MIGRATIONS[from] ?? []) connection.exec(statement);
    connection.exec(`PRAGMA user_version = ${from + 1}`);
    connection.exec('COMMIT');
  }
  return ok(undefined);
}

type Readers = {
  readonly [K in keyof StateReads]: (ask: StateReads[K]['ask']) => StateReads[K]['answer'];
};

export class StateDatabase {
  readonly #connection: Connection;
  readonly #queries = stateQueries();
  readonly #journal: JournalWriter;
  readonly #readers: Readers;

  /** Takes over a connection that was migrated. */
  constructor(connection: Connection, journalEventsMax: number) {
    this.#connection = connection;
    this.#journal = new JournalWriter(connection, this.#queries, journalEventsMax);
    this.#readers = readersOf(connection, this.#queries);
  }

  /** One transaction for the whole group; a commit that fails is undone alone, unless the group cannot be synced. */
  commit(group: readonly Commit[]): readonly Result<void, StateFailure>[] {
    // Nearly always all of them go through: where one does not, the group is done again, each with a way back of its own.
    const together = this.#transaction(() => {
      for (const commit of group) for (const write of commit) this.#write(write);
      return group.map(() => ok(undefined));
    });
    if (together.ok || group.length === 1) return together.ok ? together.value : group.map(() => together);
    const apart = this.#transaction(() => group.map(commit => this.#one(commit)));
    return apart.ok ? apart.value : group.map(() => apart);
  }

  #transaction<T>(work: () => T): Result<T, StateFailure> {
    try {
      this.#connection.exec('BEGIN IMMEDIATE');
    } catch (error) {
      return failed('begin a commit', error);
    }
    try {
      const value = work();
      this.#journal.flush();
      this.#journal.trim();
      this.#connection.exec('COMMIT');
      return ok(value);
    } catch (error) {
      this.#undo('ROLLBACK');
      return failed('commit', error);
    }
  }

  read<K extends keyof StateReads>(
    kind: K,
    ask: StateReads[K]['ask'],
  ): Result<StateReads[K]['answer'], StateFailure> {
    try {
      return ok(this.#readers[kind](ask));
    } catch (error) {
      return failed(`read ${kind}`, error);
    }
  }

  /** Knows no table: whatever the database has. The file must not exist. */
  backup(path: string): Result<void, StateFailure> {
    try {
      this.#connection.exec(`VACUUM INTO '${path.replaceAll("'", "''")}'`);
      return ok(undefined);
    } catch (error) {
      return failed(`copy the state database to "${path}"`, error);
    }
  }

  close(): void {
    this.#connection.close();
  }

  #one(commit: Commit): Result<void, StateFailure> {
    try {
      this.#connection.exec('SAVEPOINT one');
      for (const write of commit) this.#write(write);
      this.#journal.flush();
      this.#connection.exec('RELEASE one');
      return ok(undefined);
    } catch (error) {
      this.#undo('ROLLBACK TO one; RELEASE one');
      return failed('write a commit', error);
    }
  }

  #undo(sql: string): void {
    this.#journal.reset();
    try {
      this.#connection.exec(sql);
    } catch {
      // SQLite has rolled back by itself (disk full, I/O error): there is nothing left to undo.
    }
  }

  #write(write: StateWrite): void {
    const run = this.#connection;
    const queries = this.#queries;
    switch (write.kind) {
      case 'journal':
        this.#journal.add(write.event);
        return;
      case 'notification_log': {
        const { groupKey, receiver, expiresAtMs } = write.entry;
        const row = { group_key: groupKey, receiver, entry: encode(write.entry), expires_at_ms: expiresAtMs };
        run.all(queries.putLogEntry(row));
        return;
      }
      case 'delivery_intent':
        run.all(
          queries.putIntent({
            job_id: write.intent.jobId,
            receiver: write.intent.receiver,
            intent: encode(write.intent),
            at_ms: write.intent.atMs,
          }),
        );
        return;
      case 'delivery_outcome':
        run.all(
          queries.putOutcome({
            job_id: write.jobId,
            outcome: encode(write.outcome),
            at_ms: write.atMs,
            verdict: deliveryVerdict(write.outcome),
            attempts: write.attempts ?? null,
            delivered_by: write.deliveredBy ?? null,
          }),
        );
        return;
      case 'recovery_run': {
        const { id, fingerprint, state, proposedAtMs, changedAtMs } = write.run;
        run.all(
          queries.putRun({
            id,
            fingerprint,
            final: isFinal(state) ? 1 : 0,
            proposed_at_ms: proposedAtMs,
            changed_at_ms: changedAtMs,
            run: encode(write.run),
          }),
        );
        return;
      }
      case 'rule_alerts':
        run.all(
          write.alerts.length === 0
            ? queries.dropRuleAlerts(write.ruleKey)
            : queries.putRuleAlerts(write.ruleKey, encode(write.alerts)),
        );
        return;
      case 'setting':
        run.all(queries.putSetting(write.key, encode(write.value)));
        return;
      case 'posted_alert': {
        const { fingerprint, endsAtMs } = write.alert;
        run.all(queries.putPosted({ fingerprint, ends_at_ms: endsAtMs, alert: encode(write.alert) }));
        return;
      }
      case 'expire_posted':
        run.all(queries.expirePosted(write.endedBeforeMs));
        return;
      case 'silence': {
        const { id, endsAtMs } = write.silence;
        run.all(queries.putSilence({ id, ends_at_ms: endsAtMs, silence: encode(write.silence) }));
        return;
      }
      case 'expire_silences':
        run.all(queries.expireSilences(write.endedBeforeMs));
        return;
      case 'expire':
        this.#expire(write.nowMs, write.journalBeforeMs);
        return;
      default:
        never(write);
    }
  }

  #expire(nowMs: number, journalBeforeMs: number): void {
    this.#journal.flush();
    this.#connection.all(this.#queries.expireEvents(journalBeforeMs));
    this.#connection.all(this.#queries.expireKnownAlerts(journalBeforeMs));
    this.#connection.all(this.#queries.expireLog(nowMs));
    this.#connection.all(this.#queries.expireDeliveries(journalBeforeMs));
    this.#connection.all(this.#queries.expireRuns(journalBeforeMs));
    this.#journal.reset();
  }
}

function readersOf(connection: Connection, queries: ReturnType<typeof stateQueries>): Readers {
  return {
    journal: filter => connection.all(queries.findEvents(filter)).map(eventOf),
    notificationLog: () => connection.all(queries.logEntries()).map(row => decode(row.entry)),
    knownAlerts: filter => connection.all(queries.findKnownAlerts(filter)).map(knownAlertOf),
    deliveries: filter => connection.all(queries.findDeliveries(filter)).map(deliveryOf),
    openIntents: () => connection.all(queries.openIntents()).map(row => decode(row.intent)),
    recoveryRuns: filter => connection.all(queries.findRuns(filter)).map(row => decode(row.run)),
    ruleAlerts: () =>
      new Map(
        connection.all(queries.ruleAlerts()).map(row => [row.rule_key, decode<readonly Alert[]>(row.alerts)]),
      ),
    postedAlerts: () => connection.all(queries.postedAlerts()).map(row => decode(row.alert)),
    silences: () => connection.all(queries.silences()).map(row => decode(row.silence)),
    setting: key => {
      const row = connection.all(queries.setting(key))[0];
      return row === undefined ? undefined : decode(row.value);
    },
  };
}

function knownAlertOf(row: KnownAlertRow): KnownAlert {
  return {
    fingerprint: row.fingerprint,
    labels: decode(row.labels),
    firstAtMs: row.first_at_ms,
    lastAtMs: row.last_at_ms,
  };
}

function deliveryOf(row: DeliveryRow): DeliveryRecord {
  const { outcome, verdict, attempts, delivered_by: deliveredBy } = row;
  return {
    intent: decode(row.intent),
    // The column holds what putOutcome was given.
    verdict: verdict as DeliveryRecord['verdict'],
    ...(outcome === null ? {} : { outcome: decode<DeliveryOutcome>(outcome), endedAtMs: row.at_ms }),
    ...(attempts === null ? {} : { attempts }),
    ...(deliveredBy === null ? {} : { deliveredBy }),
  };
}

function failed(action: string, error: unknown): Result<never, StateFailure> {
  const cause = error instanceof Error ? error.message : String(error);
  return err({ code: 'state-io', message: `Cannot ${action}: ${cause}` });
}
