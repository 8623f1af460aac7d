// Waiting, always through a Clock and always abortable.

import type { Clock } from './ports.ts';

/** Resolves true after `delayMs`, or false at once when the signal aborts. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<boolean> {
  if (signal?.aborted) return Promise.resolve(false);
  return new Promise(resolve => {
    const stop = (): void => {
      timer.cancel();
      resolve(false);
    };
    const timer = clock.after(delayMs, () => {
      signal?.removeEventListener('abort', stop);
      resolve(true);
    });
    signal?.addEventListener('abort', stop, { once: true });
  });
}

/**
 * For long work in pieces: called between them, it waits one turn of the event loop when `sliceMs` are used up, so that
 * nothing else waits much longer than that.
 */
export function breather(clock: Clock, sliceMs: number): () => Promise<void> {
  let sinceMs = clock.monotonicMs();
  return async () => {
    if (clock.monotonicMs() - sinceMs < sliceMs) return;
    await new Promise<void>(resolve => void clock.after(0, resolve));
    sinceMs = clock.monotonicMs();
  };
}

/**
 * Gives `work` a signal that aborts after `timeoutMs` or with `outer`.
 * The work must end soon after its signal aborts; its own result is what is returned.
 */
export async function withDeadline<T>(
  clock: Clock,
  timeoutMs: number,
  work: (signal: AbortSignal) => Promise<T>,
  outer?: AbortSignal,
): Promise<T> {
  const controller = new AbortController();
  const onOuter = (): void => controller.abort(outer?.reason);
  if (outer?.aborted) controller.abort(outer.reason);
  outer?.addEventListener('abort', onOuter, { once: true });
  const timer = clock.after(timeoutMs, () => controller.abort(new Error('deadline exceeded')));
  try {
    return await work(controller.signal);
  } finally {
    timer.cancel();
    outer?.removeEventListener('abort', onOuter);
  }
}
