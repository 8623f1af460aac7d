// A thread that is none: what runs in it runs here, and each message is copied on its way as a real one would be.

import type { StartThread, ThreadListener, ThreadPort } from '../../src/base/index.ts';

export interface LoopbackThreads {
  readonly start: StartThread;
  /** How many are running. */
  readonly running: number;
  readonly started: number;
  /** Ends all, as an error in them would. */
  fail(cause: string): void;
}

export function loopbackThreads(run: (port: ThreadPort) => void): LoopbackThreads {
  const running = new Set<ThreadListener>();
  let started = 0;
  return {
    start: listener => {
      let listen: (message: unknown) => void = () => undefined;
      const isRunning = (): boolean => running.has(listener);
      const port: ThreadPort = {
        post: message => {
          const copy: unknown = structuredClone(message);
          queueMicrotask(() => {
            if (isRunning()) listener.onMessage(copy);
          });
        },
        onMessage: next => {
          listen = next;
        },
      };
      started++;
      running.add(listener);
      run(port);
      return {
        post: message => {
          const copy: unknown = structuredClone(message);
          queueMicrotask(() => {
            if (isRunning()) listen(copy);
          });
        },
        end: () => {
          running.delete(listener);
          return Promise.resolve();
        },
      };
    },
    get running() {
      return running.size;
    },
    get started() {
      return started;
    },
    fail: cause => {
      for (const listener of [...running]) {
        running.delete(listener);
        listener.onEnd(cause);
      }
    },
  };
}
