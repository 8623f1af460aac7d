// What the process collects of itself and of its machine: targets that are not scraped.

import { createHostCollector } from '../collect/host/index.ts';
import {
  createInProcessRunner,
  type InProcessRunner,
  type InProcessTarget,
} from '../collect/inprocess/index.ts';
import type { Config } from '../config/index.ts';
import { labelsFrom, targetId } from '../model/index.ts';
import type { Store } from '../storage/index.ts';
import type { SystemPorts } from './ports.ts';
import { hostSettingsOf } from './settings.ts';

/** Undefined where the configuration wants no host metrics. */
export function hostRunner(ports: SystemPorts, config: Config, store: Store): InProcessRunner | undefined {
  if (!config.host.enabled) return undefined;
  const { disk, exec, clock, log, hostFacts } = ports;
  const collector = createHostCollector({
    disk,
    exec,
    clock,
    facts: hostFacts,
    log,
    settings: hostSettingsOf(config),
  });
  return createInProcessRunner({
    source: signal => collector.collect(signal),
    writer: store,
    clock,
    log,
    target: inProcessTarget('host', hostFacts.hostname(), config.host.intervalMs),
  });
}

export function inProcessTarget(job: string, instance: string, intervalMs: number): InProcessTarget {
  return {
    id: targetId(`${job}/${instance}`),
    job,
    labels: labelsFrom({ job, instance }),
    intervalMs,
    timeoutMs: intervalMs,
  };
}
