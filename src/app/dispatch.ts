// From alerts to messages and repairs: dispatcher, notifier and recovery, joined.

import { createDispatcher, type Dispatcher, logKeptMs } from '../alerting/index.ts';
import type { Effects, Metrics, Query, StateStore } from '../model/index.ts';
import {
  channels,
  createNotifier,
  erased,
  heartbeat,
  type Notifier,
  type NotifyConfig,
} from '../notify/index.ts';
import { createRecovery, type Recovery } from '../recovery/index.ts';
import { allReceivers } from './heartbeat.ts';
import type { SystemPorts } from './ports.ts';
import type { InForce } from './reload.ts';
import { messageRender } from './render.ts';
import { dispatchConfigOf, playbooksOf } from './settings.ts';

export interface JoinedDispatch {
  readonly dispatcher: Dispatcher;
  readonly notifier: Notifier;
  readonly recovery: Recovery;
  /** Puts the receivers, routes and playbooks of now in force. */
  reload(): void;
}

export interface DispatchParts {
  readonly state: StateStore;
  readonly query: Query;
  readonly metrics: Metrics;
  readonly effects: Effects;
  readonly inForce: () => InForce;
  readonly externalUrl: () => string;
}

export function joinDispatch(ports: SystemPorts, parts: DispatchParts): JoinedDispatch {
  const { clock, random, http, mail, exec, log } = ports;
  const { state, query, metrics, effects, inForce, externalUrl } = parts;

  const notifyConfig = (): NotifyConfig => {
    const { config, version } = inForce();
    return {
      receivers: allReceivers(config),
      render: messageRender(clock, config.templateFiles),
      externalUrl: externalUrl(),
      configVersion: version,
      logKeptMs: logKeptMs(
        dispatchConfigOf(config, { receivers: new Map(), externalUrl: '', configVersion: version }),
      ),
    };
  };
  const dispatchConfig = () => {
    const { config, version } = inForce();
    const receivers = notifier.destinations();
    return dispatchConfigOf(config, { receivers, externalUrl: externalUrl(), configVersion: version });
  };
  const recoverySettings = () => {
    const { config, version } = inForce();
    return { playbooks: playbooksOf(config), effects, configVersion: version };
  };

  const notifier: Notifier = createNotifier({
    clock,
    random,
    state,
    mail,
    http,
    exec,
    log,
    metrics,
    effects,
    channels: [...channels, erased(heartbeat)],
    config: notifyConfig(),
    report: report => dispatcher.report(report),
  });
  const dispatcher: Dispatcher = createDispatcher({
    clock,
    random,
    state,
    log,
    metrics,
    effects,
    config: dispatchConfig(),
    notify: job => notifier.deliver(job),
    recover: job => recovery.accept(job),
  });
  const recovery: Recovery = createRecovery(
    { clock, random, exec, query, state, log, metrics },
    recoverySettings(),
    {
      onUpdate: update => dispatcher.recovery(update),
      onNoPlaybook: fingerprint => dispatcher.recoveryVerdict(fingerprint, 'no_playbook'),
    },
  );

  return {
    dispatcher,
    notifier,
    recovery,
    reload() {
      notifier.reload(notifyConfig());
      dispatcher.reload(dispatchConfig());
      recovery.reload(recoverySettings());
    },
  };
}
