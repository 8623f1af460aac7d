// /api/v2/silences and /api/v2/silence/{silenceID}.

import type { ServerResponse } from '../../base/index.ts';
import {
  labelsToRecord,
  type Matcher,
  NO_LABELS,
  type Silence,
  type SilenceRefusal,
  silenceState,
} from '../../model/index.ts';
import type { ApiDeps } from '../deps.ts';
import type { Asked } from '../prometheus.ts';
import { postedSilence } from './bodies.ts';
import type { GettableSilenceJson } from './contract.ts';
import { matcherJson } from './matcher-json.ts';
import { matcherParams, switches } from './params.ts';
import { answer, empty, malformed, refusal, WRONG_TYPE } from './reply.ts';

/** Active ones first, the next to end in front; then pending ones by their start; then expired ones, the latest in front. */
export function getSilences(deps: ApiDeps, { params }: Asked): ServerResponse {
  const isOn = switches(params, ['active', 'pending', 'expired']);
  if (!isOn.ok) return refusal(400, isOn.error);
  const matchers = matcherParams(params, 'filter');
  if (!matchers.ok) return refusal(400, matchers.error);
  const nowMs = deps.clock.nowMs();
  const found = deps.alertmanager
    .silences()
    .filter(one => isOn.value(silenceState(one, nowMs)) && matchers.value.every(wanted => has(one, wanted)));
  return answer([...found].sort((a, b) => compareSilences(a, b, nowMs)).map(one => silenceJson(one, nowMs)));
}

export async function postSilences(deps: ApiDeps, { request }: Asked): Promise<ServerResponse> {
  const posted = await postedSilence(request);
  if (!posted.ok) return malformed(posted.error);
  const { startsAtMs = deps.clock.nowMs(), endsAtMs } = posted.value;
  if (startsAtMs >= endsAtMs)
    return refusal(400, 'Failed to create silence: start time must be before end time');
  if (endsAtMs < deps.clock.nowMs())
    return refusal(400, "Failed to create silence: end time can't be in the past");
  const set = await deps.alertmanager.setSilence(posted.value);
  if (!set.ok) return refusal(statusOf(set.error, 400), set.error.message);
  return answer({ silenceID: set.value });
}

export function getSilence(deps: ApiDeps, _: Asked, id: string): ServerResponse {
  if (!isUuid(id)) return noUuid(id);
  const found = deps.alertmanager.silences().find(one => one.id === id.toLowerCase());
  return found === undefined ? empty(404) : answer(silenceJson(found, deps.clock.nowMs()));
}

/** It ends now, and is kept for a while as one that expired. */
export async function deleteSilence(deps: ApiDeps, _: Asked, id: string): Promise<ServerResponse> {
  if (!isUuid(id)) return noUuid(id);
  const expired = await deps.alertmanager.expireSilence(id.toLowerCase());
  if (expired.ok) return empty(200);
  const status = statusOf(expired.error, 500);
  return status === 404 ? empty(404) : refusal(status, expired.error.message);
}

function statusOf({ code }: SilenceRefusal, otherwise: 400 | 500): 400 | 404 | 500 {
  if (code === 'silence-not-found') return 404;
  return code.startsWith('state-') ? 500 : otherwise;
}

function isUuid(text: string): boolean {
  return /^[\da-f]{8}-?[\da-f]{4}-?[\da-f]{4}-?[\da-f]{4}-?[\da-f]{12}$/i.test(text);
}

function noUuid(id: string): ServerResponse {
  const message = `silenceID in path must be of type uuid: ${JSON.stringify(id)}`;
  return malformed({ status: 422, code: WRONG_TYPE, message });
}

/** A filter asks for silences that say the same, not for those that would fit an alert. */
function has(silence: Silence, { name, op, value }: Matcher): boolean {
  return silence.matchers.some(one => one.name === name && one.op === op && one.value === value);
}

const RANK = { active: 0, pending: 1, expired: 2 } as const;

function compareSilences(a: Silence, b: Silence, nowMs: number): number {
  const [state, other] = [silenceState(a, nowMs), silenceState(b, nowMs)];
  if (state !== other) return RANK[state] - RANK[other];
  switch (state) {
    case 'active':
      return a.endsAtMs - b.endsAtMs;
    case 'pending':
      return a.startsAtMs - b.startsAtMs;
    case 'expired':
      return b.endsAtMs - a.endsAtMs;
  }
}

function silenceJson(silence: Silence, nowMs: number): GettableSilenceJson {
  return {
    id: silence.id,
    status: { state: silenceState(silence, nowMs) },
    updatedAt: timeText(silence.updatedAtMs),
    annotations: labelsToRecord(silence.annotations ?? NO_LABELS),
    comment: silence.comment,
    createdBy: silence.createdBy,
    endsAt: timeText(silence.endsAtMs),
    matchers: silence.matchers.map(matcherJson),
    startsAt: timeText(silence.startsAtMs),
  };
}

function timeText(atMs: number): string {
  return new Date(atMs).toISOString();
}
