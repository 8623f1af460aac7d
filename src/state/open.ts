// Opens the state: in a worker thread (thread.ts) for the program, in place where there is no built worker file.

import { type Clock, err, ok, type Result } from '../base/index.ts';
import type { StateStore } from '../model/index.ts';
import type { OpenFailure, StateEngine } from './engine.ts';
import { openDatabase } from './open-database.ts';
import { commitPacked } from './pack-group.ts';
import { GroupingStore } from './store.ts';
import type { StateThread } from './thread.ts';

/** Some 400 MB of journal at 400 bytes an event; months of a busy system. */
export const JOURNAL_EVENTS_MAX = 1_000_000;

export interface OpenStateOptions {
  /** The database file; its folder must exist. SQLite puts two more files beside it. */
  readonly path: string;
  readonly clock: Clock;
  readonly journalEventsMax?: number;
}

/** The state with its database in a thread of its own: what the program uses. */
export async function openState(
  thread: StateThread,
  options: OpenStateOptions,
): Promise<Result<StateStore, OpenFailure>> {
  const engine = await thread.open(settingsOf(options));
  return engine.ok ? ok(new GroupingStore(engine.value, options.clock)) : engine;
}

/** The same with the database in the caller's thread, which waits while it syncs: for commands that run once, and tests. */
export async function openStateInPlace(options: OpenStateOptions): Promise<Result<StateStore, OpenFailure>> {
  const database = openDatabase(settingsOf(options));
  if (!database.ok) return err(database.error);
  const engine: StateEngine = {
    commit: group => commitPacked(group, async commits => database.value.commit(commits)),
    read: async (kind, ask) => database.value.read(kind, ask),
    backup: async path => database.value.backup(path),
    close: async () => database.value.close(),
  };
  return ok(new GroupingStore(engine, options.clock));
}

function settingsOf(options: OpenStateOptions) {
  return { path: options.path, journalEventsMax: options.journalEventsMax ?? JOURNAL_EVENTS_MAX };
}
