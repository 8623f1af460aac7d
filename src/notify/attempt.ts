// One attempt with a deadline that holds even if a channel ignores it, and the bound on attempts at once.

import { type Clock, sleep, withDeadline } from '../base/index.ts';
import type { DeliveryOutcome } from '../model/index.ts';
import { ATTEMPT_MS_MAX, type Message } from './channel.ts';
import type { DestinationSender } from './receivers.ts';

/** Attempts at once for one destination: enough for a storm, too few to be taken for an attack. */
export const DESTINATION_SENDS_MAX = 4;
/** After its signal a channel may take so long to end; then it is left behind. */
const ABORT_GRACE_MS = 1000;

export interface Attempt {
  readonly clock: Clock;
  readonly destination: DestinationSender;
  readonly message: Message;
  readonly timeoutMs: number;
}

/** Never throws: a channel that fails by a bug is a refusal for good. */
export async function attemptOnce(attempt: Attempt): Promise<DeliveryOutcome> {
  const { clock, destination, message } = attempt;
  const timeoutMs = Math.min(attempt.timeoutMs, ATTEMPT_MS_MAX);
  const over = new AbortController();
  const work = withDeadline(clock, timeoutMs, inner => destination.sender.send(message, inner)).catch(
    (error: unknown): DeliveryOutcome => ({
      kind: 'drop',
      reason: 'channel failed',
      detail: error instanceof Error ? error.message : String(error),
    }),
  );
  const late = sleep(clock, timeoutMs + ABORT_GRACE_MS, over.signal).then(
    (): DeliveryOutcome => ({
      kind: 'retry',
      reason: 'attempt-timeout',
      detail: `no answer within ${timeoutMs / 1000} s`,
    }),
  );
  const outcome = await Promise.race([work, late]);
  // With a reason: without one an exception with a stack is made each time.
  over.abort('answered');
  return outcome;
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
