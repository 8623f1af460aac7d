// Opens the database file and brings it to this version; runs in the worker, or in place in tests.

import { err, ok, type Result } from '../base/index.ts';
import type { Connection } from './connection.ts';
import { migrate, StateDatabase } from './database.ts';
import type { DatabaseSettings, OpenFailure } from './engine.ts';
import { openSqlite } from './sqlite.ts';

export function openDatabase(settings: DatabaseSettings): Result<StateDatabase, OpenFailure> {
  let connection: Connection | undefined;
  try {
    connection = openSqlite(settings.path);
    const migrated = migrate(connection, settings.path);
    if (migrated.ok) return ok(new StateDatabase(connection, settings.journalEventsMax));
    connection.close();
    return migrated;
  } catch (error) {
    connection?.close();
    const cause = error instanceof Error ? error.message : String(error);
    return err({ code: 'state-io', message: `Cannot open the state database "${settings.path}": ${cause}` });
  }
}
