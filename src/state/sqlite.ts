// SQLite through libsql: the only file that imports it.

import Libsql from 'libsql';
import type { Connection } from './connection.ts';

/** How long to wait for another connection's lock (a backup tool reading the file) before an operation fails. */
const BUSY_TIMEOUT_MS = 5000;

/** Opens or creates the file. Throws what SQLite says, for database.ts to translate. */
export function openSqlite(path: string): Connection {
  const database = new Libsql(path);
  // WAL: readers never wait, and a commit is one append. FULL: each commit of a group is synced before it returns.
  // The log goes into the database when it has 16 MB, not SQLite's 4: in a storm most pages change several times, and each is
  // moved once.
  for (const pragma of [
    'journal_mode = WAL',
    'synchronous = FULL',
    'foreign_keys = ON',
    'wal_autocheckpoint = 4000',
  ]) {
    database.exec(`PRAGMA ${pragma}`);
  }
  database.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
  // The texts of the queries are a small fixed set (queries.ts), so this cannot grow without bound.
  const statements = new Map<string, { readonly statement: Libsql.Statement; readonly isReader: boolean }>();
  const prepared = (sql: string) => {
    const known = statements.get(sql);
    if (known !== undefined) return known;
    const statement = database.prepare(sql);
    const made = { statement, isReader: statement.reader };
    statements.set(sql, made);
    return made;
  };
  return {
    all: query => {
      const { statement, isReader } = prepared(query.sql);
      if (isReader) return statement.all(query.parameters) as never;
      statement.run(query.parameters);
      return [];
    },
    first: query => prepared(query.sql).statement.get(query.parameters) as never,
    exec: sql => {
      database.exec(sql);
    },
    userVersion: () => {
      const row = database.prepare('PRAGMA user_version').get() as { readonly user_version: number };
      return row.user_version;
    },
    close: () => {
      statements.clear();
      database.close();
    },
  };
}

/** A database as it is: nothing is set or brought to a version. Its methods throw what SQLite says. */
export interface PlainDatabase {
  rows(sql: string): readonly Readonly<Record<string, unknown>>[];
  /** The values of one row after the other, as they come: those before damage are given before it throws. */
  each(sql: string, take: (values: readonly unknown[]) => void): void;
  /** Prepared once, to be called with the values of each row. */
  statement(sql: string): (values: readonly unknown[]) => void;
  exec(sql: string): void;
  close(): void;
}

/** The file must exist: it would be created else. */
export function openPlain(path: string): PlainDatabase {
  const database = new Libsql(path);
  database.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
  return {
    // Without the names of columns there would be no rows: SQLite gives objects.
    rows: sql => database.prepare(sql).all() as never,
    each: (sql, take) => {
      // Whole numbers as they are: they may be larger than a JavaScript number can tell.
      for (const row of database.prepare(sql).safeIntegers(true).raw(true).iterate()) take(row as never);
    },
    statement: sql => {
      const prepared = database.prepare(sql);
      return values => void prepared.run([...values]);
    },
    exec: sql => {
      database.exec(sql);
    },
    close: () => {
      database.close();
    },
  };
}
