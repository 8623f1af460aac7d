// The dead man's switch: a sign of life to a URL, as long as the whole chain works. Whoever watches that URL raises the
// alarm when the sign stays away: this program cannot tell of its own death.
//
// The sign is the message of an alert that always fires. Its value is the time of the last sample that the program took
// of itself, so that a stage that stands still shows: no samples or no evaluation and the value grows old, no dispatch
// and no message comes, no delivery and nothing is sent.

import { err, ok } from '../base/index.ts';
import {
  boolean,
  duration,
  exclusive,
  httpUrlSecret,
  INVALID,
  mapped,
  optional,
  record,
  requireOneOf,
  type Schema,
  type Secret,
  secretFile,
  text,
  withDefault,
} from '../config/index.ts';
import type { Alert, DeliveryOutcome } from '../model/index.ts';
import { ATTEMPT_MS, ATTEMPT_MS_MAX, type Channel, type ChannelPorts, type Message } from './channel.ts';
import { type HttpClient, httpClientSchema } from './client.ts';
import { outcomeOfHttp } from './http-outcome.ts';
import { askProvider } from './post.ts';
import { webhookBody } from './webhook-body.ts';

/** As often as services that wait for it usually expect. */
const INTERVAL_MS = 60_000;
/** Below it the sign would cost more than what it watches. */
const INTERVAL_MS_MIN = 10_000;

/** The rule's name, by which the route finds its alert. */
export const HEARTBEAT_ALERT = 'WatchkeeperHeartbeat';
/** Under which the delivery log and the metrics know it. */
export const HEARTBEAT_RECEIVER = 'watchkeeper-heartbeat';

export interface HeartbeatSettings {
  readonly url: Secret;
  readonly intervalMs: number;
  /** How old the last sample may be when the sign goes out. */
  readonly maxAgeMs: number;
  readonly method: 'GET' | 'POST';
  readonly timeoutMs: number;
  readonly http: HttpClient | undefined;
  /** Without effect while false: the section may stay in the file. */
  readonly enabled: boolean;
}

const schema: Schema<HeartbeatSettings> = mapped(
  record(
    {
      enabled: withDefault(boolean(), true, 'Send it at all.'),
      url: optional(httpUrlSecret(), 'Where the sign of life goes.'),
      url_file: optional(secretFile(), 'A file that holds it.'),
      interval: withDefault(duration({ min: INTERVAL_MS_MIN }), INTERVAL_MS, 'How often.'),
      method: withDefault(text({ oneOf: ['GET', 'POST'] }), 'GET', 'POST carries the JSON of a webhook.'),
      timeout: withDefault(
        duration({ min: 1, max: ATTEMPT_MS_MAX }),
        ATTEMPT_MS,
        'Longest time of one attempt.',
      ),
      http_config: optional(httpClientSchema, 'Authentication, TLS, proxy.'),
    },
    (_, context, node) => {
      exclusive(node, context, ['url', 'url_file']);
      requireOneOf(node, context, ['url', 'url_file']);
    },
  ),
  value => {
    const url = value.url ?? value.url_file;
    // What is missing was reported by the check above.
    if (url === undefined) return INVALID;
    return {
      url,
      intervalMs: value.interval,
      maxAgeMs: 2 * value.interval,
      method: value.method === 'POST' ? 'POST' : 'GET',
      timeoutMs: value.timeout,
      http: value.http_config,
      enabled: value.enabled,
    };
  },
);

/** Not among the channels that receivers list: the program makes its receiver itself. */
export const heartbeat: Channel<HeartbeatSettings> = {
  key: 'heartbeat',
  name: 'heartbeat',
  schema,
  carriedOut: true,
  create(settings, ports) {
    if (settings.url.reveal().trim() === '') return err('the file named by url_file is empty');
    return ok({
      // That it ended is no sign of life.
      sendResolved: false,
      send: (message, signal) => beat({ settings, ports, message }, signal),
    });
  },
};

interface Beat {
  readonly settings: HeartbeatSettings;
  readonly ports: ChannelPorts;
  readonly message: Message;
}

async function beat({ settings, ports, message }: Beat, signal: AbortSignal): Promise<DeliveryOutcome> {
  const nowMs = ports.clock.nowMs();
  const stale = message.job.alerts.find(alert => !isFresh(alert, settings, nowMs));
  if (stale !== undefined && !message.isTest) {
    const seconds = Math.round(nowMs / 1000 - stale.value);
    const detail =
      stale.state === 'firing'
        ? `the last sample that was evaluated is ${seconds} s old`
        : `its alert is ${stale.state}, not firing`;
    return { kind: 'drop', reason: 'no sign of life', detail };
  }
  const isPost = settings.method === 'POST';
  const answer = await askProvider(
    {
      ports,
      url: settings.url.reveal().trim(),
      body: isPost ? webhookBody({ ...message, alertsMax: 0 }, ports.render) : undefined,
      client: settings.http,
      timeoutMs: settings.timeoutMs,
    },
    signal,
  );
  return outcomeOfHttp(answer, nowMs);
}

/** A clock that was set back makes samples of the future: they are as little a sign of life as old ones. */
function isFresh(alert: Alert, { maxAgeMs }: HeartbeatSettings, nowMs: number): boolean {
  return alert.state === 'firing' && Math.abs(nowMs - alert.value * 1000) <= maxAgeMs;
}
