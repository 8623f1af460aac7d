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
import { STAGE_BITS, type StateTables } from './schema.ts';

export type BatchRow = Selectable<StateTables['journal_batches']>;
type RepeatsRow = Selectable<StateTables['journal_repeats']>;
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

const BATCH_SAMPLE: BatchRow = {
  ...{ batch: 1, last_seq: 2, events: 3, first_at_ms: 4, least_last_ms: 5, last_at_ms: 6, stages: 7 },
};

/**
 * For what is run with every alert: the text of the query is made once, of a sample whose values differ from each other, and
 * each time the values of a row stand where the sample's stood.
 */
function madeOnce<Values extends Readonly<Record<string, string | number | Uint8Array | null>>, Row>(
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

function batchQueries(db: Kysely<StateTables>) {
  return {
    insertBatch: madeOnce(
      BATCH_SAMPLE,
      (row): CompiledQuery => db.insertInto('journal_batches').values(row).compile(),
    ),
    insertBatchText: madeOnce(
      { batch: 1, events: new Uint8Array(0) },
      (row): CompiledQuery => db.insertInto('journal_texts').values(row).compile(),
    ),
    /** `keys`: JSON list, each with its stages below STAGE_BITS. */
    insertKeys: madeOnce(
      { batch: 1, keys: 'keys' },
      ({ batch, keys }): CompiledQuery<unknown> =>
        sql`
          insert into journal_keys (key, batch, stages)
            select value / ${STAGES}, ${batch}, value % ${STAGES} from json_each(${keys}) where true
            on conflict (key, batch) do update set stages = stages | excluded.stages`.compile(db),
    ),
    /** `keys`: JSON list without stages. */
    deleteKeys: (batch: number, keys: string): CompiledQuery<unknown> =>
      sql`
        delete from journal_keys
          where batch = ${batch} and key in (select value from json_each(${keys}))`.compile(db),
    /** With its text. */
    deleteBatch: (batch: number): CompiledQuery =>
      db.deleteFrom('journal_batches').where('batch', '=', batch).compile(),
    batch: madeOnce(
      { batch: 1 },
      ({ batch }): CompiledQuery<BatchRow> =>
        db.selectFrom('journal_batches').selectAll().where('batch', '=', batch).compile(),
    ),
    batchText: madeOnce(
      { batch: 1 },
      ({ batch }): CompiledQuery<{ events: Uint8Array }> =>
        db.selectFrom('journal_texts').select('events').where('batch', '=', batch).compile(),
    ),
    oldestBatch: (): CompiledQuery<BatchRow> =>
      db.selectFrom('journal_batches').selectAll().orderBy('batch').limit(1).compile(),
    batchesWithOlder: (beforeMs: number): CompiledQuery<BatchRow> =>
      db
        .selectFrom('journal_batches')
        .selectAll()
        .where('least_last_ms', '<', beforeMs)
        .orderBy('batch')
        .compile(),
    /** Its bounds take in what was counted. */
    widenBatch: madeOnce(
      { batch: 1, least_last_ms: 2, last_at_ms: 3 },
      ({ batch, least_last_ms: least, last_at_ms: last }): CompiledQuery<unknown> =>
        sql`
          update journal_batches set least_last_ms = min(least_last_ms, ${least}), last_at_ms = max(last_at_ms, ${last})
            where batch = ${batch}`.compile(db),
    ),
    boundBatch: ({ batch, least_last_ms }: Pick<BatchRow, 'batch' | 'least_last_ms'>): CompiledQuery =>
      db.updateTable('journal_batches').set({ least_last_ms }).where('batch', '=', batch).compile(),
    /** `asked`: JSON list of keys with one stage each. */
    lastBatches: (asked: string): CompiledQuery<{ asked: number; batch: number }> =>
      sql<{ asked: number; batch: number }>`
        select asked, batch from (
          select value as asked, (
            select batch from journal_keys
              where key = value / ${STAGES} and stages & (value % ${STAGES})
              order by batch desc limit 1) as batch
          from json_each(${asked})) where batch is not null`.compile(db),
  };
}

/** Part of the text of a query: as a parameter it would be a floating-point number. */
const STAGES = sql.raw(String(STAGE_BITS));

function journalQueries(db: Kysely<StateTables>) {
  return {
    ...batchQueries(db),
    /** `rows`: JSON list of [seq, repeats, last time]. */
    countRepeats: (rows: string): CompiledQuery<unknown> =>
      sql`
        insert into journal_repeats (seq, repeats, last_at_ms)
          select value ->> 0, value ->> 1, value ->> 2 from json_each(${rows}) where true
          on conflict (seq) do update set repeats = repeats + excluded.repeats, last_at_ms = excluded.last_at_ms`.compile(
        db,
      ),
    setRepeatedAlerts: ({ seq, alerts }: { readonly seq: number; readonly alerts: string }): CompiledQuery =>
      db.updateTable('journal_repeats').set({ alerts }).where('seq', '=', seq).compile(),
    repeatsBetween: madeOnce(
      { from: 1, to: 2 },
      ({ from, to }): CompiledQuery<RepeatsRow> =>
        db
          .selectFrom('journal_repeats')
          .selectAll()
          .where('seq', '>=', from)
          .where('seq', '<=', to)
          .compile(),
    ),
    deleteRepeats: (seqs: string): CompiledQuery<unknown> =>
      sql`delete from journal_repeats where seq in (select value from json_each(${seqs}))`.compile(db),
    /** How many events are kept, and the highest number that was given. */
    journalNumbers: (): CompiledQuery<{ events: number; lastSeq: number }> =>
      sql<{ events: number; lastSeq: number }>`
        select coalesce(sum(events), 0) as events,
          max(coalesce(max(last_seq), 0), coalesce((select seq from journal_mark), 0)) as lastSeq
        from journal_batches`.compile(db),
    setMark: (seq: number): CompiledQuery =>
      db
        .insertInto('journal_mark')
        .values({ id: 0, seq })
        .onConflict(conflict => conflict.column('id').doUpdateSet({ seq }))
        .compile(),
    findBatches: (search: BatchSearch): CompiledQuery<BatchRow> => findBatches(db, search),
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

/** Batches in which there may be events that a filter asks for. */
export interface BatchSearch
  extends Pick<JournalFilter, 'fromMs' | 'toMs' | 'afterSeq' | 'beforeSeq' | 'newestFirst'> {
  /** Of a subject or an alert. */
  readonly key: number | undefined;
  /** Set of stages; undefined for all. */
  readonly stages: number | undefined;
  /** The last one that was looked at, in the order asked for. */
  readonly behind: number | undefined;
  readonly limit: number;
}

function findBatches(db: Kysely<StateTables>, search: BatchSearch): CompiledQuery<BatchRow> {
  const { key, stages, behind, fromMs, toMs, afterSeq, beforeSeq, newestFirst } = search;
  let query = db.selectFrom('journal_batches').selectAll('journal_batches');
  if (key !== undefined)
    query = query
      .innerJoin('journal_keys', 'journal_keys.batch', 'journal_batches.batch')
      .where('journal_keys.key', '=', key) as typeof query;
  if (stages !== undefined) query = query.where(sql<boolean>`journal_batches.stages & ${stages}`);
  if (fromMs !== undefined) query = query.where('last_at_ms', '>=', fromMs);
  if (toMs !== undefined) query = query.where('first_at_ms', '<=', toMs);
  if (afterSeq !== undefined) query = query.where('last_seq', '>', afterSeq);
  if (beforeSeq !== undefined) query = query.where('journal_batches.batch', '<', beforeSeq);
  // In the order of the index that is looked through.
  const place = key === undefined ? 'journal_batches.batch' : sql<number>`journal_keys.batch`;
  if (behind !== undefined) query = query.where(place, newestFirst ? '<' : '>', behind);
  return query
    .orderBy(place, newestFirst ? 'desc' : 'asc')
    .limit(search.limit)
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
    logEntries: (): CompiledQuery<Omit<StateTables['notification_log'], 'expires_at_ms'>> =>
      db.selectFrom('notification_log').select(['group_key', 'receiver', 'entry']).compile(),
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
    appendPosted: madeOnce(
      { lines: 1, alerts: new Uint8Array(0) },
      (row): CompiledQuery => db.insertInto('posted_log').values(row).compile(),
    ),
    /** In the order in which they came. */
    postedRows: (): CompiledQuery<{ alerts: Uint8Array }> =>
      db.selectFrom('posted_log').select('alerts').orderBy('id').compile(),
    countPosted: (): CompiledQuery<{ lines: number }> =>
      sql<{ lines: number }>`select coalesce(sum(lines), 0) as lines from posted_log`.compile(db),
    dropPosted: (): CompiledQuery => db.deleteFrom('posted_log').compile(),
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
