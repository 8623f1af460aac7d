// What a channel is: one file a kind, with its own schema, made into senders by `create`.

import type { Clock, Exec, Http, Mail, Result } from '../base/index.ts';
import type { Kind } from '../config/index.ts';
import type { DeliveryOutcome, NotificationJob } from '../model/index.ts';
import type { NotificationData } from './data.ts';

/** Fills a template in. `html` escapes what it inserts. */
export type RenderText = (
  template: string,
  data: NotificationData,
  mode: 'text' | 'html',
) => Result<string, { readonly message: string }>;

export interface ChannelPorts {
  readonly clock: Clock;
  readonly http: Http;
  readonly mail: Mail;
  readonly exec: Exec;
  readonly render: RenderText;
}

export interface Message {
  readonly job: NotificationJob;
  /** Name of the receiver, as messages show it. */
  readonly receiver: string;
  readonly isTest: boolean;
  /** What the last message about the same group left behind, while the group's alerts go on (DeliveryOutcome's `memo`). */
  readonly memo?: Readonly<Record<string, string>>;
}

/** One integration, ready to send. It ends soon after its signal aborts. */
export interface Sender {
  readonly sendResolved: boolean;
  /** It leaves memos, and gets them. */
  readonly remembers?: boolean;
  send(message: Message, signal: AbortSignal): Promise<DeliveryOutcome>;
}

export interface Channel<T> extends Kind<T> {
  /** Short name: "email". */
  readonly name: string;
  readonly carriedOut: true;
  /** The error says what is missing from the settings. */
  create(settings: T, ports: ChannelPorts): Result<Sender, string>;
}

/** A channel in the registry, where the type of its settings is no longer known. */
export type AnyChannel = Channel<unknown>;

export function erased<T>(channel: Channel<T>): AnyChannel {
  return {
    ...channel,
    // The settings that come back were read by this same channel's schema: config keeps kind and settings together.
    create: (settings, ports) => channel.create(settings as T, ports),
  };
}

/** Longest time of one attempt, whatever a channel's own time limit says. */
export const ATTEMPT_MS_MAX = 60_000;
/** Usual time limit of one attempt. */
export const ATTEMPT_MS = 20_000;
