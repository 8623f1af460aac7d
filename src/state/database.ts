// The database: migrations, groups of commits as transactions, and the reads. Synchronous; knows no thread and no clock.

import { err, never, ok, type Result } from '../base/index.ts';
import type {
  Alert,
  DeliveryOutcome,
  DeliveryRecord,
  KnownAlert,
  NotificationLogEntry,
  StateFailure,
  StateWrite,
} from '../model/index.ts';
import { decode } from './codec.ts';
import { Columns, type PackedCommit } from './columns.ts';
import type { Connection } from './connection.ts';
import type { OpenFailure, StateReads } from './engine.ts';
import { findEvents } from './journal-reader.ts';
import { JournalWriter } from './journal-writer.ts';
import { packJournal } from './pack-journal.ts';
import { PostedLog, postedAlerts } from './posted-log.ts';
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
    for (const step of MIGRATIONS[from] ?? []) {
      if (typeof step === 'string') connection.exec(step);
      else packJournal(connection, stateQueries());
    }
    connection.exec(`PRAGMA user_version = ${from + 1}`);
    connection.exec('COMMIT');
  }
  return ok(undefined);
}

/** Of writes that do not come with each alert. */
type SeldomKind = Exclude<
  StateWrite['kind'],
  'journal' | 'notification_log' | 'delivery_intent' | 'delivery_outcome' | 'posted_alert'
>;

type Readers = {
  readonly [K in keyof StateReads]: (ask: StateReads[K]['ask']) => StateReads[K]['answer'];
};

export class StateDatabase {
  readonly #connection: Connection;
  readonly #queries = stateQueries();
  readonly #journal: JournalWriter;
  readonly #posted: PostedLog;
  readonly #readers: Readers;

  /** Takes over a connection that was migrated. */
  constructor(connection: Connection, journalEventsMax: number) {
    this.#connection = connection;
    this.#journal = new JournalWriter(connection, this.#queries, journalEventsMax);
    this.#posted = new PostedLog(connection, this.#queries);
    this.#readers = readersOf(connection, this.#queries);
  }

  /** One transaction for the whole group; a commit that fails is undone alone, unless the group cannot be synced. */
  commit(group: readonly PackedCommit[]): readonly Result<void, StateFailure>[] {
    // Nearly always all of them go through: where one does not, the group is done again, each with a way back of its own.
    const together = this.#transaction(() => {
      for (const commit of group) this.#writeAll(commit);
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

  #one(commit: PackedCommit): Result<void, StateFailure> {
    try {
      this.#connection.exec('SAVEPOINT one');
      this.#writeAll(commit);
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
    this.#posted.reset();
    try {
      this.#connection.exec(sql);
    } catch {
      // SQLite has rolled back by itself (disk full, I/O error): there is nothing left to undo.
    }
  }

  #writeAll(commit: PackedCommit): void {
    const columns = new Columns(commit);
    for (let kind = columns.kind(); kind !== undefined; kind = columns.kind()) this.#write(kind, columns);
  }

  /** In the order in which `packed` puts the columns. */
  #write(kind: StateWrite['kind'], columns: Columns): void {
    const run = this.#connection;
    const queries = this.#queries;
    switch (kind) {
      case 'journal':
        this.#journal.add(columns.event());
        return;
      case 'notification_log':
        run.all(
          queries.putLogEntry({
            group_key: columns.text(),
            receiver: columns.text(),
            entry: columns.text(),
            expires_at_ms: columns.number(),
          }),
        );
        return;
      case 'delivery_intent':
        run.all(
          queries.putIntent({
            job_id: columns.text(),
            receiver: columns.text(),
            intent: columns.text(),
            at_ms: columns.number(),
          }),
        );
        return;
      case 'delivery_outcome':
        run.all(
          queries.putOutcome({
            job_id: columns.text(),
            outcome: columns.text(),
            at_ms: columns.number(),
            verdict: columns.text(),
            attempts: columns.numberOrNull(),
            delivered_by: columns.textOrNull(),
          }),
        );
        return;
      case 'posted_alert':
        this.#posted.append(columns.texts());
        return;
      default:
        this.#writeSeldom(kind, columns);
    }
  }

  #writeSeldom(kind: SeldomKind, columns: Columns): void {
    const run = this.#connection;
    const queries = this.#queries;
    switch (kind) {
      case 'recovery_run':
        run.all(
          queries.putRun({
            id: columns.text(),
            fingerprint: columns.text(),
            final: columns.number(),
            proposed_at_ms: columns.number(),
            changed_at_ms: columns.number(),
            run: columns.text(),
          }),
        );
        return;
      case 'rule_alerts': {
        const [ruleKey, alerts] = [columns.text(), columns.textOrNull()];
        run.all(alerts === null ? queries.dropRuleAlerts(ruleKey) : queries.putRuleAlerts(ruleKey, alerts));
        return;
      }
      case 'setting':
        run.all(queries.putSetting(columns.text(), columns.text()));
        return;
      case 'expire_posted':
        this.#posted.expire(columns.number());
        return;
      case 'silence':
        run.all(
          queries.putSilence({ id: columns.text(), ends_at_ms: columns.number(), silence: columns.text() }),
        );
        return;
      case 'expire_silences':
        run.all(queries.expireSilences(columns.number()));
        return;
      case 'expire':
        this.#expire(columns.number(), columns.number());
        return;
      default:
        never(kind);
    }
  }

  #expire(nowMs: number, journalBeforeMs: number): void {
    this.#journal.expire(journalBeforeMs);
    this.#connection.all(this.#queries.expireKnownAlerts(journalBeforeMs));
    this.#connection.all(this.#queries.expireLog(nowMs));
    this.#connection.all(this.#queries.expireDeliveries(journalBeforeMs));
    this.#connection.all(this.#queries.expireRuns(journalBeforeMs));
  }
}

function readersOf(connection: Connection, queries: ReturnType<typeof stateQueries>): Readers {
  return {
    journal: filter => findEvents(connection, queries, filter),
    notificationLog: () =>
      connection.all(queries.logEntries()).map(row => ({
        groupKey: row.group_key,
        receiver: row.receiver,
        ...decode<Omit<NotificationLogEntry, 'groupKey' | 'receiver'>>(row.entry),
      })),
    knownAlerts: filter => connection.all(queries.findKnownAlerts(filter)).map(knownAlertOf),
    deliveries: filter => connection.all(queries.findDeliveries(filter)).map(deliveryOf),
    openIntents: () => connection.all(queries.openIntents()).map(row => decode(row.intent)),
    recoveryRuns: filter => connection.all(queries.findRuns(filter)).map(row => decode(row.run)),
    ruleAlerts: () =>
      new Map(
        connection.all(queries.ruleAlerts()).map(row => [row.rule_key, decode<readonly Alert[]>(row.alerts)]),
      ),
    postedAlerts: () => postedAlerts(connection, queries),
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
