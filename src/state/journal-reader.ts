// Answers what is asked of the journal: looks batch by batch, in the order asked for, until enough is found.

import type { JournalFilter, StoredJournalEvent } from '../model/index.ts';
import type { Connection } from './connection.ts';
import { subjectKey } from './event-text.ts';
import { JournalBatches } from './journal-batches.ts';
import { keyOf } from './keys.ts';
import type { StateQueries } from './queries.ts';
import { stageNumber } from './schema.ts';

/** Rows of batches that are asked for at once. */
const BATCHES_AT_ONCE = 100;

export function findEvents(
  connection: Connection,
  queries: StateQueries,
  filter: JournalFilter,
): readonly StoredJournalEvent[] {
  const { fingerprint, stage, subject, newestFirst, limit } = filter;
  const batches = new JournalBatches(connection, queries);
  const found: StoredJournalEvent[] = [];
  const fits = fitting(filter);
  let behind: number | undefined;
  for (;;) {
    const rows = connection.all(
      queries.findBatches({
        ...filter,
        key: keyAsked(fingerprint, subject),
        stages: stage === undefined ? undefined : 1 << stageNumber(stage),
        behind,
        limit: BATCHES_AT_ONCE,
      }),
    );
    for (const row of rows) {
      const events = batches.read(row).filter(fits);
      found.push(...(newestFirst ? events.reverse() : events));
      if (found.length >= limit) return found.slice(0, limit);
    }
    behind = rows.at(-1)?.batch;
    if (rows.length < BATCHES_AT_ONCE) return found;
  }
}

/** An alert is mentioned in fewer batches than any other subject. */
function keyAsked(fingerprint: string | undefined, subject: JournalFilter['subject']): number | undefined {
  if (fingerprint !== undefined) return keyOf(fingerprint);
  return subject === undefined ? undefined : subjectKey(subject);
}

function fitting(filter: JournalFilter): (event: StoredJournalEvent) => boolean {
  const { fingerprint, stage, fromMs, toMs, afterSeq, beforeSeq } = filter;
  const subject = filter.subject === undefined ? undefined : JSON.stringify(filter.subject);
  return event =>
    (fingerprint === undefined || isAbout(event, fingerprint)) &&
    (stage === undefined || event.stage === stage) &&
    (subject === undefined || JSON.stringify(event.subject) === subject) &&
    // An event with repeats spans the time from the first to the last of them.
    (fromMs === undefined || event.lastAtMs >= fromMs) &&
    (toMs === undefined || event.atMs <= toMs) &&
    (afterSeq === undefined || event.seq > afterSeq) &&
    (beforeSeq === undefined || event.seq < beforeSeq);
}

function isAbout({ alerts, subject }: StoredJournalEvent, fingerprint: string): boolean {
  return alerts.includes(fingerprint) || (subject.kind === 'alert' && subject.fingerprint === fingerprint);
}
