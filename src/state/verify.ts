// Looks a database file through, and saves what can be saved of a damaged one. Knows no table by its name, so that any version's
// will do. Synchronous: for commands that run once.

import { isUtf8 } from 'node:buffer';
import { err, ok, type Result } from '../base/index.ts';
import type { OpenFailure } from './engine.ts';
import { STATE_VERSION } from './schema.ts';
import { openPlain, type PlainDatabase } from './sqlite.ts';

export interface StateProblem {
  readonly code: 'state-damaged' | 'state-newer' | 'state-io';
  /** A sentence for people. */
  readonly message: string;
}

/** Problems listed of one file; SQLite can find very many. */
const LISTED_MAX = 20;

/** The file must exist. Another process may have it open: what it commits meanwhile is seen or not. */
export function verifyStateFile(path: string): readonly StateProblem[] {
  return withDatabase<readonly StateProblem[]>(
    path,
    database => {
      const found = [...integrityOf(database), ...foreignKeysOf(database)];
      return [
        ...found,
        // Of a file that is known to be damaged not all rows can be read.
        ...(found.length === 0 ? damagedTextsOf(database) : []),
        ...newerThanThis(Number(database.rows('PRAGMA user_version')[0]?.['user_version'] ?? 0)),
      ];
    },
    cause => [{ code: isDamage(cause) ? 'state-damaged' : 'state-io', message: `Cannot read it: ${cause}` }],
  );
}

function newerThanThis(version: number): readonly StateProblem[] {
  if (version <= STATE_VERSION) return [];
  const message = `It has version ${version}, this program knows up to ${STATE_VERSION}`;
  return [{ code: 'state-newer', message }];
}

function integrityOf(database: PlainDatabase): readonly StateProblem[] {
  return database
    .rows(`PRAGMA integrity_check(${LISTED_MAX})`)
    .flatMap(row => Object.values(row).map(String))
    .filter(text => text !== 'ok')
    .map(message => ({ code: 'state-damaged', message }));
}

function foreignKeysOf(database: PlainDatabase): readonly StateProblem[] {
  const orphans = new Map<string, number>();
  for (const { table, parent } of database.rows('PRAGMA foreign_key_check')) {
    const between = `"${String(table)}" name rows of "${String(parent)}"`;
    orphans.set(between, (orphans.get(between) ?? 0) + 1);
  }
  return [...orphans].map(([between, count]) => ({
    code: 'state-damaged',
    message: `${count} rows of ${between} that are not there`,
  }));
}

/** SQLite does not look into what it stores: long texts are stored as bytes, which are UTF-8 where they are whole. */
function damagedTextsOf(database: PlainDatabase): readonly StateProblem[] {
  return database
    .rows("SELECT name FROM sqlite_schema WHERE type = 'table'")
    .map(({ name }) => String(name))
    .flatMap(table => {
      let count = 0;
      for (const { name, type } of database.rows(`PRAGMA table_info(${quotedName(table)})`)) {
        if (type !== 'BLOB') continue;
        database.each(`SELECT ${quotedName(String(name))} FROM ${quotedName(table)}`, values => {
          if (hasDamagedText(values)) count++;
        });
      }
      const message = `${count} rows of "${table}" have texts that are damaged`;
      return count === 0 ? [] : [{ code: 'state-damaged' as const, message }];
    });
}

function hasDamagedText(values: readonly unknown[]): boolean {
  return values.some(value => value instanceof Uint8Array && !isUtf8(value));
}

/** Makes what only the indices have wrong right again, in place; true where nothing is wrong afterwards. */
export function reindexStateFile(path: string): boolean {
  const done = withDatabase(
    path,
    database => {
      database.exec('REINDEX');
      return true;
    },
    () => false,
  );
  return done && verifyStateFile(path).length === 0;
}

/** Why not all rows of a table could be read, by its name; an empty map where all could. */
export type LostRows = ReadonlyMap<string, string>;

/** Copies what can be read of a damaged file into a new one, table by table. */
export function salvageStateFile(from: string, to: string): Result<LostRows, OpenFailure> {
  const failed = (cause: string): Result<LostRows, OpenFailure> =>
    err({ code: 'state-io', message: `Cannot save anything of "${from}": ${cause}` });
  return withDatabase(from, damaged => withDatabase(to, saved => copyAll(damaged, saved), failed), failed);
}

