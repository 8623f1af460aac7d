// Journal events that belong to no stage: what became of a target, and which configuration is in force.

import type { Effects, JournalEvent, TargetStatus } from '../model/index.ts';

export interface Stamp {
  readonly atMs: number;
  readonly effects: Effects;
  readonly configVersion: string;
}

export function healthEvent(status: TargetStatus, stamp: Stamp): JournalEvent {
  const { id, job, url, health, lastError, lastSamples } = status;
  return {
    ...stamp,
    stage: 'collect',
    subject: { kind: 'target', id },
    alerts: [],
    verdict: health,
    reason: health === 'down' ? `${url}: ${lastError}` : `${url} delivers ${lastSamples} samples`,
    evidence: { job, url, name: `${job} ${url}` },
  };
}

/** So that an explanation of a past time names the configuration of then. */
export function configEvent(files: readonly string[], stamp: Stamp): JournalEvent {
  const from = files.length === 0 ? 'the stock configuration' : files.join(', ');
  return {
    ...stamp,
    stage: 'config',
    subject: { kind: 'system' },
    alerts: [],
    verdict: 'in_force',
    // With the version, so that another content of the same files is an event of its own.
    reason: `${from} (version ${stamp.configVersion})`,
    evidence: { files },
  };
}

/** The one in force stays. */
export function refusedConfigEvent(problems: readonly string[], stamp: Stamp): JournalEvent {
  return {
    ...stamp,
    stage: 'config',
    subject: { kind: 'system' },
    alerts: [],
    verdict: 'refused',
    reason: problems[0] ?? 'it could not be read',
    evidence: { problems: problems.slice(0, PROBLEMS_MAX) },
  };
}

/** Problems kept of one refused configuration. */
const PROBLEMS_MAX = 20;
