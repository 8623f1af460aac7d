// Alerts that others post: what is filled in, what is refused, and how two words on one alert become one. Alertmanager's rules.

import {
  type Alert,
  fingerprint,
  type Labels,
  labelPairs,
  labelValue,
  type PostedAlert,
  type PostedOutcome,
  type PostedRecord,
} from '../model/index.ts';

/** JSON can say half of a character (a lone surrogate), UTF-8 cannot. */
const HALF_CHARACTER = /\p{Surrogate}/u;

export interface PostedAt {
  readonly nowMs: number;
  readonly resolveTimeoutMs: number;
}

export interface Accepted extends PostedOutcome {
  readonly records: readonly PostedRecord[];
  /** Of each record its position in what was posted. */
  readonly indices: readonly number[];
}

/** Each is taken or refused on its own. */
export function acceptPosted(posted: readonly PostedAlert[], at: PostedAt): Accepted {
  const records: PostedRecord[] = [];
  const refused: PostedOutcome['refused'][number][] = [];
  const indices: number[] = [];
  for (const [index, alert] of posted.entries()) {
    const record = recordOf(alert, at);
    const reason = problemOf(record);
    if (reason === undefined) {
      records.push(record);
      indices.push(index);
    } else {
      refused.push({ index, reason });
    }
  }
  return { records, refused, accepted: records.length, indices };
}

function recordOf(alert: PostedAlert, { nowMs, resolveTimeoutMs }: PostedAt): PostedRecord {
  const { labels, annotations, generatorUrl, endsAtMs } = alert;
  return {
    fingerprint: fingerprint(labels),
    labels,
    annotations,
    startsAtMs: alert.startsAtMs ?? endsAtMs ?? nowMs,
    endsAtMs: endsAtMs ?? nowMs + resolveTimeoutMs,
    endIsTimeout: endsAtMs === undefined,
    updatedAtMs: nowMs,
    generatorUrl,
  };
}

function problemOf(record: PostedRecord): string | undefined {
  if (record.endsAtMs < record.startsAtMs) return 'start time must be before end time';
  if (record.labels.length === 0) return 'at least one label pair required';
  return badName('label set', record.labels) ?? badName('annotations', record.annotations);
}

function badName(where: string, labels: Labels): string | undefined {
  // All at once: what is between the texts keeps two halves from becoming one.
  if (!labels.includes('') && !HALF_CHARACTER.test(labels.join('\n'))) return undefined;
  for (const [name, value] of labelPairs(labels)) {
    if (name === '' || HALF_CHARACTER.test(name))
      return `invalid ${where}: invalid name ${JSON.stringify(name)}`;
    if (HALF_CHARACTER.test(value)) return `invalid ${where}: invalid value ${JSON.stringify(value)}`;
  }
  return undefined;
}

/**
 * The word that holds from now on. Words whose times overlap become one alert with the earliest start; so two replicas that
 * post the same alert are one.
 */
export function mergePosted(
  known: PostedRecord | undefined,
  next: PostedRecord,
  nowMs: number,
): PostedRecord {
  if (known === undefined) return next;
  const overlaps =
    (next.endsAtMs > known.startsAtMs && next.endsAtMs < known.endsAtMs) ||
    (next.startsAtMs > known.startsAtMs && next.startsAtMs < known.endsAtMs);
  if (!overlaps) return next;
  const startsAtMs = Math.min(known.startsAtMs, next.startsAtMs);
  // Of two ends the later one holds when both have passed; an end that was really posted outlasts a shorter one.
  const isLater = known.endsAtMs > next.endsAtMs;
  const keepsEnd =
    next.endsAtMs <= nowMs ? isLater && known.endsAtMs <= nowMs : isLater && !known.endIsTimeout;
  return { ...next, startsAtMs, endsAtMs: keepsEnd ? known.endsAtMs : next.endsAtMs };
}

/** The alert as the rest of the house knows alerts. */
export function alertOfPosted(record: PostedRecord, nowMs: number): Alert {
  const { labels, annotations, startsAtMs, endsAtMs, generatorUrl } = record;
  const ended = endsAtMs <= nowMs;
  return {
    labels,
    fingerprint: record.fingerprint,
    annotations,
    state: ended ? 'resolved' : 'firing',
    activeAtMs: startsAtMs,
    firedAtMs: startsAtMs,
    ...(ended ? { resolvedAtMs: endsAtMs } : {}),
    ...(ended && record.endIsTimeout ? { absence: 'not_posted' as const } : {}),
    reason: ended ? (record.endIsTimeout ? 'not posted again in time' : 'its end was posted') : 'posted',
    value: Number.NaN,
    rule: { file: '', group: '', name: labelValue(labels, 'alertname'), labelsKey: '' },
    expr: '',
    generatorUrl,
  };
}
