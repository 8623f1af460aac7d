// Prometheus's routes for notifications about the program itself: what whoever runs it should know now, and as it changes.

import { type ServerResponse, sleep } from '../base/index.ts';
import type { NotificationJson } from './contract.ts';
import type { ApiDeps } from './deps.ts';
import { isoTime } from './encode.ts';
import type { Asked } from './prometheus.ts';
import { eventStream, success } from './respond.ts';

/** A person sees a change within this time; each look costs next to nothing. */
const LIVE_INTERVAL_MS = 1000;

export function notifications(deps: ApiDeps): ServerResponse {
  return success(activeNow(deps));
}

/** First those that are active, then each as it comes, and once more, not active, when it is over. */
export function liveNotifications(deps: ApiDeps, { signal }: Asked): ServerResponse {
  return eventStream(changes(deps, signal));
}

async function* changes(deps: ApiDeps, signal: AbortSignal): AsyncGenerator<string> {
  let told = new Map<string, NotificationJson>();
  while (!signal.aborted) {
    const now = new Map(activeNow(deps).map(one => [one.text, one]));
    for (const [text, one] of told) if (!now.has(text)) yield event({ ...one, active: false });
    for (const [text, one] of now) if (told.get(text)?.date !== one.date) yield event(one);
    told = now;
    if (!(await sleep(deps.clock, LIVE_INTERVAL_MS, signal))) return;
  }
}

function event(notification: NotificationJson): string {
  return `data: ${JSON.stringify(notification)}\n\n`;
}

function activeNow(deps: ApiDeps): readonly NotificationJson[] {
  const { startedAtMs, lastReload, storage } = deps.status();
  const active: NotificationJson[] = [];
  const add = (text: string, sinceMs: number): void => {
    active.push({ text, date: isoTime(sinceMs), active: true });
  };
  if (!deps.ready()) add('Watchkeeper is not ready: it is starting, or stopping.', startedAtMs);
  if (!lastReload.ok) add('Configuration reload has failed.', lastReload.atMs);
  if (storage.pausedSinceMs !== null)
    add('Samples cannot be written to the disk: they are held in memory only.', storage.pausedSinceMs);
  if (storage.quarantined.length > 0)
    add('Damaged blocks of samples were set aside: what they had is missing from answers.', startedAtMs);
  return active;
}
