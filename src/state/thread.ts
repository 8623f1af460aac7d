// The database in a thread of its own: the only file that imports node:worker_threads. Both ends are here, so that
// their messages are read beside each other.

import { parentPort, Worker } from 'node:worker_threads';
import { assert, err, never, ok, type Result } from '../base/index.ts';
import type { StateFailure } from '../model/index.ts';
import type { PackedCommit } from './columns.ts';
import type { StateDatabase } from './database.ts';
import type { DatabaseSettings, OpenFailure, StateEngine, StateReads } from './engine.ts';
import { openDatabase } from './open-database.ts';
import { type CommitResult, commitPacked } from './pack-group.ts';

type Request =
  | { readonly kind: 'open'; readonly settings: DatabaseSettings }
  | { readonly kind: 'commit'; readonly id: number; readonly group: readonly PackedCommit[] }
  | { readonly kind: 'read'; readonly id: number; readonly read: keyof StateReads; readonly ask: unknown }
  | { readonly kind: 'backup'; readonly id: number; readonly path: string }
  | { readonly kind: 'close'; readonly id: number };

interface Reply {
  readonly id: number;
  readonly value: unknown;
}

/** Id of the reply that says how opening went. */
const OPENED = 0;

// --- the store's side -------------------------------------------------------------------------------

/** One that has no database yet: it takes longer to start than to open one. */
export interface StateThread {
  /** Once. */
  open(settings: DatabaseSettings): Promise<Result<StateEngine, OpenFailure>>;
  /** In place of `open`. */
  end(): Promise<void>;
}

/** `workerUrl`: where the built worker is, if not beside this file. */
export function startThread(workerUrl: URL = new URL('../state/worker.js', import.meta.url)): StateThread {
  const worker = new Worker(workerUrl, { name: 'state' });
  const waiting = new Map<number, { answer(value: unknown): void; fail(failure: StateFailure): void }>();
  let lastId = OPENED;
  let path = '';
  let ended: string | undefined;
  const dead = (cause: string): StateFailure => ({
    code: 'state-io',
    message: `Cannot use "${path}": its thread ended: ${cause}`,
  });
  const die = (cause: string): void => {
    ended ??= cause;
    for (const one of waiting.values()) one.fail(dead(ended));
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
      if (ended !== undefined) resolve(whenDead(dead(ended)));
      else
        waiting.set(id, {
          answer: value => resolve(value as T),
          fail: failure => resolve(whenDead(failure)),
        });
    });
  const send = (request: Request): void => {
    if (ended === undefined) worker.postMessage(request);
  };

  const engine: StateEngine = {
    commit: group =>
      commitPacked(group, async commits => {
        const id = ++lastId;
        send({ kind: 'commit', id, group: commits });
        const failed = await wait<readonly CommitResult[] | undefined>(id, failure =>
          commits.map(() => err(failure)),
        );
        return failed ?? commits.map(() => ok(undefined));
      }),
    read: (read, ask) => {
      const id = ++lastId;
      send({ kind: 'read', id, read, ask });
      return wait(id, failure => err(failure));
    },
    backup: path => {
      const id = ++lastId;
      send({ kind: 'backup', id, path });
      return wait(id, failure => err(failure));
    },
    close: async () => {
      const id = ++lastId;
      send({ kind: 'close', id });
      await wait<unknown>(id, () => undefined);
      await worker.terminate();
    },
  };
  return {
    async open(settings) {
      path = settings.path;
      send({ kind: 'open', settings });
      const opened = await wait<Result<void, OpenFailure>>(OPENED, failure =>
        err({ code: 'state-io', message: failure.message }),
      );
      if (opened.ok) return ok(engine);
      await worker.terminate();
      return opened;
    },
    async end() {
      await worker.terminate();
    },
  };
}

// --- the worker's side ------------------------------------------------------------------------------

/** Runs in the worker until it is told to close. */
export function serveThread(): void {
  const port = parentPort;
  assert(port !== null, 'the state worker runs in a worker');
  const reply = (id: number, value: unknown): void => port.postMessage({ id, value } satisfies Reply);
  let database: StateDatabase | undefined;
  const opened = (): StateDatabase => {
    assert(database !== undefined, 'the database is opened first, and not used when that failed');
    return database;
  };
  const open = (settings: DatabaseSettings): Result<void, OpenFailure> => {
    const made = openDatabase(settings);
    if (!made.ok) return made;
    database = made.value;
    return ok(undefined);
  };
  port.on('message', (request: Request) => {
    switch (request.kind) {
      case 'open':
        return reply(OPENED, open(request.settings));
      case 'commit': {
        const results = opened().commit(request.group);
        // Nearly always all of them went through: that is said in one word.
        return reply(request.id, results.every(one => one.ok) ? undefined : results);
      }
      case 'read':
        // `read` on the other side keeps question and kind together.
        return reply(request.id, opened().read(request.read, request.ask as never));
      case 'backup':
        return reply(request.id, opened().backup(request.path));
      case 'close':
        opened().close();
        return reply(request.id, undefined);
      default:
        return never(request);
    }
  });
}
