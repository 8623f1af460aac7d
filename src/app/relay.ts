// The rules' alerts to Alertmanagers elsewhere: discovery finds them, as it finds targets, and relay/ sends.

import { type AlertmanagerSet, type Config, requestPartsOf, settingsKey } from '../config/index.ts';
import { createDiscovery, type DiscoveryEntry, discoveryKinds } from '../discovery/index.ts';
import type { AlertUpdate, Effects, Metrics, StateStore } from '../model/index.ts';
import { createRelay, type RelaySet, type RelaySettings, type RelayStatus } from '../relay/index.ts';
import type { SystemPorts } from './ports.ts';

export interface JoinedRelay {
  load(config: Config, configVersion: string): void;
  alerts(update: AlertUpdate): void;
  status(): RelayStatus;
  stop(graceMs: number): Promise<void>;
}

export function joinRelay(
  {
    clock,
    random,
    disk,
    http,
    dns,
    log,
  }: Pick<SystemPorts, 'clock' | 'random' | 'disk' | 'http' | 'dns' | 'log'>,
  {
    state,
    metrics,
    effects,
  }: { readonly state: StateStore; readonly metrics: Metrics; readonly effects: Effects },
): JoinedRelay {
  const relay = createRelay({ clock, random, http, log, state, metrics, effects });
  let sets: readonly RelaySet[] = [];
  const setGroups = (): void => {
    for (const { key } of sets) relay.setGroups(key, discovery.groups(key));
  };
  const discovery = createDiscovery(
    { clock, disk, http, dns, log },
    { kinds: discoveryKinds, onChange: setGroups },
  );
  return {
    load(config, configVersion) {
      const settings = relaySettingsOf(config, configVersion);
      sets = settings.sets;
      relay.load(settings);
      discovery.load(discoveryOf(config, settings));
      setGroups();
    },
    alerts: update => relay.alerts(update),
    status: () => relay.status(),
    async stop(graceMs) {
      discovery.stop();
      await relay.stop(graceMs);
    },
  };
}

export function relaySettingsOf(config: Config, configVersion: string): RelaySettings {
  const { alerting, relay, rules, global } = config;
  const alertmanagers = alertmanagersOf(config);
  const keys = keysOf(alertmanagers);
  return {
    sets: alertmanagers.map((one, i) => ({
      key: keys[i] ?? '',
      scheme: one.scheme,
      pathPrefix: one.pathPrefix,
      timeoutMs: one.timeoutMs,
      request: requestPartsOf(one.http),
      relabel: one.relabelRules,
      alertRelabel: one.alertRelabelRules,
    })),
    externalLabels: global.externalLabels,
    alertRelabel: alerting.alertRelabelRules,
    resendDelayMs: rules.resendDelayMs,
    queueMax: relay.queueMax,
    batchMax: relay.batchMax,
    configVersion,
  };
}

function alertmanagersOf({ alerting, relay }: Config): readonly AlertmanagerSet[] {
  return relay.enabled === false ? [] : alerting.alertmanagers;
}

/** Equal sets count up, so that each has a key of its own. */
function keysOf(sets: readonly AlertmanagerSet[]): readonly string[] {
  const seen = new Map<string, number>();
  return sets.map(set => {
    const text = settingsKey(set);
    const count = seen.get(text) ?? 0;
    seen.set(text, count + 1);
    return `${text}\0${count}`;
  });
}

function discoveryOf(config: Config, { sets }: RelaySettings): readonly DiscoveryEntry[] {
  return alertmanagersOf(config).flatMap((set, i) =>
    set.discovery.map(({ kind, settings }, n) => {
      const job = sets[i]?.key ?? '';
      return { key: `${job}\0${n}`, job, kind, settings };
    }),
  );
}
