// Receivers: their integrations made into senders, and the names of the ways out ("destinations").

import type { AnyChannel, ChannelPorts, Sender } from './channel.ts';

/** As config hands it over. */
export interface Integration {
  /** The channel's key in the file: "email_configs". */
  readonly kind: string;
  /** Position in the receiver's list of this kind. */
  readonly index: number;
  /** As the channel's schema read it. */
  readonly settings: unknown;
}

export interface ReceiverSpec {
  readonly name: string;
  readonly channels: readonly Integration[];
  /** The receiver that gets what this one could not deliver. */
  readonly fallback?: string;
}

export interface DestinationSender {
  /** `ops/email[0]`: receiver, channel, place among the receiver's settings of that channel. */
  readonly key: string;
  readonly receiver: string;
  readonly channel: string;
  readonly sendResolved: boolean;
  readonly fallback: string | undefined;
  readonly sender: Sender;
}

export interface Directory {
  readonly byKey: ReadonlyMap<string, DestinationSender>;
  readonly byReceiver: ReadonlyMap<string, readonly DestinationSender[]>;
  /** Integrations that cannot work with these settings, in words. */
  readonly problems: readonly string[];
}

/** An integration that cannot be made is reported, not dropped in silence; the others of its receiver still work. */
export function buildDirectory(
  receivers: readonly ReceiverSpec[],
  channels: readonly AnyChannel[],
  ports: ChannelPorts,
): Directory {
  const byKey = new Map<string, DestinationSender>();
  const byReceiver = new Map<string, readonly DestinationSender[]>();
  const problems: string[] = [];
  for (const receiver of receivers) {
    const own: DestinationSender[] = [];
    for (const integration of receiver.channels) {
      const channel = channels.find(one => one.key === integration.kind);
      if (channel === undefined) {
        problems.push(`receiver ${receiver.name}: ${integration.kind} is not carried out by this version`);
        continue;
      }
      const key = `${receiver.name}/${channel.name}[${integration.index}]`;
      const sender = channel.create(integration.settings, ports);
      if (!sender.ok) {
        problems.push(`${key}: ${sender.error}`);
        continue;
      }
      own.push({
        key,
        receiver: receiver.name,
        channel: channel.name,
        sendResolved: sender.value.sendResolved,
        fallback: receiver.fallback,
        sender: sender.value,
      });
    }
    for (const one of own) byKey.set(one.key, one);
    byReceiver.set(receiver.name, own);
  }
  return { byKey, byReceiver, problems };
}