function copyAll(damaged: PlainDatabase, saved: PlainDatabase): Result<LostRows, OpenFailure> {
  // Whoever puts the copy to use syncs it first.
  saved.exec('PRAGMA foreign_keys = OFF; PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY');
  const parts = damaged
    .rows('SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL')
    .map(({ type, name, sql }) => ({ type, name: String(name), sql: String(sql) }));
  const named = parts.filter(({ name }) => !name.startsWith('sqlite_'));
  const tables = named.filter(({ type }) => type === 'table');
  const lost = new Map<string, string>();
  for (const { name, sql } of tables) {
    saved.exec(sql);
    const left = copyTable(damaged, saved, name);
    if (left !== undefined) lost.set(name, left);
  }
  for (const { name } of tables) dropOrphans(saved, name);
  // A number of a row is never used again, whatever became of the row; where a table wants that, the copy keeps them, too.
  if (saved.rows("SELECT name FROM sqlite_schema WHERE name = 'sqlite_sequence'").length > 0) {
    saved.exec('DELETE FROM sqlite_sequence');
    copyTable(damaged, saved, 'sqlite_sequence');
  }
  for (const { type, sql } of named) if (type !== 'table') saved.exec(sql);
  const version = Number(damaged.rows('PRAGMA user_version')[0]?.['user_version'] ?? 0);
  saved.exec(`PRAGMA user_version = ${version}`);
  return ok(lost);
}

/** What stopped the reading; undefined where all rows are in the copy. From the front, and where that stops from the back. */
function copyTable(damaged: PlainDatabase, saved: PlainDatabase, name: string): string | undefined {
  const table = quotedName(name);
  // Of the copy: it has the same columns, and is sound.
  const columns = saved.rows(`PRAGMA table_info(${table})`);
  const places = columns.map(() => '?').join(', ');
  saved.exec('BEGIN');
  const insert = saved.statement(`INSERT OR IGNORE INTO ${table} VALUES (${places})`);
  let unreadable = 0;
  const keep = (values: readonly unknown[]): void => {
    if (hasDamagedText(values)) unreadable++;
    else insert(values);
  };
  const all = `SELECT * FROM ${table} NOT INDEXED`;
  const stopped = attempt(() => damaged.each(all, keep));
  if (stopped !== undefined) {
    const key = columns.filter(({ pk }) => Number(pk) > 0).sort((a, b) => Number(a['pk']) - Number(b['pk']));
    const order = key.length === 0 ? ['rowid'] : key.map(column => quotedName(String(column['name'])));
    const back = order.map(one => `${one} DESC`).join(', ');
    attempt(() => damaged.each(`${all} ORDER BY ${back}`, keep));
  }
  saved.exec('COMMIT');
  if (stopped === undefined && unreadable === 0) return undefined;
  const count = Number(saved.rows(`SELECT count(*) AS count FROM ${table}`)[0]?.['count'] ?? 0);
  return `${count} rows are saved, and no more since ${stopped ?? `the texts of ${unreadable} are damaged`}`;
}

/** Rows that name rows which were lost. */
function dropOrphans(saved: PlainDatabase, name: string): void {
  for (const key of saved.rows(`PRAGMA foreign_key_list(${quotedName(name)})`)) {
    const [column, parent, named] = [key['from'], key['table'], key['to']].map(part =>
      quotedName(String(part)),
    );
    saved.exec(`DELETE FROM ${quotedName(name)} WHERE ${column} NOT IN (SELECT ${named} FROM ${parent})`);
  }
}

/** Why it did not go; undefined where it did. */
function attempt(work: () => void): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    return causeOf(error);
  }
}

function quotedName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function isDamage(cause: string): boolean {
  return /malformed|not a database|corrupt/i.test(cause);
}

function causeOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function withDatabase<T>(
  path: string,
  work: (database: PlainDatabase) => T,
  failed: (cause: string) => T,
): T {
  let database: PlainDatabase | undefined;
  try {
    database = openPlain(path);
    return work(database);
  } catch (error) {
    return failed(causeOf(error));
  } finally {
    try {
      database?.close();
    } catch {
      // A damaged file cannot always be closed in order either: what was asked has been answered.
    }
  }
}
