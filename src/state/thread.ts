// The database in a thread of its own: the only file that imports node:worker_threads. Both ends are here, so that
// their messages are read beside each other.

import { parentPort, Worker, workerData } from 'node:worker_threads';
import { assert, err, never, ok, type Result } from '../base/index.ts';
import type { StateFailure } from '../model/index.ts';
import type { StateDatabase } from './database.ts';
import type { Commit, DatabaseSettings, OpenFailure, StateEngine, StateReads } from './engine.ts';
import { openDatabase } from './open-database.ts';

type Request =
  | { readonly kind: 'commit'; readonly id: number; readonly group: readonly Commit[] }
  | { readonly kind: 'read'; readonly id: number; readonly read: keyof StateReads; readonly ask: unknown }
  | { readonly kind: 'close'; readonly id: number };

interface Reply {
  readonly id: number;
  readonly value: unknown;
}

/** Id of the reply that says how opening went. */
const OPENED = 0;

// --- the store's side -------------------------------------------------------------------------------

/** Starts the worker and waits until it has opened the database. */
export async function startThread(
  workerUrl: URL,
  settings: DatabaseSettings,
): Promise<Result<StateEngine, OpenFailure>> {
  const worker = new Worker(workerUrl, { workerData: settings, name: 'state' });
  const waiting = new Map<number, { answer(value: unknown): void; fail(failure: StateFailure): void }>();
  let lastId = OPENED;
  let dead: StateFailure | undefined;
  const die = (cause: string): void => {
    dead ??= { code: 'state-io', message: `Cannot use "${settings.path}": its thread ended: ${cause}` };
    for (const one of waiting.values()) one.fail(dead);
    waiting.clear();
  };
  worker.on('message', (reply: Reply) => {
    const one = waiting.get(reply.id);
    waiting.delete(reply.id);
    one?.answer(reply.value);
  });
  worker.on('error', error => die(error instanceof Error ? error.message : String(error)));
  worker.on('exit', code => die(`exit code ${code}`));

  // A reply has the shape that the other side below gives to its request.
  const wait = <T>(id: number, whenDead: (failure: StateFailure) => T): Promise<T> =>
    new Promise(resolve => {
      if (dead !== undefined) resolve(whenDead(dead));
      else
        waiting.set(id, {
          answer: value => resolve(value as T),
          fail: failure => resolve(whenDead(failure)),
        });
    });
  const send = (request: Request): void => {
    if (dead === undefined) worker.postMessage(request);
  };

  const opened = await wait<Result<void, OpenFailure>>(OPENED, failure =>
    err({ code: 'state-io', message: failure.message }),
  );
  if (!opened.ok) {
    await worker.terminate();
    return opened;
  }
  return ok({
    commit: group => {
      const id = ++lastId;
      send({ kind: 'commit', id, group });
      return wait<readonly Result<void, StateFailure>[]>(id, failure => group.map(() => err(failure)));
    },
    read: (read, ask) => {
      const id = ++lastId;
      send({ kind: 'read', id, read, ask });
      return wait(id, failure => err(failure));
    },
    close: async () => {
      const id = ++lastId;
      send({ kind: 'close', id });
      await wait<unknown>(id, () => undefined);
      await worker.terminate();
    },
  });
}

// --- the worker's side ------------------------------------------------------------------------------

/** Runs in the worker until it is told to close. */
export function serveThread(): void {
  const port = parentPort;
  assert(port !== null, 'the state worker runs in a worker');
  const reply = (id: number, value: unknown): void => port.postMessage({ id, value } satisfies Reply);
  const settings = workerData as DatabaseSettings;
  const opened = openDatabase(settings);
  if (!opened.ok) {
    reply(OPENED, opened);
    return;
  }
  const database: StateDatabase = opened.value;
  port.on('message', (request: Request) => {
    switch (request.kind) {
      case 'commit':
        return reply(request.id, database.commit(request.group));
      case 'read':
        // `read` on the other side keeps question and kind together.
        return reply(request.id, database.read(request.read, request.ask as never));
      case 'close':
        database.close();
        return reply(request.id, undefined);
      default:
        return never(request);
    }
  });
  reply(OPENED, ok(undefined));
}
