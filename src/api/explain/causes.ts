// From what is known of an alert at a time to the causes: why it is as it is, and of each receiver why it was told or not.

import { formatDuration } from '../../base/index.ts';
import {
  type AbsenceCause,
  type DeliveryRecord,
  readWhy,
  type StoredJournalEvent,
} from '../../model/index.ts';
import type { CauseCode, CauseJson } from '../contract-explain.ts';
import type { Suppression } from '../deps.ts';
import { type AlertHistory, groupKeysOf, textsOf } from './history.ts';
import { causeOf } from './words.ts';

/** The words of dispatch that keep an alert from a receiver. */
const KEPT_BACK: ReadonlyMap<string, CauseCode> = new Map([
  ['inhibited', 'inhibited'],
  ['silenced', 'silenced'],
  ['muted', 'muted'],
  ['held', 'held'],
]);

/** `live`: what keeps it back now, where it is asked for now; a change since the last flush of its group is not journaled yet. */
export function causesOf(history: AlertHistory, live: Suppression | undefined): readonly CauseJson[] {
  const { state } = history;
  if (state === undefined) return [];
  switch (state.verdict) {
    case 'pending':
      return [...missingData(state), pendingCause(state)];
    case 'inactive':
      return [isGone(state) ? goneCause(state) : ofRule('pending_given_up', state)];
    case 'resolved':
      return [isGone(state) ? goneCause(state) : endedCause(state), ...receiverCauses(history, live)];
    default:
      return [...receiverCauses(history, live), ...missingData(state), ...ruleNotes(history, state)];
  }
}

// --- the alert itself --------------------------------------------------------------------------------

/** A cause whose reason is what the rule said. */
function ofRule(
  code: CauseCode,
  state: StoredJournalEvent,
  params: Readonly<Record<string, number>> = {},
): CauseJson {
  const why = readWhy(state.evidence['why']);
  const cause = causeOf(code, null, { ...params, reason: state.reason });
  return why === undefined ? cause : { ...cause, why };
}

/** Not among them: what tells that the alert is over. */
const MISSING: ReadonlySet<unknown> = new Set<AbsenceCause>([
  'target_silent',
  'not_knowable',
  'recorded',
  'restarted',
  'settling',
]);

/** A pending or firing alert whose data is missing says so too: it stays what it is, or counts the missing as its condition. */
function missingData(state: StoredJournalEvent): readonly CauseJson[] {
  const isMissing = state.verdict === 'unknown' || MISSING.has(state.evidence['cause']);
  return isMissing ? [ofRule('no_data', state)] : [];
}

function pendingCause(state: StoredJournalEvent): CauseJson {
  const activeAtMs = numberOf(state, 'activeAtMs') ?? state.atMs;
  const forMs = numberOf(state, 'forMs') ?? 0;
  return causeOf('pending', null, {
    activeAtMs,
    for: formatDuration(forMs),
    firesAtMs: activeAtMs + forMs,
  });
}

function isGone(state: StoredJournalEvent): boolean {
  return state.evidence['cause'] === 'target_gone';
}

function goneCause(state: StoredJournalEvent): CauseJson {
  return ofRule('target_gone', state, { endedAtMs: state.atMs });
}

function endedCause(state: StoredJournalEvent): CauseJson {
  return ofRule('ended', state, { endedAtMs: state.atMs });
}

function ruleNotes(history: AlertHistory, state: StoredJournalEvent): readonly CauseJson[] {
  const notes: CauseJson[] = [];
  if (history.stale !== undefined) notes.push(causeOf('rule_stale', null, {}));
  if (state.reason.includes('keep_firing_for')) notes.push(ofRule('kept_firing', state));
  return notes;
}

// --- each receiver -----------------------------------------------------------------------------------

/** One cause a receiver of the routes that took it. */
function receiverCauses(history: AlertHistory, live: Suppression | undefined): readonly CauseJson[] {
  const { route } = history;
  const receivers = textsOf(route?.evidence['receivers']);
  const keys = groupKeysOf(route);
  return receivers.map((receiver, i) => receiverCause(history, { receiver, groupKey: keys[i] ?? '', live }));
}

interface Way {
  readonly receiver: string;
  readonly groupKey: string;
  readonly live: Suppression | undefined;
}

function receiverCause(history: AlertHistory, way: Way): CauseJson {
  const { receiver } = way;
  const group = history.groups.get(way.groupKey);
  if (group?.reason.includes('has no destination')) return causeOf('no_way_out', receiver, {});
  const deliveries = history.deliveries.filter(({ intent }) => isTo(intent.receiver, receiver));
  const newest = deliveries[0];
  const kept = keptBack(history, way, newest);
  if (kept !== undefined) return kept;
  // What was superseded says nothing: what took its place does.
  const last = deliveries.find(one => one.verdict !== 'superseded');
  if (last === undefined) return withoutMessage(history, way, group);
  return afterMessage(history, { ...way, group, last });
}

function isTo(destination: string, receiver: string): boolean {
  return destination === receiver || destination.startsWith(`${receiver}/`);
}

/** Inhibited, silenced, muted by time, held for recovery: unless it was let through, or told, since. */
function keptBack(
  history: AlertHistory,
  way: Way,
  newest: DeliveryRecord | undefined,
): CauseJson | undefined {
  const note = history.notes.find(event => concerns(event, way));
  const code = note === undefined ? undefined : KEPT_BACK.get(note.verdict);
  if (note !== undefined && code !== undefined && stands(history, note, newest) && isLive(way.live, code))
    return causeOf(code, way.receiver, { sinceAtMs: note.atMs, reason: note.reason });
  if (history.state?.verdict === 'resolved') return undefined;
  return keptBackNow(way);
}

