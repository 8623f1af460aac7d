// GET and POST /api/v2/alerts.

import { err, ok, type Pace, type Result, type ServerResponse, type Turns } from '../../base/index.ts';
import { matchesAll } from '../../model/index.ts';
import type { ApiDeps } from '../deps.ts';
import type { Asked } from '../prometheus.ts';
import { json } from '../respond.ts';
import { bodyOf } from '../text-parts.ts';
import { AlertTexts, type KnownTexts } from './alert-text.ts';
import { postedAlerts } from './bodies.ts';
import type { DispatchedAlert } from './deps.ts';
import { matcherParams, receiverFilter, switches } from './params.ts';
import { empty, malformed, refusal } from './reply.ts';

/** Sorted by fingerprint, as Alertmanager's are. Those that ended are not among them. */
export function getAlerts(known: KnownTexts, deps: ApiDeps, { params }: Asked): ServerResponse {
  const { alertmanager, clock, turns } = deps;
  const isShown = alertFilter(params, ['active', 'silenced', 'inhibited', 'unprocessed']);
  if (!isShown.ok) return refusal(400, isShown.error);
  const isMeant = receiverFilter(params, alertmanager.receivers());
  if (!isMeant.ok) return refusal(400, isMeant.error);
  const found = alertmanager
    .alerts()
    .filter(one => (isMeant.value === undefined || one.receivers.some(isMeant.value)) && isShown.value(one));
  const parted = byFirstDigits(found);
  const texts = new AlertTexts(clock.nowMs(), known);
  return json(
    200,
    bodyOf(turns, function* (parts) {
      let before = '[';
      for (const some of parted)
        for (const one of some.sort(byFingerprint)) {
          parts.add(before + texts.of(one));
          before = ',';
          if (parts.isFull) yield;
        }
      parts.add(before === '[' ? '[]' : ']');
    }),
  );
}

/** The valid ones are taken, whatever is wrong with the others. */
export async function postAlerts(deps: ApiDeps, { request }: Asked): Promise<ServerResponse> {
  const posted = await postedAlerts(request);
  if (!posted.ok) return malformed(posted.error);
  const { refused } = await deps.alertmanager.receive(posted.value);
  if (refused.length === 0) return empty(200);
  return refusal(400, refused.map(({ index, reason }) => `alert ${index}: ${reason}`).join('; '));
}

type Shown = 'active' | 'silenced' | 'inhibited' | 'unprocessed';

/** By state and labels. */
export function alertFilter(
  params: URLSearchParams,
  names: readonly Shown[],
): Result<(one: DispatchedAlert) => boolean, string> {
  const isOn = switches<Shown>(params, names);
  if (!isOn.ok) return isOn;
  const matchers = matcherParams(params, 'filter');
  if (!matchers.ok) return err(matchers.error);
  const [active, silenced, inhibited, unprocessed] = [
    isOn.value('active'),
    isOn.value('silenced'),
    isOn.value('inhibited'),
    isOn.value('unprocessed'),
  ];
  return ok(
    one =>
      one.alert.state !== 'resolved' &&
      (active || one.state !== 'active') &&
      (unprocessed || one.state !== 'unprocessed') &&
      (silenced || one.silencedBy.length === 0) &&
      (inhibited || one.inhibitedBy.length === 0) &&
      matchesAll(matchers.value, one.alert.labels),
  );
}

/** Fingerprints are spread evenly: parted by their first two digits, few have to be sorted at once, and that in the turns of writing. */
function byFirstDigits(alerts: readonly DispatchedAlert[]): readonly DispatchedAlert[][] {
  const parted = Array.from({ length: 256 }, (): DispatchedAlert[] => []);
  for (const one of alerts) parted[Number.parseInt(one.alert.fingerprint.slice(0, 2), 16)]?.push(one);
  return parted;
}

function byFingerprint(a: DispatchedAlert, b: DispatchedAlert): number {
  const [left, right] = [a.alert.fingerprint, b.alert.fingerprint];
  return left < right ? -1 : left > right ? 1 : 0;
}

/** As long as it takes: who leaves is noticed when the answer is written. */
export function paceOf(turns: Turns): Pace {
  const work = turns.start('usual');
  return {
    isDue: () => turns.isDue(),
    pause: async () => {
      await turns.next(work);
      return true;
    },
  };
}
