// The system as Alertmanager's API sees it.

import type { GroupStatus } from '../alerting/index.ts';
import type { AlertmanagerDeps, AlertReceiverJson } from '../api/index.ts';
import { alertmanagerPart, type Config } from '../config/index.ts';
import { type Alert, type Labels, labelsFrom } from '../model/index.ts';
import { filledRouteLabels, notificationData, type RenderText } from '../notify/index.ts';
import type { SystemPorts } from './ports.ts';
import { messageRender } from './render.ts';
import { externalUrlOf, NOBODY } from './settings.ts';
import type { System } from './system.ts';
import { VERSION } from './version.ts';

/** Clients such as karma read the version to know what they may ask for: Alertmanager 0.34's API is what we answer. */
const ALERTMANAGER_VERSION = '0.34.0';

export function alertmanagerOf(
  { clock, ownFacts, hostFacts }: SystemPorts,
  system: System,
): AlertmanagerDeps {
  const { dispatcher } = system;
  const externalUrl = (): string => externalUrlOf(system.config(), hostFacts.hostname());
  let made: { readonly files: Config['templateFiles']; readonly render: RenderText } | undefined;
  const render = (): RenderText => {
    const files = system.config().templateFiles;
    if (made?.files !== files) made = { files, render: messageRender(clock, files) };
    return made.render;
  };
  return {
    alerts: () => dispatcher.alertStatuses(),
    groups: () => {
      const alerts = new Map(
        dispatcher.alertStatuses().map(({ alert }) => [alert.fingerprint, alert] as const),
      );
      return dispatcher.groupStatuses().map(group => ({
        ...group,
        routeLabels: () => routeLabelsOf(group, { alerts, render: render(), externalUrl: externalUrl() }),
      }));
    },
    silences: () => dispatcher.silences(),
    setSilence: draft => dispatcher.setSilence(draft),
    expireSilence: id => dispatcher.expireSilence(id),
    receive: posted => dispatcher.receive(posted, clock.nowMs()),
    receivers: () => receiversOf(system),
    status: () => ({
      // One program answers for itself: there are no peers to agree with.
      cluster: { status: 'disabled', peers: [] },
      versionInfo: {
        version: ALERTMANAGER_VERSION,
        revision: `watchkeeper-${VERSION}`,
        branch: '',
        buildUser: '',
        buildDate: '',
        goVersion: `node ${ownFacts.nodeVersion}`,
      },
      config: { original: alertmanagerPart(system.configShown(), NOBODY) },
      uptime: new Date(system.startedAtMs).toISOString(),
    }),
  };
}

/** As a message about the group would have them now. */
function routeLabelsOf(
  group: GroupStatus,
  at: {
    readonly alerts: ReadonlyMap<string, Alert>;
    readonly render: RenderText;
    readonly externalUrl: string;
  },
): Labels {
  const { routeLabels, receiver, labels: groupLabels, key: groupKey } = group;
  // Plain texts, and most routes have none at all.
  if (!routeLabels.some(text => text.includes('{{'))) return routeLabels;
  const alerts = group.alerts.flatMap(fingerprint => at.alerts.get(fingerprint) ?? []);
  const status = alerts.every(({ state }) => state === 'resolved') ? 'resolved' : 'firing';
  const { externalUrl } = at;
  const job = { alerts, status, groupLabels, groupKey, routeLabels, externalUrl } as const;
  const data = notificationData({
    job: { ...job, reason: group.lastDecision, possibleRepeat: false },
    receiver,
    isTest: false,
    alertsMax: 0,
  });
  return labelsFrom(filledRouteLabels(data, at.render));
}

/** Each has its name among its labels, so that matchers find it. */
function receiversOf(system: System): readonly AlertReceiverJson[] {
  const { receivers } = system.config();
  if (receivers.length === 0) return [{ name: NOBODY, labels: { name: NOBODY } }];
  return receivers.map(({ name, labels = new Map() }) => ({
    name,
    labels: { ...Object.fromEntries(labels), name },
  }));
}
