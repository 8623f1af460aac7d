// All SQL of the state, built by Kysely and not run here: one function a query, so that another database behind the
// same tables needs another query compiler and another connection, but no second set of queries.

import {
  type CompiledQuery,
  DummyDriver,
  Kysely,
  type Selectable,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';
import type { DeliveryFilter, JournalFilter, KnownAlertFilter } from '../model/index.ts';
import { prepared } from './prepared.ts';
import type { StateTables } from './schema.ts';

export type JournalRow = Selectable<StateTables['journal']>;
export type DeliveryRow = Selectable<StateTables['deliveries']>;
export type KnownAlertRow = Selectable<StateTables['known_alerts']>;

type NewEvent = Omit<JournalRow, 'seq'>;
const EVENT_COLUMNS: readonly (keyof NewEvent)[] = [
  'at_ms',
  'stage',
  'subject',
  'alerts',
  'verdict',
  'reason',
  'evidence',
  'effects',
  'config_version',
  'repeats',
  'last_at_ms',
];

export type StateQueries = ReturnType<typeof stateQueries>;

/** The queries over SQLite. */
export function stateQueries() {
  const db = new Kysely<StateTables>({
    dialect: {
      createAdapter: () => new SqliteAdapter(),
      createDriver: () => new DummyDriver(),
      createIntrospector: one => new SqliteIntrospector(one),
      createQueryCompiler: () => new SqliteQueryCompiler(),
    },
  });
  return { ...journalQueries(db), ...deliveryQueries(db), ...factQueries(db) };
}

function journalQueries(db: Kysely<StateTables>) {
  return {
    lastEvent: prepared(['stage', 'subject'], ({ stage, subject }: { stage: string; subject: string }) =>
      db
        .selectFrom('journal')
        .selectAll()
        .where('subject', '=', subject)
        .where('stage', '=', stage)
        .orderBy('seq', 'desc')
        .limit(1)
        .compile(),
    ),
    insertEvent: prepared(EVENT_COLUMNS, (row: NewEvent) =>
      db.insertInto('journal').values(row).returning('seq').compile(),
    ),
    countRepeat: prepared(
      ['seq', 'atMs', 'alerts'],
      ({ seq, atMs, alerts }: { seq: number; atMs: number; alerts: string }) =>
        db
          .updateTable('journal')
          .set(eb => ({ repeats: eb('repeats', '+', 1), last_at_ms: atMs, alerts }))
          .where('seq', '=', seq)
          .compile(),
    ),
    indexAlert: prepared(['fingerprint', 'seq'], (row: StateTables['journal_alerts']) =>
      db
        .insertInto('journal_alerts')
        .values(row)
        .onConflict(conflict => conflict.doNothing())
        .compile(),
    ),
    countEvents: (): CompiledQuery<{ count: number }> =>
      db
        .selectFrom('journal')
        .select(eb => eb.fn.countAll<number>().as('count'))
        .compile(),
    dropOldestEvents: (count: number): CompiledQuery =>
      db
        .deleteFrom('journal')
        .where('seq', 'in', db.selectFrom('journal').select('seq').orderBy('seq').limit(count))
        .compile(),
    expireEvents: (beforeMs: number): CompiledQuery =>
      db.deleteFrom('journal').where('last_at_ms', '<', beforeMs).compile(),
    findEvents: (filter: JournalFilter): CompiledQuery<JournalRow> => findEvents(db, filter),
    putKnownAlert: prepared(
      ['fingerprint', 'name', 'labels', 'first_at_ms', 'last_at_ms'],
      (row: { fingerprint: string; name: string; labels: string; first_at_ms: number; last_at_ms: number }) =>
        db
          .insertInto('known_alerts')
          .values(row)
          .onConflict(conflict =>
            conflict
              .column('fingerprint')
              .doUpdateSet({ name: row.name, labels: row.labels, last_at_ms: row.last_at_ms }),
          )
          .compile(),
    ),
    findKnownAlerts: ({ fingerprint, name, limit }: KnownAlertFilter): CompiledQuery<KnownAlertRow> => {
      let query = db.selectFrom('known_alerts').selectAll();
      if (fingerprint !== undefined) query = query.where('fingerprint', '=', fingerprint);
      if (name !== undefined) query = query.where('name', '=', name);
      return query.orderBy('last_at_ms', 'desc').orderBy('fingerprint').limit(limit).compile();
    },
    expireKnownAlerts: (beforeMs: number): CompiledQuery =>
      db.deleteFrom('known_alerts').where('last_at_ms', '<', beforeMs).compile(),
  };
}

function findEvents(db: Kysely<StateTables>, filter: JournalFilter): CompiledQuery<JournalRow> {
  const { fingerprint, stage, subject, fromMs, toMs, afterSeq, beforeSeq } = filter;
  let query = db.selectFrom('journal').selectAll();
  if (fingerprint !== undefined) {
    const about = db.selectFrom('journal_alerts').select('seq').where('fingerprint', '=', fingerprint);
    query = query.where('seq', 'in', about);
  }
  if (stage !== undefined) query = query.where('stage', '=', stage);
  if (subject !== undefined) query = query.where('subject', '=', JSON.stringify(subject));
  // An event with repeats spans the time from the first to the last of them.
  if (fromMs !== undefined) query = query.where('last_at_ms', '>=', fromMs);
  if (toMs !== undefined) query = query.where('at_ms', '<=', toMs);
  if (afterSeq !== undefined) query = query.where('seq', '>', afterSeq);
  if (beforeSeq !== undefined) query = query.where('seq', '<', beforeSeq);
  return query
    .orderBy('seq', filter.newestFirst ? 'desc' : 'asc')
    .limit(filter.limit)
    .compile();
}

/** Types rather than interfaces: `prepared` asks for an index. */
type NewIntent = {
  readonly jobId: string;
  readonly receiver: string;
  readonly intent: string;
  readonly atMs: number;
};

type NewOutcome = {
  readonly jobId: string;
  readonly outcome: string;
  readonly atMs: number;
  readonly verdict: string;
  readonly attempts: number | null;
  readonly deliveredBy: string | null;
};

function deliveryQueries(db: Kysely<StateTables>) {
  return {
    putLogEntry: prepared(
      ['group_key', 'receiver', 'entry', 'expires_at_ms'],
      (row: StateTables['notification_log']) =>
        db
          .insertInto('notification_log')
          .values(row)
          .onConflict(conflict =>
            conflict
              .columns(['group_key', 'receiver'])
              .doUpdateSet({ entry: row.entry, expires_at_ms: row.expires_at_ms }),
          )
          .compile(),
    ),
    logEntries: (): CompiledQuery<{ entry: string }> =>
      db.selectFrom('notification_log').select('entry').compile(),
    expireLog: (nowMs: number): CompiledQuery =>
      db.deleteFrom('notification_log').where('expires_at_ms', '<=', nowMs).compile(),
    putIntent: prepared(
      ['jobId', 'receiver', 'intent', 'atMs'],
      ({ jobId, receiver, intent, atMs }: NewIntent) => {
        const begun = {
          intent,
          outcome: null,
          at_ms: atMs,
          receiver,
          started_ms: atMs,
          verdict: 'under_way',
        };
        return db
          .insertInto('deliveries')
          .values({ job_id: jobId, ...begun, attempts: null, delivered_by: null })
          .onConflict(conflict => conflict.column('job_id').doUpdateSet(begun))
          .compile();
      },
    ),
    putOutcome: prepared(
      ['jobId', 'outcome', 'atMs', 'verdict', 'attempts', 'deliveredBy'],
      ({ jobId, outcome, atMs, verdict, attempts, deliveredBy }: NewOutcome) =>
        db
          .updateTable('deliveries')
          .set({ outcome, at_ms: atMs, verdict, attempts, delivered_by: deliveredBy })
          .where('job_id', '=', jobId)
          .compile(),
    ),
    findDeliveries: (filter: DeliveryFilter): CompiledQuery<DeliveryRow> => findDeliveries(db, filter),
    openIntents: (): CompiledQuery<{ intent: string }> =>
      db.selectFrom('deliveries').select('intent').where('outcome', 'is', null).orderBy('at_ms').compile(),
    expireDeliveries: (beforeMs: number): CompiledQuery =>
      db.deleteFrom('deliveries').where('outcome', 'is not', null).where('at_ms', '<', beforeMs).compile(),
  };
}

function findDeliveries(db: Kysely<StateTables>, filter: DeliveryFilter): CompiledQuery<DeliveryRow> {
  const { receiver, fingerprint, verdict, fromMs, toMs, offset = 0, limit } = filter;
  let query = db.selectFrom('deliveries').selectAll();
  if (receiver !== undefined) {
    // "ops" is all ways out of it: the texts from "ops/" up to the next character after the slash.
    query = query.where(eb =>
      eb.or([
        eb('receiver', '=', receiver),
        eb.and([eb('receiver', '>=', `${receiver}/`), eb('receiver', '<', `${receiver}0`)]),
      ]),
    );
  }
  // Fingerprints are hexadecimal and quoted in the intent: no wildcard, and no part of another text.
  if (fingerprint !== undefined)
    query = query.where('intent', 'like', `%"${fingerprint.replace(/[%_]/g, '')}"%`);
  if (verdict !== undefined) query = query.where('verdict', '=', verdict);
  if (fromMs !== undefined) query = query.where('started_ms', '>=', fromMs);
  if (toMs !== undefined) query = query.where('started_ms', '<=', toMs);
  return query.orderBy('started_ms', 'desc').orderBy('job_id', 'desc').limit(limit).offset(offset).compile();
}

function factQueries(db: Kysely<StateTables>) {
  return {
    putRun: (row: StateTables['recovery_runs']): CompiledQuery =>
      db
        .insertInto('recovery_runs')
        .values(row)
        .onConflict(conflict => conflict.column('id').doUpdateSet(row))
        .compile(),
    findRuns: (filter: {
      readonly unfinishedOnly: boolean;
      readonly fingerprint?: string;
      readonly limit: number;
    }): CompiledQuery<{ run: string }> => {
      let query = db.selectFrom('recovery_runs').select('run');
      if (filter.unfinishedOnly) query = query.where('final', '=', 0);
      if (filter.fingerprint !== undefined) query = query.where('fingerprint', '=', filter.fingerprint);
      return query.orderBy('proposed_at_ms', 'desc').orderBy('id', 'desc').limit(filter.limit).compile();
    },
    expireRuns: (beforeMs: number): CompiledQuery =>
      db.deleteFrom('recovery_runs').where('final', '=', 1).where('changed_at_ms', '<', beforeMs).compile(),
    putRuleAlerts: prepared(['rule_key', 'alerts'], (row: StateTables['rule_alerts']) =>
      db
        .insertInto('rule_alerts')
        .values(row)
        .onConflict(conflict => conflict.column('rule_key').doUpdateSet({ alerts: row.alerts }))
        .compile(),
    ),
    dropRuleAlerts: (ruleKey: string): CompiledQuery =>
      db.deleteFrom('rule_alerts').where('rule_key', '=', ruleKey).compile(),
    ruleAlerts: (): CompiledQuery<{ rule_key: string; alerts: string }> =>
      db.selectFrom('rule_alerts').selectAll().compile(),
    putSetting: (key: string, value: string): CompiledQuery =>
      db
        .insertInto('settings')
        .values({ key, value })
        .onConflict(conflict => conflict.column('key').doUpdateSet({ value }))
        .compile(),
    putPosted: prepared(['fingerprint', 'ends_at_ms', 'alert'], (row: StateTables['posted_alerts']) =>
      db
        .insertInto('posted_alerts')
        .values(row)
        .onConflict(conflict =>
          conflict.column('fingerprint').doUpdateSet({ ends_at_ms: row.ends_at_ms, alert: row.alert }),
        )
        .compile(),
    ),
    postedAlerts: (): CompiledQuery<{ alert: string }> =>
      db.selectFrom('posted_alerts').select('alert').orderBy('fingerprint').compile(),
    expirePosted: (endedBeforeMs: number): CompiledQuery =>
      db.deleteFrom('posted_alerts').where('ends_at_ms', '<', endedBeforeMs).compile(),
    putSilence: (row: StateTables['silences']): CompiledQuery =>
      db
        .insertInto('silences')
        .values(row)
        .onConflict(conflict => conflict.column('id').doUpdateSet(row))
        .compile(),
    silences: (): CompiledQuery<{ silence: string }> =>
      db.selectFrom('silences').select('silence').orderBy('id').compile(),
    expireSilences: (endedBeforeMs: number): CompiledQuery =>
      db.deleteFrom('silences').where('ends_at_ms', '<', endedBeforeMs).compile(),
    setting: (key: string): CompiledQuery<{ value: string }> =>
      db.selectFrom('settings').select('value').where('key', '=', key).compile(),
  };
}
