// Watchkeeper's own API: what the page and `explain` ask.

import { type ServerResponse, sleep } from '../base/index.ts';
import type { StoredJournalEvent } from '../model/index.ts';
import type { ExplainJson, LiveJson, QueriesJson } from './contract.ts';
import type { ApiDeps } from './deps.ts';
import { askedJson, ownAlertJson, queryJson, runJson, targetJson, timelineJson } from './encode.ts';
import type { Asked } from './prometheus.ts';
import { eventStream, failure, success } from './respond.ts';

/** Events shown on the page at once. */
const TIMELINE_MAX = 200;
/** Of one alert's history. */
const EXPLAIN_EVENTS_MAX = 500;
/** A person sees a change within this time; each look costs one indexed read. */
const LIVE_INTERVAL_MS = 1000;

export async function timeline(deps: ApiDeps, asked: Asked): Promise<ServerResponse> {
  const fingerprint = asked.params.get('alert') ?? '';
  const limit = Math.min(
    Number(asked.params.get('limit') ?? TIMELINE_MAX) || TIMELINE_MAX,
    EXPLAIN_EVENTS_MAX,
  );
  const events = await deps.state.journal({
    limit,
    newestFirst: true,
    ...(fingerprint === '' ? {} : { fingerprint }),
  });
  return events.ok ? success(events.value.map(timelineJson)) : failure('internal', events.error.message);
}

export function runs(deps: ApiDeps): ServerResponse {
  return success(deps.runs().map(runJson));
}

export function receivers(deps: ApiDeps): ServerResponse {
  return success(deps.receivers());
}

export async function testReceiver(deps: ApiDeps, name: string): Promise<ServerResponse> {
  if (!deps.receivers().some(receiver => receiver.name === name)) {
    return failure('not_found', `Cannot test receiver "${name}": it is not configured`);
  }
  const sent = await deps.testReceiver(name);
  return sent.ok ? success({ answer: sent.value }) : failure('execution', sent.error);
}

/** What runs, what waits, what was slow. */
export function queries(deps: ApiDeps): ServerResponse {
  const { running, waiting, last, slowest, interrupted } = deps.queryActivity();
  const body: QueriesJson = {
    running: running.map(queryJson),
    waiting: waiting.map(queryJson),
    last: last.map(queryJson),
    slowest: slowest.map(queryJson),
    interrupted: interrupted.map(askedJson),
  };
  return success(body);
}

/** `alert`: a fingerprint, or an alert's name; of several alerts with one name the one that fires, else the latest. */
export async function explain(deps: ApiDeps, asked: Asked): Promise<ServerResponse> {
  const wanted = asked.params.get('alert') ?? '';
  if (wanted === '')
    return failure('bad_data', 'invalid parameter "alert": a fingerprint or an alert name expected');
  const known = deps
    .alerts()
    .filter(alert => alert.fingerprint === wanted || nameOf(alert.labels) === wanted);
  const alert = known.find(candidate => candidate.state === 'firing') ?? known[0];
  const fingerprint = alert?.fingerprint ?? wanted;
  const events = await deps.state.journal({ fingerprint, limit: EXPLAIN_EVENTS_MAX, newestFirst: true });
  if (!events.ok) return failure('internal', events.error.message);
  if (alert === undefined && events.value.length === 0) {
    return failure(
      'not_found',
      `Cannot explain "${wanted}": no alert of this name or fingerprint is known, and the journal has no event about it`,
    );
  }
  const body: ExplainJson = {
    alert: alert === undefined ? null : ownAlertJson(alert),
    stages: latestByStage(events.value),
    history: events.value.map(timelineJson),
  };
  return success(body);
}

function nameOf(labels: readonly string[]): string {
  const at = labels.indexOf('alertname');
  return at >= 0 && at % 2 === 0 ? (labels[at + 1] ?? '') : '';
}

/** The order in which an alert passes through the house. */
const STAGE_ORDER = ['collect', 'rule', 'route', 'inhibition', 'silence', 'group', 'recovery', 'notify'];

function latestByStage(newestFirst: readonly StoredJournalEvent[]): ExplainJson['stages'] {
  return STAGE_ORDER.flatMap(stage => {
    const event = newestFirst.find(candidate => candidate.stage === stage);
    if (event === undefined) return [];
    const { atMs, verdict, reason, evidence } = event;
    return [{ stage, atMs, verdict, reason, evidence }];
  });
}

/** A stream that first says everything, then what changed. */
export function live(deps: ApiDeps, asked: Asked): ServerResponse {
  return eventStream(liveEvents(deps, asked.signal));
}

async function* liveEvents(deps: ApiDeps, signal: AbortSignal): AsyncGenerator<string> {
  let afterSeq = 0;
  let told: Readonly<Record<string, string>> = {};
  let first = true;
  while (!signal.aborted) {
    const events = await deps.state.journal({
      limit: TIMELINE_MAX,
      newestFirst: true,
      ...(first ? {} : { afterSeq }),
    });
    const timelineNow = events.ok ? events.value : [];
    for (const event of timelineNow) afterSeq = Math.max(afterSeq, event.seq);
    const now = {
      targets: deps.targets().map(targetJson),
      alerts: deps.alerts().map(ownAlertJson),
      runs: deps.runs().slice(0, TIMELINE_MAX).map(runJson),
      receivers: deps.receivers(),
    };
    const texts = Object.fromEntries(
      Object.entries(now).map(([part, value]) => [part, JSON.stringify(value)]),
    );
    const changed = Object.entries(now).filter(([part]) => texts[part] !== told[part]);
    told = texts;
    const message: LiveJson = {
      ...Object.fromEntries(changed),
      ...(timelineNow.length > 0 || first ? { timeline: timelineNow.map(timelineJson) } : {}),
      nowMs: deps.clock.nowMs(),
    };
    yield `event: ${first ? 'snapshot' : 'change'}\ndata: ${JSON.stringify(message)}\n\n`;
    first = false;
    if (!(await sleep(deps.clock, LIVE_INTERVAL_MS, signal))) return;
  }
}
