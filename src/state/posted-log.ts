// Posted alerts as a log: who posts many waits for one row of them, and for pages that lie side by side, where a row for each
// would change a page for each. The last word on an alert counts; the log is written anew when most of it is old words.

import { assert } from '../base/index.ts';
import type { PostedRecord } from '../model/index.ts';
import { bytesOf, readBytes } from './bytes.ts';
import { decode, encode } from './codec.ts';
import type { Connection } from './connection.ts';
import type { StateQueries } from './queries.ts';

/** Of a row that is written anew. */
const LINES_A_ROW = 1000;
/** Old words that may stand in the log, if there are not more alerts than that: so many are soon read. */
const OLD_LINES_MAX = 20_000;

/** Fingerprint, end and the record as JSON, in which there are neither tabs nor ends of lines. */
export function postedLine(record: PostedRecord): string {
  return `${record.fingerprint}\t${record.endsAtMs}\t${encode(record)}`;
}

interface Line {
  readonly fingerprint: string;
  readonly endsAtMs: number;
  readonly text: string;
}

/** Owns the count of lines. */
export class PostedLog {
  readonly #connection: Connection;
  readonly #queries: StateQueries;
  /** When it was last written anew, and since; undefined when they must be counted. */
  #lines: { kept: number; since: number } | undefined;

  constructor(connection: Connection, queries: StateQueries) {
    this.#connection = connection;
    this.#queries = queries;
  }

  append(lines: readonly string[]): void {
    const counted = this.#counted();
    this.#insert(lines);
    counted.since += lines.length;
    if (counted.since > Math.max(OLD_LINES_MAX, counted.kept))
      this.#writeAnew(readLines(this.#connection, this.#queries));
  }

  /** Drops those that ended before. */
  expire(endedBeforeMs: number): void {
    const lines = readLines(this.#connection, this.#queries);
    for (const [fingerprint, { endsAtMs }] of lines) if (endsAtMs < endedBeforeMs) lines.delete(fingerprint);
    this.#writeAnew(lines);
  }

  /** After a transaction that was undone. */
  reset(): void {
    this.#lines = undefined;
  }

  #counted(): { kept: number; since: number } {
    this.#lines ??= { kept: 0, since: this.#connection.first(this.#queries.countPosted())?.lines ?? 0 };
    return this.#lines;
  }

  #writeAnew(lines: ReadonlyMap<string, Line>): void {
    this.#connection.all(this.#queries.dropPosted());
    const texts = [...lines.values()].map(line => line.text);
    for (let at = 0; at < texts.length; at += LINES_A_ROW) this.#insert(texts.slice(at, at + LINES_A_ROW));
    this.#lines = { kept: texts.length, since: 0 };
  }

  #insert(lines: readonly string[]): void {
    this.#connection.all(
      this.#queries.appendPosted({ lines: lines.length, alerts: bytesOf(lines.join('\n')) }),
    );
  }
}

/** By fingerprint. */
export function postedAlerts(connection: Connection, queries: StateQueries): readonly PostedRecord[] {
  const lines = [...readLines(connection, queries).values()];
  lines.sort((a, b) => (a.fingerprint < b.fingerprint ? -1 : 1));
  return lines.map(({ text }) => decode(text.slice(text.lastIndexOf('\t') + 1)));
}

function readLines(connection: Connection, queries: StateQueries): Map<string, Line> {
  const lines = new Map<string, Line>();
  // What was lost with a page of the file is posted again.
  for (const { alerts } of connection.all(queries.postedRows()))
    for (const text of readBytes(alerts, whole => whole.split('\n')) ?? []) {
      const [fingerprint = '', endsAt = ''] = text.split('\t', 2);
      const endsAtMs = Number(endsAt);
      assert(
        fingerprint !== '' && Number.isFinite(endsAtMs),
        'a line of a posted alert names it and its end',
      );
      lines.set(fingerprint, { fingerprint, endsAtMs, text });
    }
  return lines;
}