/** A note of an earlier episode, or from before a message, says nothing any more. */
function stands(
  history: AlertHistory,
  note: StoredJournalEvent,
  newest: DeliveryRecord | undefined,
): boolean {
  if (note.lastAtMs < (history.firedAtMs ?? 0)) return false;
  return newest === undefined || newest.intent.atMs <= note.lastAtMs;
}

/** The process that wrote the note may have ended before it could say that the alert was let through. */
function isLive(live: Suppression | undefined, code: CauseCode): boolean {
  if (live === undefined) return true;
  if (code === 'inhibited') return live.inhibitedBy.length > 0;
  if (code === 'silenced') return live.silencedBy.length > 0;
  return code !== 'muted' || live.mutedBy.length > 0;
}

/** What came up since the last flush of the group. */
function keptBackNow({ live, receiver }: Way): CauseJson | undefined {
  if (live === undefined) return undefined;
  const { inhibitedBy, silencedBy } = live;
  if (inhibitedBy.length > 0)
    return causeOf('inhibited', receiver, { reason: `by ${inhibitedBy.join(', ')}` });
  if (silencedBy.length > 0) return causeOf('silenced', receiver, { reason: `by ${silencedBy.join(', ')}` });
  return undefined;
}

/** A note may name its receiver or group; one that names none is about all of them. */
function concerns(event: StoredJournalEvent, way: Way): boolean {
  const receiver = event.evidence['receiver'];
  const groupKey = event.evidence['groupKey'];
  if (typeof groupKey === 'string' && groupKey !== way.groupKey) return false;
  return typeof receiver !== 'string' || isTo(receiver, way.receiver);
}

function withoutMessage(
  history: AlertHistory,
  { receiver }: Way,
  group: StoredJournalEvent | undefined,
): CauseJson {
  if (history.state?.verdict === 'resolved')
    return causeOf('ended_untold', receiver, { reason: group?.reason ?? history.state.reason });
  if (group === undefined)
    return causeOf('waiting', receiver, { reason: 'its group has not been looked at yet' });
  if (group.verdict === 'waiting') {
    const waitMs = numberOf(group, 'groupWaitMs') ?? 0;
    return causeOf('waiting_group', receiver, { sinceAtMs: group.atMs, dueAtMs: group.atMs + waitMs });
  }
  if (group.verdict === 'notify' && group.lastAtMs >= (history.firedAtMs ?? 0))
    return causeOf('under_way', receiver, { startedAtMs: group.lastAtMs });
  // It came into a group that was told before: that waits for its interval.
  const intervalMs = numberOf(group, 'groupIntervalMs');
  const flushedMs = group.lastAtMs;
  if (intervalMs !== undefined && flushedMs < (history.firedAtMs ?? 0))
    return causeOf('waiting_group', receiver, {
      sinceAtMs: history.firedAtMs ?? flushedMs,
      dueAtMs: flushedMs + intervalMs,
    });
  return causeOf('waiting', receiver, { reason: group.reason });
}

interface Told extends Way {
  readonly group: StoredJournalEvent | undefined;
  readonly last: DeliveryRecord;
}

function afterMessage(history: AlertHistory, told: Told): CauseJson {
  const { receiver, last } = told;
  const { intent, outcome } = last;
  switch (last.verdict) {
    case 'sent':
      return sentCause(history, told);
    case 'would_have':
      return causeOf('shadow', receiver, { toldAtMs: intent.atMs, reason: intent.reason ?? '' });
    case 'interrupted':
      return causeOf('interrupted', receiver, { startedAtMs: intent.atMs });
    case 'undelivered': {
      const error = outcome?.kind === 'drop' ? `${outcome.reason}: ${outcome.detail}` : '';
      return causeOf('receiver_failed', receiver, { failedAtMs: last.endedAtMs ?? intent.atMs, error });
    }
    default: {
      const retry = history.receivers.find(
        event => event.verdict === 'retry' && isTo(nameOf(event), receiver) && event.lastAtMs >= intent.atMs,
      );
      if (retry === undefined) return causeOf('under_way', receiver, { startedAtMs: intent.atMs });
      return causeOf('receiver_failed', receiver, { failedAtMs: retry.lastAtMs, error: retryText(retry) });
    }
  }
}

function sentCause(history: AlertHistory, { receiver, group, last }: Told): CauseJson {
  const { intent } = last;
  const toldAtMs = last.endedAtMs ?? intent.atMs;
  if (intent.resolved.includes(history.fingerprint)) return causeOf('told_end', receiver, { toldAtMs });
  const by = last.deliveredBy ?? intent.receiver;
  if (!isTo(by, receiver)) return causeOf('told_by_fallback', receiver, { toldAtMs, by });
  const repeatMs = group === undefined ? undefined : numberOf(group, 'repeatIntervalMs');
  const isQuiet = group?.verdict === 'not_notified' && group.lastAtMs >= toldAtMs;
  if (history.state?.verdict !== 'resolved' && isQuiet && repeatMs !== undefined)
    return causeOf('repeat_not_due', receiver, { toldAtMs, dueAtMs: toldAtMs + repeatMs });
  return causeOf('told', receiver, { toldAtMs, reason: intent.reason ?? '' });
}

function nameOf({ subject }: StoredJournalEvent): string {
  return subject.kind === 'receiver' ? subject.name : '';
}

function retryText(retry: StoredJournalEvent): string {
  const detail = retry.evidence['detail'];
  const reason = retry.reason.replace(/ \(group .*\)$/s, '');
  return typeof detail === 'string' && detail !== '' ? `${reason}: ${detail}` : reason;
}

function numberOf(event: StoredJournalEvent, name: string): number | undefined {
  const value = event.evidence[name];
  return typeof value === 'number' ? value : undefined;
}
