// Watchkeeper's own API: what the page and `explain` ask.

import { type ServerResponse, sleep } from '../base/index.ts';
import type { LiveJson, QueriesJson } from './contract.ts';
import type { ApiDeps } from './deps.ts';
import { askedJson, ownAlertJson, queryJson, runJson, targetJson, timelineJson } from './encode.ts';
import type { Asked } from './prometheus.ts';
import { eventStream, failure, success } from './respond.ts';

/** Events shown on the page at once. */
const TIMELINE_MAX = 200;
/** The most that may be asked for. */
const EVENTS_MAX = 500;
/** A person sees a change within this time; each look costs one indexed read. */
const LIVE_INTERVAL_MS = 1000;

export async function timeline(deps: ApiDeps, asked: Asked): Promise<ServerResponse> {
  const fingerprint = asked.params.get('alert') ?? '';
  const limit = Math.min(Number(asked.params.get('limit') ?? TIMELINE_MAX) || TIMELINE_MAX, EVENTS_MAX);
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

export function remoteWrites(deps: ApiDeps): ServerResponse {
  return success(deps.remoteWrites());
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
