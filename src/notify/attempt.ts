// One attempt with a deadline that holds even if a channel ignores it, and the bound on attempts at once.

import type { Clock } from '../base/index.ts';
import type { DeliveryOutcome } from '../model/index.ts';
import { ATTEMPT_MS_MAX, type Message } from './channel.ts';
import type { DestinationSender } from './receivers.ts';

/** Attempts at once for one destination: enough for a storm at a receiver that takes its time, too few to be taken for an attack. */
export const DESTINATION_SENDS_MAX = 16;
/** After its signal a channel may take so long to end; then it is left behind. */
const ABORT_GRACE_MS = 1000;

export interface Attempt {
  readonly clock: Clock;
  readonly destination: DestinationSender;
  readonly message: Message;
  readonly timeoutMs: number;
}

/** Never throws: a channel that fails by a bug is a refusal for good. */
export function attemptOnce({ clock, destination, message, ...limit }: Attempt): Promise<DeliveryOutcome> {
  const timeoutMs = Math.min(limit.timeoutMs, ATTEMPT_MS_MAX);
  return new Promise(resolve => {
    const deadline = new AbortController();
    const leave = (): void => {
      resolve({ kind: 'retry', reason: 'attempt-timeout', detail: `no answer within ${timeoutMs / 1000} s` });
    };
    let timer = clock.after(timeoutMs, () => {
      timer = clock.after(ABORT_GRACE_MS, leave);
      deadline.abort(new Error('deadline exceeded'));
    });
    const end = (outcome: DeliveryOutcome): void => {
      timer.cancel();
      resolve(outcome);
    };
    sent(destination, message, deadline.signal).then(end, (error: unknown) => {
      const detail = error instanceof Error ? error.message : String(error);
      end({ kind: 'drop', reason: 'channel failed', detail });
    });
  });
}

/** A channel that throws before it promises anything fails like one that breaks its promise. */
async function sent(
  { sender }: DestinationSender,
  message: Message,
  signal: AbortSignal,
): Promise<DeliveryOutcome> {
  return sender.send(message, signal);
}

interface Lane {
  used: number;
  readonly queue: (() => void)[];
}

/** Owns the slots: one lane a destination, so that one that hangs holds nobody else up. */
export class Lanes {
  readonly #lanes = new Map<string, Lane>();

  /** Waits for a slot; the answer gives it back. Undefined when the signal aborts first. */
  async enter(key: string, signal: AbortSignal): Promise<(() => void) | undefined> {
    const lane = this.#lanes.get(key) ?? { used: 0, queue: [] };
    this.#lanes.set(key, lane);
    if (signal.aborted) return undefined;
    if (lane.used >= DESTINATION_SENDS_MAX) {
      const granted = await waitInLine(lane, signal);
      if (!granted) return undefined;
    } else {
      lane.used += 1;
    }
    return () => {
      // The slot goes straight to the next in line, so that a newcomer cannot take it.
      const next = lane.queue.shift();
      if (next !== undefined) next();
      else lane.used -= 1;
      if (lane.used === 0) this.#lanes.delete(key);
    };
  }
}

function waitInLine(lane: Lane, signal: AbortSignal): Promise<boolean> {
  return new Promise(resolve => {
    const grant = (): void => {
      signal.removeEventListener('abort', leave);
      resolve(true);
    };
    const leave = (): void => {
      const at = lane.queue.indexOf(grant);
      if (at >= 0) lane.queue.splice(at, 1);
      resolve(false);
    };
    lane.queue.push(grant);
    signal.addEventListener('abort', leave, { once: true });
  });
}
