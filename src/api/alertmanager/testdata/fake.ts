// A dispatcher as Alertmanager's API sees one, kept in lists: what is posted stands there, silenced or inhibited by whoever
// asks for it.

import { err, ok } from '../../../base/index.ts';
import {
  type Alert,
  fingerprint,
  type Labels,
  labelsFrom,
  NO_LABELS,
  type PostedAlert,
  type Silence,
  type SilenceRefusal,
} from '../../../model/index.ts';
import type { AlertmanagerDeps, DispatchedAlert, DispatchedGroup } from '../deps.ts';

export interface FakeAlertmanager extends AlertmanagerDeps {
  alertsNow: DispatchedAlert[];
  groupsNow: DispatchedGroup[];
  silencesNow: Silence[];
  /** What everything that is written fails with. */
  failure: SilenceRefusal | undefined;
  readonly posted: PostedAlert[];
}

export const RULE = { file: '', group: '', name: '', labelsKey: '' };

export function dispatched(
  labels: Readonly<Record<string, string>>,
  more: Partial<Omit<DispatchedAlert, 'alert'>> & { readonly alert?: Partial<Alert> } = {},
): DispatchedAlert {
  const all: Labels = labelsFrom(labels);
  return {
    updatedAtMs: Date.UTC(2026, 0, 1),
    validUntilMs: Date.UTC(2026, 0, 1, 0, 5),
    receivers: ['team'],
    state: 'active',
    silencedBy: [],
    inhibitedBy: [],
    mutedBy: [],
    ...more,
    alert: {
      labels: all,
      fingerprint: fingerprint(all),
      annotations: NO_LABELS,
      state: 'firing',
      activeAtMs: Date.UTC(2025, 11, 31, 23, 59),
      firedAtMs: Date.UTC(2025, 11, 31, 23, 59, 30),
      reason: '',
      value: 1,
      rule: RULE,
      expr: '',
      generatorUrl: '',
      ...more.alert,
    },
  };
}

export function fakeAlertmanager(nowMs: () => number): FakeAlertmanager {
  const fake: FakeAlertmanager = {
    alertsNow: [],
    groupsNow: [],
    silencesNow: [],
    failure: undefined,
    posted: [],
    alerts: () => fake.alertsNow,
    groups: () => fake.groupsNow,
    silences: () => fake.silencesNow,
    async setSilence(draft) {
      if (fake.failure !== undefined) return err(fake.failure);
      const known = fake.silencesNow.find(one => one.id === draft.id);
      if (draft.id !== undefined && known === undefined)
        return err({ code: 'silence-not-found', message: `silence ${draft.id} not found` });
      const id = draft.id ?? `00000000-0000-4000-8000-${String(fake.silencesNow.length).padStart(12, '0')}`;
      fake.silencesNow = [
        ...fake.silencesNow.filter(one => one !== known),
        { ...draft, id, startsAtMs: draft.startsAtMs ?? nowMs(), updatedAtMs: nowMs() },
      ];
      return ok(id);
    },
    async expireSilence(id) {
      if (fake.failure !== undefined) return err(fake.failure);
      const known = fake.silencesNow.find(one => one.id === id);
      if (known === undefined) return err({ code: 'silence-not-found', message: `silence ${id} not found` });
      fake.silencesNow = fake.silencesNow.map(one =>
        one === known ? { ...one, endsAtMs: nowMs(), updatedAtMs: nowMs() } : one,
      );
      return ok(undefined);
    },
    async receive(posted) {
      const refused = posted.flatMap(({ labels }, index) =>
        labels.length === 0 ? [{ index, reason: 'at least one label pair required' }] : [],
      );
      fake.posted.push(...posted.filter(({ labels }) => labels.length > 0));
      return { accepted: posted.length - refused.length, refused };
    },
    receivers: () => [
      { name: 'team', labels: { name: 'team', owner: 'db' } },
      { name: 'other', labels: { name: 'other' } },
    ],
    status: () => ({
      cluster: { status: 'disabled', peers: [] },
      versionInfo: {
        version: '0.34.0',
        revision: '',
        branch: '',
        buildUser: '',
        buildDate: '',
        goVersion: '',
      },
      config: { original: 'route:\n  receiver: team\n' },
      uptime: '2026-01-01T00:00:00.000Z',
    }),
  };
  return fake;
}
