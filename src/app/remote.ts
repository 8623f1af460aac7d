// Samples to stores elsewhere: from `remote_write` of the configuration to what remote/ is told, and from the store's log to it.

import { createHash } from 'node:crypto';
import { type Config, type RemoteWriteConfig, requestPartsOf, settingsKey } from '../config/index.ts';
import type { Effects, Metrics } from '../model/index.ts';
import { createRemoteWriter, type RemoteWriter, type RemoteWriteTarget } from '../remote/index.ts';
import type { Store } from '../storage/index.ts';
import type { SystemPorts } from './ports.ts';
import { VERSION } from './version.ts';

export interface JoinedRemote extends Omit<RemoteWriter, 'load'> {
  load(config: Config): Promise<void>;
}

export function joinRemote(
  { clock, random, disk, http, log }: Pick<SystemPorts, 'clock' | 'random' | 'disk' | 'http' | 'log'>,
  {
    store,
    metrics,
    effects,
    dataFolder,
  }: {
    readonly store: Store;
    readonly metrics: Metrics;
    readonly effects: Effects;
    readonly dataFolder: string;
  },
): JoinedRemote {
  const writer = createRemoteWriter({
    clock,
    random,
    disk,
    http,
    log,
    metrics,
    effects,
    accepted: store.acceptedLog,
    metadata: () => store.metadata(),
    folder: `${dataFolder}/remote-write`,
    userAgent: `Watchkeeper/${VERSION}`,
  });
  return {
    load: config => writer.load(remoteWriteTargetsOf(config)),
    status: () => writer.status(),
    stop: graceMs => writer.stop(graceMs),
  };
}

export function remoteWriteTargetsOf({ remoteWrite, global }: Config): readonly RemoteWriteTarget[] {
  const seen = new Map<string, number>();
  return remoteWrite.map(one => {
    const { externalLabels } = global;
    const key = settingsKey({ one, externalLabels });
    const hash = createHash('sha256')
      .update(one.name === '' ? key : one.name)
      .digest('hex')
      .slice(0, 12);
    // Equal ones count up, so that each has a place of its own.
    const count = seen.get(hash) ?? 0;
    seen.set(hash, count + 1);
    const id = count === 0 ? hash : `${hash}-${count}`;
    return {
      ...targetOf(one),
      id,
      name: one.name === '' ? id.slice(0, 6) + id.slice(12) : one.name,
      key,
      externalLabels,
    };
  });
}

function targetOf(one: RemoteWriteConfig): Omit<RemoteWriteTarget, 'id' | 'name' | 'key' | 'externalLabels'> {
  const { url, timeoutMs, relabelRules, exemplars, nativeHistograms, protocol, queue, metadata } = one;
  const request = requestPartsOf(one.http);
  const own = Object.fromEntries([...one.headers].map(([name, value]) => [name.toLowerCase(), value]));
  return {
    url,
    timeoutMs,
    request: { ...request, headers: { ...request.headers, ...own } },
    relabel: relabelRules,
    exemplars,
    nativeHistograms,
    protocol,
    queue,
    metadata,
  };
}
