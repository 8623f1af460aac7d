// The routes of Alertmanager's API v2.

import { GET, type Route, route } from '../route.ts';
import type { KnownTexts } from './alert-text.ts';
import { getAlerts, postAlerts } from './alerts.ts';
import { ALERTMANAGER_PREFIX as PREFIX } from './contract.ts';
import { getAlertGroups } from './groups.ts';
import { deleteSilence, getSilence, getSilences, postSilences } from './silences.ts';
import { getReceivers, getStatus } from './status.ts';

/** For one API: it keeps the texts of alerts that it has written. */
export function alertmanagerRoutes(): readonly Route[] {
  const known: KnownTexts = new WeakMap();
  return [
    route(GET, `${PREFIX}/status`, getStatus),
    route(GET, `${PREFIX}/receivers`, getReceivers),
    route(GET, `${PREFIX}/silences`, getSilences),
    route(['POST'], `${PREFIX}/silences`, postSilences, 'operator'),
    route(GET, `${PREFIX}/silence/([^/]+)`, getSilence),
    route(['DELETE'], `${PREFIX}/silence/([^/]+)`, deleteSilence, 'operator'),
    route(GET, `${PREFIX}/alerts`, (deps, asked) => getAlerts(known, deps, asked)),
    route(['POST'], `${PREFIX}/alerts`, postAlerts, 'operator'),
    route(GET, `${PREFIX}/alerts/groups`, (deps, asked) => getAlertGroups(known, deps, asked)),
  ];
}
