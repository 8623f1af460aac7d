// The tables, and how a database of an earlier version becomes one of this. A migration is never changed once it was
// released; a new version is a new entry. Times are whole milliseconds, JSON columns are written by codec.ts.

import type { Generated } from 'kysely';
import { assert } from '../base/index.ts';
import type { JournalStage } from '../model/index.ts';

export interface StateTables {
  /** Events that came together: what is asked before their texts are looked at. */
  readonly journal_batches: {
    /** The number of its first event when it was written. */
    readonly batch: number;
    readonly last_seq: number;
    readonly events: number;
    /** Bounds of what its events say: none began earlier, none was last seen earlier, none later. */
    readonly first_at_ms: number;
    readonly least_last_ms: number;
    readonly last_at_ms: number;
    /** A bit for each stage that has an event here. */
    readonly stages: number;
  };
  /** `batchText` in UTF-8: apart, so that a look over many batches passes over them. */
  readonly journal_texts: { readonly batch: number; readonly events: Uint8Array };
  /** Where a subject or an alert is mentioned; `stages` of the events whose subject it is. */
  readonly journal_keys: { readonly key: number; readonly batch: number; readonly stages: number };
  /** What was counted on an event. */
  readonly journal_repeats: {
    readonly seq: number;
    readonly repeats: number;
    readonly last_at_ms: number;
    /** JSON list of all its fingerprints, where repeats named more. */
    readonly alerts: string | null;
  };
  /** One row: numbers up to this one were given, whether their events are there or not. */
  readonly journal_mark: { readonly id: number; readonly seq: number };
  readonly notification_log: {
    readonly group_key: string;
    readonly receiver: string;
    readonly entry: string;
    readonly expires_at_ms: number;
  };
  readonly deliveries: {
    readonly job_id: string;
    readonly intent: string;
    /** Null while the delivery is under way. */
    readonly outcome: string | null;
    readonly at_ms: number;
    /** Of the intent. */
    readonly receiver: string;
    readonly started_ms: number;
    /** `deliveryVerdict`. */
    readonly verdict: string;
    readonly attempts: number | null;
    readonly delivered_by: string | null;
  };
  /** Alerts whose labels an event named. */
  readonly known_alerts: {
    readonly fingerprint: string;
    readonly name: string;
    readonly labels: string;
    readonly first_at_ms: number;
    readonly last_at_ms: number;
  };
  readonly recovery_runs: {
    readonly id: string;
    readonly fingerprint: string;
    readonly final: number;
    readonly proposed_at_ms: number;
    readonly changed_at_ms: number;
    readonly run: string;
  };
  readonly rule_alerts: { readonly rule_key: string; readonly alerts: string };
  readonly settings: { readonly key: string; readonly value: string };
  /** `alerts`: so many `postedLine`s, one below the other, in UTF-8. */
  readonly posted_log: {
    readonly id: Generated<number>;
    readonly lines: number;
    readonly alerts: Uint8Array;
  };
  readonly silences: { readonly id: string; readonly ends_at_ms: number; readonly silence: string };
}

/** In the order of their numbers, which stand in databases: a new one comes at the end. */
const STAGES: readonly JournalStage[] = [
  ...(['collect', 'rule', 'route', 'inhibition', 'silence', 'group', 'notify', 'recovery'] as const),
  ...(['config', 'storage', 'system'] as const),
];

/** Bits of a set of stages: room for some more. */
export const STAGE_BITS = 2 ** 11;

export function stageNumber(stage: JournalStage): number {
  const number = STAGES.indexOf(stage);
  assert(number >= 0, 'each stage has its number');
  return number;
}

/** A statement, or what no statement can do. */
export type MigrationStep = string | { readonly run: 'pack_journal' };

