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
  sql,
} from 'kysely';
import { assert } from '../base/index.ts';
import type { DeliveryFilter, JournalFilter, KnownAlertFilter } from '../model/index.ts';
import type { StateTables } from './schema.ts';

export type JournalRow = Selectable<StateTables['journal']>;
export type DeliveryRow = Selectable<StateTables['deliveries']>;
export type KnownAlertRow = Selectable<StateTables['known_alerts']>;

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

const EVENT_SAMPLE: Omit<JournalRow, 'seq'> = {
  ...{ at_ms: 1, stage: 'stage', subject: 'subject', subject_key: 4, alerts: 'alerts', verdict: 'verdict' },
  reason: 'reason',
  ...{ evidence: 'evidence', effects: 'effects', config_version: 'version', repeats: 2, last_at_ms: 3 },
};

/**
 * For what is run with every alert: the text of the query is made once, of a sample whose values differ from each other, and
 * each time the values of a row stand where the sample's stood.
 */
function madeOnce<Values extends Readonly<Record<string, string | number | null>>, Row>(
  sample: Values,
  build: (values: Values) => CompiledQuery<Row>,
): (values: Values) => CompiledQuery<Row> {
  const made = build(sample);
  const names = new Map<unknown, keyof Values>(Object.entries(sample).map(([name, value]) => [value, name]));
  assert(names.size === Object.keys(sample).length, 'the values of a sample differ from each other');
  const places = made.parameters.map(value => names.get(value));
  return values => ({
    ...made,
    parameters: places.map((name, i) => (name === undefined ? made.parameters[i] : values[name])),
  });
}

function journalQueries(db: Kysely<StateTables>) {
  return {
    /** `asked`: JSON text of [subject key, stage, subject] for each. */
    lastEvents: (asked: string): CompiledQuery<JournalRow> =>
      sql<JournalRow>`
        select journal.* from json_each(${asked}) as asked join journal on journal.seq = (
          select seq from journal where subject_key = asked.value ->> 0 and stage = asked.value ->> 1
            and subject = asked.value ->> 2
          order by seq desc limit 1)`.compile(db),
    insertEvent: madeOnce(
      EVENT_SAMPLE,
      (row): CompiledQuery => db.insertInto('journal').values(row).compile(),
    ),
    countRepeat: (seq: number, atMs: number, alerts: string): CompiledQuery =>
      db
        .updateTable('journal')
        .set(eb => ({ repeats: eb('repeats', '+', 1), last_at_ms: atMs, alerts }))
        .where('seq', '=', seq)
        .compile(),
    /** `mentions`: JSON text of [fingerprint, seq] for each. */
    indexAlerts: (mentions: string): CompiledQuery<unknown> =>
      sql`
        insert or ignore into journal_alerts (fingerprint, seq)
          select value ->> 0, value ->> 1 from json_each(${mentions})`.compile(db),
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
    putKnownAlert: madeOnce(
      { fingerprint: 'fingerprint', name: 'name', labels: 'labels', first_at_ms: 1, last_at_ms: 2 },
      (row): CompiledQuery =>
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

/** What the index of subjects holds in place of their long texts: 32-bit FNV-1a over UTF-16, signed. Equal keys may be of unequal texts. */
export function subjectKey(subject: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < subject.length; i++) hash = Math.imul(hash ^ subject.charCodeAt(i), 0x01000193);
  return hash | 0;
}

function findEvents(db: Kysely<StateTables>, filter: JournalFilter): CompiledQuery<JournalRow> {
  const { fingerprint, stage, subject, fromMs, toMs, afterSeq, beforeSeq } = filter;
  let query = db.selectFrom('journal').selectAll();
  if (fingerprint !== undefined) {
    const about = db.selectFrom('journal_alerts').select('seq').where('fingerprint', '=', fingerprint);
    query = query.where('seq', 'in', about);
  }
  if (stage !== undefined) query = query.where('stage', '=', stage);
  if (subject !== undefined) {
    const text = JSON.stringify(subject);
    query = query.where(eb =>
      eb.and([
        eb('subject', '=', text),
        // Events of an earlier version have no key.
        eb.or([eb('subject_key', '=', subjectKey(text)), eb('subject_key', 'is', null)]),
      ]),
    );
  }
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

type OutcomeRow = Pick<DeliveryRow, 'job_id' | 'outcome' | 'at_ms' | 'verdict' | 'attempts' | 'delivered_by'>;

const OUTCOME_SAMPLE: OutcomeRow = {
  ...{ job_id: 'job', outcome: 'outcome', at_ms: 1, verdict: 'verdict', attempts: 2, delivered_by: 'by' },
};

function deliveryQueries(db: Kysely<StateTables>) {
  return {
    putLogEntry: madeOnce(
      { group_key: 'group', receiver: 'receiver', entry: 'entry', expires_at_ms: 1 },
      (row): CompiledQuery =>
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
    putIntent: madeOnce(
      { job_id: 'job', receiver: 'receiver', intent: 'intent', at_ms: 1 },
      ({ job_id, receiver, intent, at_ms }): CompiledQuery => {
        const begun = { intent, outcome: null, at_ms, receiver, started_ms: at_ms, verdict: 'under_way' };
        return db
          .insertInto('deliveries')
          .values({ job_id, ...begun, attempts: null, delivered_by: null })
          .onConflict(conflict => conflict.column('job_id').doUpdateSet(begun))
          .compile();
      },
    ),
    putOutcome: madeOnce(
      OUTCOME_SAMPLE,
      ({ job_id, ...ended }): CompiledQuery =>
        db.updateTable('deliveries').set(ended).where('job_id', '=', job_id).compile(),
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
    putRuleAlerts: (ruleKey: string, alerts: string): CompiledQuery =>
      db
        .insertInto('rule_alerts')
        .values({ rule_key: ruleKey, alerts })
        .onConflict(conflict => conflict.column('rule_key').doUpdateSet({ alerts }))
        .compile(),
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
    putPosted: madeOnce(
      { fingerprint: 'fingerprint', ends_at_ms: 1, alert: 'alert' },
      (row): CompiledQuery =>
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
