// The dead man's switch, joined: the rule that always fires, the route that takes its alert first, and the receiver that
// sends the sign of life. See src/notify/heartbeat.ts for what it proves.

import type { Config, NamedText, RouteConfig } from '../config/index.ts';
import { type Diagnostic, NO_LABELS } from '../model/index.ts';
import {
  HEARTBEAT_ALERT,
  HEARTBEAT_RECEIVER,
  type HeartbeatSettings,
  heartbeat,
  type ReceiverSpec,
} from '../notify/index.ts';
import { HEARTBEAT_RULES_FILE, heartbeatRules } from '../rules/index.ts';

/** Job of the program's own metrics. */
export const SELF_JOB = 'watchkeeper';

/** The rule is evaluated so many times in each interval: a sign is never put off by a whole one. */
const EVALUATIONS_PER_BEAT = 3;

/** Undefined where there is no such section, or it is switched off. */
export function heartbeatOf(config: Config): HeartbeatSettings | undefined {
  // Our own schema in the registry made it.
  const settings = config.heartbeat as HeartbeatSettings | undefined;
  if (settings?.enabled !== true) return undefined;
  // The program may look at itself more rarely than the sign goes out: then its samples are older.
  const maxAgeMs = Math.max(settings.maxAgeMs, settings.intervalMs + 2 * config.host.intervalMs);
  return { ...settings, maxAgeMs };
}

/** Those of the file, and the one that the section makes. */
export function allReceivers(config: Config): readonly ReceiverSpec[] {
  const settings = heartbeatOf(config);
  if (settings === undefined) return config.receivers;
  return [
    ...config.receivers,
    { name: HEARTBEAT_RECEIVER, channels: [{ kind: heartbeat.key, index: 0, settings }] },
  ];
}

/** The section's receiver has a name of its own, which none of the file's may have. */
export function heartbeatProblems(config: Config): readonly Diagnostic[] {
  const isTaken = config.receivers.some(one => one.name === HEARTBEAT_RECEIVER);
  if (heartbeatOf(config) === undefined || !isTaken) return [];
  return [
    {
      code: 'config-conflict',
      severity: 'error',
      message: `Cannot use the receiver name "${HEARTBEAT_RECEIVER}": the section "heartbeat" makes a receiver of this name`,
      file: 'receivers',
      line: 0,
      column: 0,
      path: 'receivers',
      remedy: 'give the receiver another name',
    },
  ];
}

/** Before all routes of the file: none of them may take the sign, nor wait with it. */
export function heartbeatRoutes(config: Config): readonly RouteConfig[] {
  const settings = heartbeatOf(config);
  if (settings === undefined) return [];
  return [
    {
      receiver: HEARTBEAT_RECEIVER,
      groupBy: [],
      groupWaitMs: 0,
      groupIntervalMs: settings.intervalMs,
      // Less than the interval, so that the time that a sending takes never puts the next one off.
      repeatIntervalMs: Math.floor(settings.intervalMs / 2),
      matchers: [{ name: 'alertname', op: '=', value: HEARTBEAT_ALERT }],
      continue: false,
      notify: 'always',
      muteTimeIntervals: [],
      activeTimeIntervals: [],
      labels: NO_LABELS,
      routes: [],
    },
  ];
}

export function heartbeatRuleFiles(config: Config, hostname: string): readonly NamedText[] {
  const settings = heartbeatOf(config);
  if (settings === undefined) return [];
  const text = heartbeatRules({
    alert: HEARTBEAT_ALERT,
    job: SELF_JOB,
    instance: hostname,
    intervalMs: settings.intervalMs / EVALUATIONS_PER_BEAT,
  });
  return [{ path: HEARTBEAT_RULES_FILE, text }];
}
