// The routes of Alertmanager's API v2.

import { GET, type Route, route } from '../route.ts';
import { getAlerts, postAlerts } from './alerts.ts';
import { ALERTMANAGER_PREFIX as PREFIX } from './contract.ts';
import { getAlertGroups } from './groups.ts';
import { deleteSilence, getSilence, getSilences, postSilences } from './silences.ts';
import { getReceivers, getStatus } from './status.ts';

export const ALERTMANAGER_ROUTES: readonly Route[] = [
  route(GET, `${PREFIX}/status`, getStatus),
  route(GET, `${PREFIX}/receivers`, getReceivers),
  route(GET, `${PREFIX}/silences`, getSilences),
  route(['POST'], `${PREFIX}/silences`, postSilences, 'operator'),
  route(GET, `${PREFIX}/silence/([^/]+)`, getSilence),
  route(['DELETE'], `${PREFIX}/silence/([^/]+)`, deleteSilence, 'operator'),
  route(GET, `${PREFIX}/alerts`, getAlerts),
  route(['POST'], `${PREFIX}/alerts`, postAlerts, 'operator'),
  route(GET, `${PREFIX}/alerts/groups`, getAlertGroups),
];
