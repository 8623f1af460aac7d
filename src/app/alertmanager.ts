// The system as Alertmanager's API sees it.

import type { AlertmanagerDeps, AlertReceiverJson } from '../api/index.ts';
import { alertmanagerPart } from '../config/index.ts';
import type { SystemPorts } from './ports.ts';
import { NOBODY } from './settings.ts';
import type { System } from './system.ts';
import { VERSION } from './version.ts';

/** Clients such as karma read the version to know what they may ask for: Alertmanager 0.34's API is what we answer. */
const ALERTMANAGER_VERSION = '0.34.0';

export function alertmanagerOf({ clock, ownFacts }: SystemPorts, system: System): AlertmanagerDeps {
  const { dispatcher } = system;
  return {
    alerts: () => dispatcher.alertStatuses(),
    groups: () => dispatcher.groupStatuses(),
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

/** Each has its name among its labels, so that matchers find it. */
function receiversOf(system: System): readonly AlertReceiverJson[] {
  const { receivers } = system.config();
  if (receivers.length === 0) return [{ name: NOBODY, labels: { name: NOBODY } }];
  return receivers.map(({ name, labels = new Map() }) => ({
    name,
    labels: { ...Object.fromEntries(labels), name },
  }));
}
