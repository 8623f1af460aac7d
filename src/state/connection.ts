// One connection to an SQL database, synchronous: what database.ts needs and sqlite.ts gives.

import type { CompiledQuery } from 'kysely';

/** Every method throws what the database throws; database.ts turns it into a coded failure. */
export interface Connection {
  /** Runs a built query and answers its rows. The row type is that of the query. */
  all<Row>(query: CompiledQuery<Row>): readonly Row[];
  /** Inserts a row into a table with a number for a key, and answers that. */
  insert(query: CompiledQuery): number;
  /** Runs plain statements: transactions, pragmas, migrations. */
  exec(sql: string): void;
  userVersion(): number;
  close(): void;
}
