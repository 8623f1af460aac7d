// GET /deliveries: the delivery log, searched by receiver, alert, outcome and time. GET /groups: what dispatch gathers.

import type { ServerResponse } from '../../base/index.ts';
import { DELIVERY_VERDICTS, type DeliveryRecord } from '../../model/index.ts';
import type { DeliveriesJson, DeliveryJson } from '../contract-explain.ts';
import type { ApiDeps } from '../deps.ts';
import { boundary, countParam } from '../params.ts';
import type { Asked } from '../prometheus.ts';
import { failure, success } from '../respond.ts';
import { findAlerts, readWanted } from './find.ts';

const DELIVERIES_SHOWN = 100;
const DELIVERIES_MAX = 1000;

export async function deliveries(deps: ApiDeps, { params }: Asked): Promise<ServerResponse> {
  const nowMs = deps.clock.nowMs();
  const from = boundary(params, 'from', 0);
  if (!from.ok) return failure('bad_data', from.error);
  const to = boundary(params, 'to', nowMs);
  if (!to.ok) return failure('bad_data', to.error);
  const limit = countParam(params, 'limit');
  if (!limit.ok) return failure('bad_data', limit.error);
  const offset = countParam(params, 'offset');
  if (!offset.ok) return failure('bad_data', offset.error);
  const outcome = params.get('outcome') ?? '';
  const verdict = DELIVERY_VERDICTS.find(one => one === outcome);
  if (outcome !== '' && verdict === undefined)
    return failure(
      'bad_data',
      `invalid parameter "outcome": one of ${DELIVERY_VERDICTS.join(', ')} expected`,
    );
  const alert = params.get('alert') ?? '';
  const fingerprint = alert === '' ? undefined : await fingerprintOf(deps, alert, nowMs);
  if (fingerprint !== undefined && !fingerprint.ok) return fingerprint.answer;
  const receiver = params.get('receiver') ?? '';
  const wanted = limit.value <= 0 ? DELIVERIES_SHOWN : Math.min(limit.value, DELIVERIES_MAX);
  const read = await deps.state.deliveries({
    ...(receiver === '' ? {} : { receiver }),
    ...(fingerprint === undefined ? {} : { fingerprint: fingerprint.value }),
    ...(verdict === undefined ? {} : { verdict }),
    fromMs: from.value,
    toMs: to.value,
    offset: Math.max(0, offset.value),
    limit: wanted + 1,
  });
  if (!read.ok) return failure('internal', read.error.message);
  const body: DeliveriesJson = {
    deliveries: read.value.slice(0, wanted).map(deliveryJson),
    hasMore: read.value.length > wanted,
  };
  return success(body);
}

type Named =
  | { readonly ok: true; readonly value: string }
  | { readonly ok: false; readonly answer: ServerResponse };

/** Of several alerts with one name the most urgent. */
async function fingerprintOf(deps: ApiDeps, text: string, nowMs: number): Promise<Named> {
  const wanted = readWanted(text);
  if (!wanted.ok)
    return { ok: false, answer: failure('bad_data', `invalid parameter "alert": ${wanted.error}`) };
  const { fingerprint } = wanted.value;
  // What the journal has forgotten may still stand in the delivery log.
  if (fingerprint !== undefined) return { ok: true, value: fingerprint };
  const found = await findAlerts(deps, wanted.value, { atMs: nowMs, isPast: false });
  if (!found.ok) return { ok: false, answer: failure('internal', found.error) };
  const [first] = found.value.alerts;
  if (first !== undefined) return { ok: true, value: first.fingerprint };
  return {
    ok: false,
    answer: failure('not_found', `Cannot find deliveries of "${text}": no alert of this name is known`),
  };
}

export function deliveryJson(record: DeliveryRecord): DeliveryJson {
  const { intent, verdict, outcome, endedAtMs, attempts, deliveredBy } = record;
  return {
    jobId: intent.jobId,
    receiver: intent.receiver,
    groupKey: intent.groupKey,
    startedAtMs: intent.atMs,
    endedAtMs: endedAtMs ?? null,
    verdict,
    reason: intent.reason ?? '',
    detail: detailOf(outcome),
    attempts: attempts ?? null,
    deliveredBy: deliveredBy === undefined || deliveredBy === intent.receiver ? '' : deliveredBy,
    possibleRepeat: intent.possibleRepeat ?? false,
    firing: intent.firing,
    resolved: intent.resolved,
  };
}

function detailOf(outcome: DeliveryRecord['outcome']): string {
  switch (outcome?.kind) {
    case 'sent':
      return outcome.answer;
    case 'drop':
    case 'retry':
      return [outcome.reason, outcome.detail].filter(text => text !== '').join(': ');
    default:
      return '';
  }
}

export function groups(deps: ApiDeps): ServerResponse {
  return success(deps.groups());
}
