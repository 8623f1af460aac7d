// One connection to an SQL database, synchronous: what database.ts needs and sqlite.ts gives.

import type { CompiledQuery } from 'kysely';

/** Every method throws what the database throws; database.ts turns it into a coded failure. */
export interface Connection {
  /** Runs a built query and answers its rows. The row type is that of the query. */
  all<Row>(query: CompiledQuery<Row>): readonly Row[];
  /** The first row alone: cheaper where there is one at most. */
  first<Row>(query: CompiledQuery<Row>): Row | undefined;
  /** Runs plain statements: transactions, pragmas, migrations. */
  exec(sql: string): void;
  userVersion(): number;
  close(): void;
}
