// Threads by node:worker_threads: both ends.

import { parentPort, Worker } from 'node:worker_threads';
import { assert, type StartThread, type ThreadPort } from '../base/index.ts';

/** Threads that run the module at this URL. */
export function startThread(url: URL, name: string): StartThread {
  return ({ onMessage, onEnd }) => {
    const worker = new Worker(url, { name });
    worker.on('message', onMessage);
    worker.on('error', error => onEnd(error instanceof Error ? error.message : String(error)));
    worker.on('exit', code => onEnd(`exit code ${code}`));
    return {
      post: message => worker.postMessage(message),
      end: async () => {
        await worker.terminate();
      },
    };
  };
}

/** To be called in a thread: the way to whoever started it. */
export function threadPort(): ThreadPort {
  const port = parentPort;
  assert(port !== null, 'a thread has been started by another');
  return {
    post: message => port.postMessage(message),
    onMessage: listener => {
      port.on('message', listener);
    },
  };
}
