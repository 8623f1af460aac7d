// One life of the process: the ports that it sees. When it dies, nothing reaches it any more and nothing that it
// began goes on: its timers never fire, its calls are never answered.

import type { SystemPorts } from '../../src/app/index.ts';
import {
  type Clock,
  type Disk,
  type DiskFile,
  err,
  type Log,
  type LogFields,
  type LogLevel,
  ok,
} from '../../src/base/index.ts';
import type { Durability, StateFailure, StateStore, StateWrite } from '../../src/model/index.ts';
import type { FakeClock } from '../support/clock.ts';
import type { FakeDisk } from '../support/disk.ts';
import { FakeDns } from '../support/dns.ts';
import { FakeHttpServer } from '../support/http.ts';
import { seededRandom } from '../support/random.ts';
import { MemoryState, type StateImage } from '../support/state.ts';
import { HOST_FACTS, OWN_FACTS } from '../support/system-ports.ts';
import type { Outside } from './outside.ts';

/** The last lines of the log that a failing run prints. */
const LOG_LINES_KEPT = 400;

export interface LifeHooks {
  /** Before each commit: true kills the process there. */
  dies(when: 'before' | 'after'): boolean;
  /** Before each call of the disk: true kills the process there, in the middle of a write. */
  diesAtDiskCall(): boolean;
  kill(): void;
  stateFails(): boolean;
  onWrites(writes: readonly StateWrite[], committed: boolean): void;
  onScrape(found: NonNullable<ReturnType<Outside['scraped']>>, startedAtMs: number): void;
}

export class Life {
  alive = true;
  readonly state: MemoryState;
  readonly ports: SystemPorts;

  constructor(parts: {
    readonly number: number;
    readonly seed: number;
    readonly clock: FakeClock;
    readonly disk: FakeDisk;
    readonly image: StateImage;
    readonly outside: Outside;
    readonly hooks: LifeHooks;
    readonly lines: string[];
  }) {
    const { clock, outside, hooks } = parts;
    this.state = new MemoryState({ clock }, parts.image);
    const guarded = <T>(work: Promise<T>): Promise<T> =>
      new Promise((resolve, reject) => {
        work.then(
          value => {
            if (this.alive) resolve(value);
          },
          (error: unknown) => {
            if (this.alive) reject(error);
          },
        );
      });
    this.ports = {
      clock: this.#clock(clock),
      random: seededRandom(parts.seed * 1000 + parts.number),
      disk: mortalDisk(parts.disk.mount(), hooks),
      dns: new FakeDns(),
      http: {
        request: (request, signal) => {
          if (!this.alive) return new Promise(() => {});
          const startedAtMs = clock.nowMs();
          const answer = outside.http.request(request, signal).then(result => {
            const found = outside.scraped(request, result.ok ? result.value.status : undefined);
            const aborted = !result.ok && result.error.code === 'http-aborted';
            if (this.alive && found !== undefined && !aborted) hooks.onScrape(found, startedAtMs);
            if (this.alive && found === undefined && result.ok) outside.hookAnswered(request);
            return result;
          });
          return guarded(answer);
        },
      },
      httpServer: new FakeHttpServer(),
      mail: {
        send: (message, signal) => {
          if (!this.alive) return new Promise(() => {});
          return guarded(
            outside.mail.send(message, signal).then(result => {
              if (this.alive && result.ok) outside.mailAnswered(message);
              return result;
            }),
          );
        },
      },
      exec: {
        run: (request, signal) =>
          this.alive ? guarded(outside.exec.run(request, signal)) : new Promise(() => {}),
      },
      log: ringLog(clock, parts.lines),
      // The configuration turns the collector of the host off.
      hostFacts: { ...HOST_FACTS, hostname: () => 'sim' },
      ownFacts: OWN_FACTS,
      env: {},
      openState: async () => ok(watchedState(this.state, this, hooks)),
      asset: async () => undefined,
    };
  }

  #clock(clock: FakeClock): Clock {
    return {
      nowMs: () => clock.nowMs(),
      monotonicMs: () => clock.monotonicMs(),
      after: (delayMs, fire) =>
        this.alive
          ? clock.after(delayMs, () => {
              if (this.alive) fire();
            })
          : { cancel: () => {} },
    };
  }
}

/** Every call is a place where the process may die; of a write that it dies in half the bytes are there. */
function mortalDisk(disk: Disk, hooks: LifeHooks): Disk {
  const mortal =
    <A extends unknown[], T>(call: (...args: A) => Promise<T>) =>
    (...args: A): Promise<T> => {
      if (!hooks.diesAtDiskCall()) return call(...args);
      hooks.kill();
      return new Promise(() => {});
    };
  const mortalFile = (file: DiskFile): DiskFile => ({
    path: file.path,
    sizeBytes: mortal(file.sizeBytes),
    read: mortal(file.read),
    truncate: mortal(file.truncate),
    sync: mortal(file.sync),
    close: mortal(file.close),
    write: (bytes, position) => {
      if (!hooks.diesAtDiskCall()) return file.write(bytes, position);
      void file.write(bytes.subarray(0, bytes.length >> 1), position);
      hooks.kill();
      return new Promise(() => {});
    },
  });
  return {
    open: mortal(async (path, mode) => {
      const opened = await disk.open(path, mode);
      return opened.ok ? ok(mortalFile(opened.value)) : opened;
    }),
    readFile: mortal(disk.readFile),
    list: mortal(disk.list),
    stat: mortal(disk.stat),
    readLink: mortal(disk.readLink),
    space: mortal(disk.space),
    makeFolder: mortal(disk.makeFolder),
    rename: mortal(disk.rename),
    remove: mortal(disk.remove),
    syncFolder: mortal(disk.syncFolder),
    lock: mortal(disk.lock),
  };
}

/** Every commit is a place where the process may die or the database fail, and all writes are seen. */
function watchedState(state: MemoryState, life: Life, hooks: LifeHooks): StateStore {
  const commit = async (writes: readonly StateWrite[], durability: Durability) => {
    if (!life.alive) return new Promise<never>(() => {});
    if (hooks.stateFails()) {
      hooks.onWrites(writes, false);
      const failure: StateFailure = { code: 'state-io', message: 'Cannot write: injected by the simulation' };
      return err(failure);
    }
    if (hooks.dies('before')) {
      hooks.kill();
      return new Promise<never>(() => {});
    }
    const done = state.commit(writes, durability);
    hooks.onWrites(writes, true);
    if (hooks.dies('after')) {
      hooks.kill();
      return new Promise<never>(() => {});
    }
    return done;
  };
  return {
    commit,
    journal: filter => state.journal(filter),
    knownAlerts: filter => state.knownAlerts(filter),
    deliveries: filter => state.deliveries(filter),
    notificationLog: () => state.notificationLog(),
    openIntents: () => state.openIntents(),
    recoveryRuns: filter => state.recoveryRuns(filter),
    ruleAlerts: () => state.ruleAlerts(),
    postedAlerts: () => state.postedAlerts(),
    silences: () => state.silences(),
    setting: key => state.setting(key),
    backup: path => state.backup(path),
    close: () => state.close(),
  };
}

function ringLog(clock: FakeClock, lines: string[]): Log {
  return {
    log(level: LogLevel, message: string, fields: LogFields = {}) {
      if (level === 'debug') return;
      lines.push(`${(clock.monotonicMs() / 1000).toFixed(3)} ${level} ${message} ${JSON.stringify(fields)}`);
      if (lines.length > LOG_LINES_KEPT) lines.shift();
    },
  };
}
