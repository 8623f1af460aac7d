// Receivers: their integrations made into senders, and the names of the ways out ("destinations").

import { ok } from '../base/index.ts';
import type { AnyChannel, ChannelPorts, Sender } from './channel.ts';

/** Why a message to a kind of receiver that is read but not acted on was not sent. */
const NOT_CARRIED_OUT = 'not carried out';

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
  /** False: this version cannot send there, and every message is refused, saying so. */
  readonly isCarriedOut: boolean;
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

/** Its messages are journaled as undelivered and go to the fallback, the ends of alerts too. */
function notCarriedOut(name: string): Sender {
  const detail = `this version of Watchkeeper does not send to "${name}"; the receiver's fallback gets the message`;
  return { sendResolved: true, send: async () => ({ kind: 'drop', reason: NOT_CARRIED_OUT, detail }) };
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
      const name = channel?.name ?? integration.kind.replace(/_configs$/, '');
      const key = `${receiver.name}/${name}[${integration.index}]`;
      const sender =
        channel === undefined ? ok(notCarriedOut(name)) : channel.create(integration.settings, ports);
      if (!sender.ok) {
        problems.push(`${key}: ${sender.error}`);
        continue;
      }
      own.push({
        key,
        receiver: receiver.name,
        channel: name,
        isCarriedOut: channel !== undefined,
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