/** Entry i brings version i to version i + 1; the version stands in SQLite's user_version. */
export const MIGRATIONS: readonly (readonly MigrationStep[])[] = [
  [
    // AUTOINCREMENT: a number is never used again, not even after the newest events were deleted.
    `CREATE TABLE journal (
      seq INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, stage TEXT NOT NULL, subject TEXT NOT NULL,
      alerts TEXT NOT NULL, verdict TEXT NOT NULL, reason TEXT NOT NULL, evidence TEXT NOT NULL,
      effects TEXT NOT NULL, config_version TEXT NOT NULL, repeats INTEGER NOT NULL, last_at_ms INTEGER NOT NULL)`,
    'CREATE INDEX journal_by_subject ON journal (subject, stage, seq)',
    'CREATE INDEX journal_by_last ON journal (last_at_ms)',
    `CREATE TABLE journal_alerts (
      fingerprint TEXT NOT NULL, seq INTEGER NOT NULL REFERENCES journal (seq) ON DELETE CASCADE,
      PRIMARY KEY (fingerprint, seq)) WITHOUT ROWID`,
    'CREATE INDEX journal_alerts_by_seq ON journal_alerts (seq)',
    `CREATE TABLE notification_log (
      group_key TEXT NOT NULL, receiver TEXT NOT NULL, entry TEXT NOT NULL, expires_at_ms INTEGER NOT NULL,
      PRIMARY KEY (group_key, receiver)) WITHOUT ROWID`,
    `CREATE TABLE deliveries (
      job_id TEXT PRIMARY KEY, intent TEXT NOT NULL, outcome TEXT, at_ms INTEGER NOT NULL) WITHOUT ROWID`,
    'CREATE INDEX deliveries_open ON deliveries (at_ms) WHERE outcome IS NULL',
    `CREATE TABLE recovery_runs (
      id TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, final INTEGER NOT NULL, proposed_at_ms INTEGER NOT NULL,
      changed_at_ms INTEGER NOT NULL, run TEXT NOT NULL) WITHOUT ROWID`,
    'CREATE INDEX recovery_runs_by_time ON recovery_runs (proposed_at_ms)',
    'CREATE TABLE rule_alerts (rule_key TEXT PRIMARY KEY, alerts TEXT NOT NULL) WITHOUT ROWID',
    'CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID',
  ],
  [
    `CREATE TABLE posted_alerts (
      fingerprint TEXT PRIMARY KEY, ends_at_ms INTEGER NOT NULL, alert TEXT NOT NULL) WITHOUT ROWID`,
    'CREATE TABLE silences (id TEXT PRIMARY KEY, ends_at_ms INTEGER NOT NULL, silence TEXT NOT NULL) WITHOUT ROWID',
  ],
  [
    // The delivery log: what a search asks for stands in columns of its own.
    "ALTER TABLE deliveries ADD COLUMN receiver TEXT NOT NULL DEFAULT ''",
    'ALTER TABLE deliveries ADD COLUMN started_ms INTEGER NOT NULL DEFAULT 0',
    "ALTER TABLE deliveries ADD COLUMN verdict TEXT NOT NULL DEFAULT 'under_way'",
    'ALTER TABLE deliveries ADD COLUMN attempts INTEGER',
    'ALTER TABLE deliveries ADD COLUMN delivered_by TEXT',
    `UPDATE deliveries SET receiver = json_extract(intent, '$.receiver'), started_ms = json_extract(intent, '$.atMs'),
      verdict = CASE
        WHEN outcome IS NULL THEN 'under_way'
        WHEN json_extract(outcome, '$.kind') <> 'drop' THEN json_extract(outcome, '$.kind')
        WHEN json_extract(outcome, '$.reason') IN ('superseded', 'interrupted') THEN json_extract(outcome, '$.reason')
        ELSE 'undelivered' END`,
    'CREATE INDEX deliveries_by_start ON deliveries (started_ms)',
    `CREATE TABLE known_alerts (
      fingerprint TEXT PRIMARY KEY, name TEXT NOT NULL, labels TEXT NOT NULL, first_at_ms INTEGER NOT NULL,
      last_at_ms INTEGER NOT NULL) WITHOUT ROWID`,
    'CREATE INDEX known_alerts_by_name ON known_alerts (name, last_at_ms)',
    // What the journal of an earlier version has to say; the latest labels of each.
    `INSERT INTO known_alerts (fingerprint, name, labels, first_at_ms, last_at_ms)
      SELECT json_extract(subject, '$.fingerprint'), coalesce(json_extract(evidence, '$.labels.alertname'), ''),
        json_extract(evidence, '$.labels'), min(at_ms), max(last_at_ms)
      FROM journal
      WHERE json_extract(subject, '$.kind') = 'alert' AND json_type(evidence, '$.labels') = 'object'
      GROUP BY json_extract(subject, '$.fingerprint')`,
  ],
  [
    // Subjects are long (the key of a group has all its labels), and an index of them was a third of the database.
    'ALTER TABLE journal ADD COLUMN subject_key INTEGER',
    'DROP INDEX journal_by_subject',
    'CREATE INDEX journal_by_subject ON journal (subject_key, stage, seq) WHERE subject_key IS NOT NULL',
    'CREATE INDEX journal_by_old_subject ON journal (subject, stage, seq) WHERE subject_key IS NULL',
  ],
  [
    // Events in batches: a row and five entries of indices for each event was most of the work of a storm of alerts.
    `CREATE TABLE journal_batches (
      batch INTEGER PRIMARY KEY, last_seq INTEGER NOT NULL, events INTEGER NOT NULL, first_at_ms INTEGER NOT NULL,
      least_last_ms INTEGER NOT NULL, last_at_ms INTEGER NOT NULL, stages INTEGER NOT NULL)`,
    `CREATE TABLE journal_texts (
      batch INTEGER PRIMARY KEY REFERENCES journal_batches (batch) ON DELETE CASCADE, events BLOB NOT NULL)`,
    `CREATE TABLE journal_keys (
      key INTEGER NOT NULL, batch INTEGER NOT NULL, stages INTEGER NOT NULL, PRIMARY KEY (key, batch)) WITHOUT ROWID`,
    `CREATE TABLE journal_repeats (
      seq INTEGER PRIMARY KEY, repeats INTEGER NOT NULL, last_at_ms INTEGER NOT NULL, alerts TEXT)`,
    'CREATE TABLE journal_mark (id INTEGER PRIMARY KEY CHECK (id = 0), seq INTEGER NOT NULL)',
    "INSERT INTO journal_mark SELECT 0, coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'journal'), 0)",
    { run: 'pack_journal' },
    'DROP TABLE journal_alerts',
    'DROP TABLE journal',
  ],
  [
    // As a log: each of many alerts that were posted together changed a page of its own.
    'CREATE TABLE posted_log (id INTEGER PRIMARY KEY, lines INTEGER NOT NULL, alerts BLOB NOT NULL)',
    `INSERT INTO posted_log (lines, alerts)
      SELECT count(*), CAST(group_concat(fingerprint || char(9) || ends_at_ms || char(9) || alert, char(10)) AS BLOB)
      FROM posted_alerts HAVING count(*) > 0`,
    'DROP TABLE posted_alerts',
  ],
];

export const STATE_VERSION = MIGRATIONS.length;
