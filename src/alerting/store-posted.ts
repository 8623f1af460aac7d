// Posted alerts in the store: they stand until their end, and are kept over a restart.

import { labelsEqual, labelValue, type PostedRecord } from '../model/index.ts';
import { type Accepted, alertOfPosted, mergePosted } from './posted.ts';
import {
  type DispatchEffect,
  type DispatchInput,
  type DispatchState,
  START_WAIT_MS_MAX,
  type StoredAlert,
} from './state.ts';
import { takeWord } from './store.ts';

export function applyPosted(
  state: DispatchState,
  input: DispatchInput & { readonly kind: 'posted' },
  nowMs: number,
): DispatchEffect[] {
  const effects: DispatchEffect[] = [];
  for (const record of input.records) {
    if (input.restored === true) restore(state, record, { nowMs, effects });
    else applyRecord(state, record, { nowMs, effects });
  }
  return effects;
}

interface At {
  readonly nowMs: number;
  readonly effects: DispatchEffect[];
}

function applyRecord(state: DispatchState, next: PostedRecord, { nowMs, effects }: At): void {
  const before = state.alerts.get(next.fingerprint);
  const record = mergePosted(before?.posted, next, nowMs);
  const stored = before?.byRule === true ? before : takePosted(state, record, { nowMs, effects });
  if (stored === undefined) return;
  const isNews = mustSave(stored, record, nowMs);
  note(state, stored, record);
  if (!isNews) return;
  stored.savedEndMs = record.endsAtMs;
  effects.push({ kind: 'write', write: { kind: 'posted_alert', alert: record } });
}

/**
 * An alert of before the restart. Whoever posts it did not reach us meanwhile, and the last posts may have moved its end without
 * being written (see `mustSave`): it is not taken for resolved before there was time to post again. One that ended before was
 * written down as such.
 */
function restore(state: DispatchState, record: PostedRecord, at: At): void {
  const endedBefore = record.endsAtMs <= record.updatedAtMs;
  const earliestMs = at.nowMs + START_WAIT_MS_MAX;
  const extended =
    endedBefore || record.endsAtMs >= earliestMs
      ? record
      : { ...record, endsAtMs: earliestMs, endIsTimeout: true };
  const stored = takePosted(state, extended, at);
  if (stored === undefined) return;
  note(state, stored, extended);
  stored.savedEndMs = record.endsAtMs;
}

function takePosted(
  state: DispatchState,
  record: PostedRecord,
  { nowMs, effects }: At,
): StoredAlert | undefined {
  const alert = alertOfPosted(record, nowMs);
  const { updatedAtMs: atMs, endsAtMs: validUntilMs } = record;
  return takeWord(state, { alert, byRule: false, atMs, validUntilMs, nowMs }, effects);
}

function note(state: DispatchState, stored: StoredAlert, record: PostedRecord): void {
  stored.posted = record;
  // One entry an alert: when it comes out early, it goes in again at the end that holds by then.
  if (stored.endDueMs !== undefined && stored.endDueMs <= record.endsAtMs) return;
  stored.endDueMs = record.endsAtMs;
  state.ends.push(record.endsAtMs, record.fingerprint);
}

/**
 * Whether the database must hear of it. An alert that is posted again and again only moves its end: it is written when half of
 * the time that the database knows of is over.
 */
function mustSave(stored: StoredAlert, record: PostedRecord, nowMs: number): boolean {
  const { posted, savedEndMs } = stored;
  if (posted === undefined || savedEndMs === undefined) return true;
  if (record.startsAtMs !== posted.startsAtMs || record.endsAtMs < savedEndMs) return true;
  if (!labelsEqual(record.annotations, posted.annotations)) return true;
  return savedEndMs - nowMs < (record.endsAtMs - nowMs) / 2;
}

/** Ends what nobody posted again in time. */
export function endPosted(state: DispatchState, nowMs: number): DispatchEffect[] {
  const effects: DispatchEffect[] = [];
  for (let due = state.ends.pop(nowMs); due !== undefined; due = state.ends.pop(nowMs)) {
    const stored = state.alerts.get(due.key);
    if (stored === undefined || stored.endDueMs !== due.atMs) continue;
    stored.endDueMs = undefined;
    const { posted } = stored;
    if (posted === undefined) continue;
    if (posted.endsAtMs > nowMs) {
      note(state, stored, posted);
      continue;
    }
    // Written down as ended, so that a restart does not wait for its poster.
    const ended = { ...posted, updatedAtMs: Math.max(posted.updatedAtMs, posted.endsAtMs) };
    stored.posted = ended;
    stored.savedEndMs = ended.endsAtMs;
    effects.push({ kind: 'write', write: { kind: 'posted_alert', alert: ended } });
    if (!stored.byRule) takePosted(state, ended, { nowMs, effects });
  }
  return effects;
}

/** Refuses new alerts beyond the limit of their alertname; those that are known may go on, and end. */
export function limitPosted(state: DispatchState, accepted: Accepted): Accepted {
  const { alertsPerNameMax: max } = state.config.limits;
  if (max === 0) return accepted;
  const room = new Map<string, number>();
  const records: PostedRecord[] = [];
  const refused = [...accepted.refused];
  for (const [i, record] of accepted.records.entries()) {
    const name = labelValue(record.labels, 'alertname');
    const left = room.get(name) ?? max - (state.nameCounts.get(name) ?? 0);
    if (!state.alerts.has(record.fingerprint)) {
      if (left <= 0) {
        const reason = `too many alerts named ${JSON.stringify(name)} (limit: ${max})`;
        refused.push({ index: accepted.indices[i] ?? i, reason });
        continue;
      }
      room.set(name, left - 1);
    }
    records.push(record);
  }
  return { records, refused, accepted: records.length, indices: [] };
}
