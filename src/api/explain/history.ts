// What the journal and the delivery log know of an alert at a time, gathered for the causes. An event that was counted
// again later is taken as far as that time.

import type { Result } from '../../base/index.ts';
import type {
  DeliveryRecord,
  JournalEvent,
  JournalFilter,
  JournalStage,
  StateFailure,
  StateStore,
  StoredJournalEvent,
} from '../../model/index.ts';

/** The words of a rule about the state of an alert. */
const STATE_VERDICTS: ReadonlySet<string> = new Set(['pending', 'firing', 'unknown', 'resolved', 'inactive']);
/** Looked at of each stage: enough to find the last word that counts behind notes beside it. */
const EVENTS_LOOKED_AT = 40;
/** Back to the start of its episode, though its data came and went. */
const STATES_LOOKED_AT = 200;
/** An alert stands in one group a route; a tree of more routes to one alert is no real one. */
const GROUPS_MAX = 50;

export interface AlertHistory {
  readonly fingerprint: string;
  readonly atMs: number;
  /** The last state that its rule gave it. */
  readonly state: StoredJournalEvent | undefined;
  /** When its present episode, or the last one, began to fire. */
  readonly firedAtMs: number | undefined;
  /** Its rule fell silent: the note that says so. */
  readonly stale: StoredJournalEvent | undefined;
  readonly route: StoredJournalEvent | undefined;
  /** Of each group that the route names: its latest word. */
  readonly groups: ReadonlyMap<string, StoredJournalEvent>;
  /** What is said about it between its group and a receiver: the newest first. */
  readonly notes: readonly StoredJournalEvent[];
  /** What receivers were about, the newest first. */
  readonly receivers: readonly StoredJournalEvent[];
  readonly recovery: StoredJournalEvent | undefined;
  /** The health of the target that its last sample came from. */
  readonly target: StoredJournalEvent | undefined;
  /** The configuration that was put in force last. */
  readonly config: StoredJournalEvent | undefined;
  /** Messages of this episode that list it, the newest first, as they stood then. */
  readonly deliveries: readonly DeliveryRecord[];
}

type Reader = Pick<StateStore, 'journal' | 'deliveries'>;

export async function historyAt(
  reader: Reader,
  fingerprint: string,
  atMs: number,
): Promise<Result<AlertHistory, StateFailure>> {
  const look = (filter: Partial<JournalFilter>) => eventsAt(reader, { ...filter, toMs: atMs });
  const own = (stage: JournalStage) => look({ fingerprint, stage });
  const [rule, route, inhibition, silence, group, notify, recovery, config, sent] = await Promise.all([
    look({ fingerprint, stage: 'rule', limit: STATES_LOOKED_AT }),
    own('route'),
    own('inhibition'),
    own('silence'),
    own('group'),
    own('notify'),
    own('recovery'),
    look({ stage: 'config', limit: 1 }),
    reader.deliveries({ fingerprint, toMs: atMs, limit: EVENTS_LOOKED_AT }),
  ]);
  for (const part of [rule, route, inhibition, silence, group, notify, recovery, config])
    if (!part.ok) return part;
  if (!sent.ok) return sent;
  const events = (part: Result<readonly StoredJournalEvent[], StateFailure>) => (part.ok ? part.value : []);
  const states = events(rule).filter(event => STATE_VERDICTS.has(event.verdict));
  const state = states[0];
  const firedAtMs = firedSince(states);
  const last = events(rule)[0];
  const keys = groupKeysOf(events(route)[0]);
  const groups = await latestOf(look, keys);
  if (!groups.ok) return groups;
  const target = await targetOf(look, state);
  if (!target.ok) return target;
  const isAbout = (event: JournalEvent): boolean => event.subject.kind === 'alert';
  const notes = [...events(inhibition), ...events(silence), ...events(group), ...events(notify)]
    .filter(isAbout)
    .sort((a, b) => b.seq - a.seq);
  return {
    ok: true,
    value: {
      fingerprint,
      atMs,
      state,
      firedAtMs,
      stale: last?.verdict === 'stale' ? last : undefined,
      route: events(route)[0],
      groups: groups.value,
      notes,
      receivers: events(notify).filter(event => event.subject.kind === 'receiver'),
      recovery: events(recovery)[0],
      target: target.value,
      config: events(config)[0],
      deliveries: sent.value
        .filter(({ intent }) => firedAtMs === undefined || intent.atMs >= firedAtMs)
        .map(record => asOf(record, atMs)),
    },
  };
}

async function eventsAt(
  reader: Reader,
  filter: Partial<JournalFilter> & { readonly toMs: number },
): Promise<Result<readonly StoredJournalEvent[], StateFailure>> {
  const read = await reader.journal({ limit: EVENTS_LOOKED_AT, newestFirst: true, ...filter });
  if (!read.ok) return read;
  const cut = read.value.map(event => ({ ...event, lastAtMs: Math.min(event.lastAtMs, filter.toMs) }));
  return { ok: true, value: cut };
}

type Look = (filter: Partial<JournalFilter>) => Promise<Result<readonly StoredJournalEvent[], StateFailure>>;

/** A large group's event does not list all its alerts: it is found by the group's key. */
async function latestOf(
  look: Look,
  keys: readonly string[],
): Promise<Result<ReadonlyMap<string, StoredJournalEvent>, StateFailure>> {
  const latest = new Map<string, StoredJournalEvent>();
  for (const groupKey of keys.slice(0, GROUPS_MAX)) {
    const found = await look({ stage: 'group', subject: { kind: 'group', groupKey }, limit: 1 });
    if (!found.ok) return found;
    if (found.value[0] !== undefined) latest.set(groupKey, found.value[0]);
  }
  return { ok: true, value: latest };
}

async function targetOf(
  look: Look,
  state: StoredJournalEvent | undefined,
): Promise<Result<StoredJournalEvent | undefined, StateFailure>> {
  const producer = state?.evidence['producer'];
  if (typeof producer !== 'string') return { ok: true, value: undefined };
  const found = await look({ stage: 'collect', subject: { kind: 'target', id: producer }, limit: 1 });
  return found.ok ? { ok: true, value: found.value[0] } : found;
}

export function groupKeysOf(route: JournalEvent | undefined): readonly string[] {
  return textsOf(route?.evidence['groups']);
}

export function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter(one => typeof one === 'string') : [];
}

/** The first of the firing and unknown events without another state between; an end after them belongs to them. */
function firedSince(newestFirst: readonly StoredJournalEvent[]): number | undefined {
  let sinceMs: number | undefined;
  for (const { verdict, atMs } of newestFirst) {
    if (verdict === 'firing' || verdict === 'unknown') sinceMs = atMs;
    else if (sinceMs !== undefined || verdict !== 'resolved') break;
  }
  return sinceMs;
}

/** An outcome that came later was not known then. */
function asOf(record: DeliveryRecord, atMs: number): DeliveryRecord {
  return record.endedAtMs === undefined || record.endedAtMs <= atMs
    ? record
    : { intent: record.intent, verdict: 'under_way' };
}
