// GET /api/v2/status and /api/v2/receivers.

import type { ServerResponse } from '../../base/index.ts';
import type { ApiDeps } from '../deps.ts';
import type { Asked } from '../prometheus.ts';
import { receiverFilter } from './params.ts';
import { answer, refusal } from './reply.ts';

export function getStatus({ alertmanager }: ApiDeps): ServerResponse {
  return answer(alertmanager.status());
}

export function getReceivers({ alertmanager }: ApiDeps, { params }: Asked): ServerResponse {
  const receivers = alertmanager.receivers();
  // The description knows no "receiver" here.
  const wanted = new URLSearchParams(
    params.getAll('receiver_matchers').map((text): [string, string] => ['receiver_matchers', text]),
  );
  const isMeant = receiverFilter(wanted, receivers);
  if (!isMeant.ok) return refusal(400, isMeant.error);
  return answer(receivers.filter(({ name }) => isMeant.value?.(name) ?? true));
}
