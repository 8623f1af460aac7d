// Events of the journal as they stand in a batch: a list of lists in JSON, [seq, time, stage, subject, alerts, verdict, reason,
// evidence, effects, configuration].

import type { JournalEvent, JournalSubject, StoredJournalEvent } from '../model/index.ts';
import { decode, encode } from './codec.ts';
import { identityOf, keyOf } from './keys.ts';

/** Without its number, which the database gives. */
export function eventText(event: JournalEvent): string {
  const { atMs, stage, subject, alerts, verdict, reason, evidence, effects, configVersion } = event;
  return encode([atMs, stage, subject, alerts, verdict, reason, evidence, effects, configVersion]);
}

/** Of a batch: `events` are texts with their numbers. */
export function batchText(events: readonly { readonly seq: number; readonly text: string }[]): string {
  return `[${events.map(({ seq, text }) => `[${seq},${text.slice(1)}`).join()}]`;
}

type Written = readonly [
  seq: number,
  atMs: number,
  stage: StoredJournalEvent['stage'],
  subject: JournalSubject,
  alerts: readonly string[],
  verdict: string,
  reason: string,
  evidence: StoredJournalEvent['evidence'],
  effects: StoredJournalEvent['effects'],
  configVersion: string,
];

/** In their order, without repeats. */
export function eventsOf(text: string): readonly StoredJournalEvent[] {
  return decode<readonly Written[]>(text).map(
    ([seq, atMs, stage, subject, alerts, verdict, reason, evidence, effects, configVersion]) => ({
      ...{ seq, atMs, stage, subject, alerts, verdict, reason, evidence, effects, configVersion },
      repeats: 0,
      lastAtMs: atMs,
    }),
  );
}

/** Of an `eventText`. */
export function alertsIn(text: string): readonly string[] {
  return eventsOf(batchText([{ seq: 0, text }]))[0]?.alerts ?? [];
}

/** What an event that repeats this one has in common with it, beside stage and subject: see `repeatsEvent`. */
export function identityOfEvent({ verdict, reason, effects }: JournalEvent): number {
  return identityOf([verdict, reason, effects]);
}

/** An alert has one key, whether an event is about it or lists it. */
export function subjectKey(subject: JournalSubject): number {
  switch (subject.kind) {
    case 'alert':
      return keyOf(subject.fingerprint);
    case 'group':
      return keyOf(`group ${subject.groupKey}`);
    default:
      return keyOf(JSON.stringify(subject));
  }
}

export function alertKeys(fingerprints: readonly string[]): readonly number[] {
  return fingerprints.map(keyOf);
}
