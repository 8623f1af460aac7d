// The helper process that starts commands for its parent. It is small and stays so: starting a process from a parent of
// several gigabytes costs tens of milliseconds, from a helper a fraction of one.
//
// `helperMain` is handed to a bare `node -e` as its own source text, so that it runs the same from the built program and
// under the test runner. Hence it is self-contained: all it uses is inside it or comes through `load`.

import type { ChildProcess, SpawnOptions } from 'node:child_process';

export interface HelperRun {
  readonly kind: 'run';
  readonly id: number;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string | undefined;
  readonly stdin: Uint8Array | undefined;
  readonly timeoutMs: number;
  readonly killGraceMs: number;
  readonly outputBytesMax: number;
}

export type HelperRequest = HelperRun | { readonly kind: 'kill'; readonly id: number };

export interface HelperReply {
  readonly id: number;
  /** Set when the command could not be started: the system's name of the error. */
  readonly error?: string;
  readonly exitCode?: number;
  readonly signal?: string;
  readonly timedOut: boolean;
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
  readonly truncated: boolean;
  readonly durationMs: number;
}

/** What the helper loads; a parameter since the function must not refer to anything outside itself. */
export type HelperLoad = (name: 'node:child_process') => {
  spawn(program: string, args: readonly string[], options: SpawnOptions): ChildProcess;
};

export function helperMain(load: HelperLoad): void {
  const { spawn } = load('node:child_process');
  const running = new Map<number, { child: ChildProcess; stop(): void }>();

  /** To the whole group; it may be gone already. */
  const signalGroup = (child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): void => {
    if (child.pid === undefined) return;
    try {
      process.kill(-child.pid, signal);
    } catch {}
  };

  const collector = (stream: ChildProcess['stdout'], bytesMax: number) => {
    const parts: Uint8Array[] = [];
    let size = 0;
    let truncated = false;
    stream?.on('error', () => {});
    stream?.on('data', (chunk: Uint8Array) => {
      // What is beyond the limit is read and thrown away, so that the command does not block on a full pipe.
      const room = bytesMax - size;
      if (chunk.length > room) truncated = true;
      if (room <= 0) return;
      parts.push(chunk.subarray(0, room));
      size += Math.min(chunk.length, room);
    });
    return { bytes: () => new Uint8Array(Buffer.concat(parts)), truncated: () => truncated };
  };

  const run = (request: HelperRun): void => {
    const startedMs = performance.now();
    let timedOut = false;
    let answered = false;
    let ending: { code: number | null; signal: string | null } | undefined;
    const [program = '', ...args] = request.argv;
    const failure = (error: string): void => {
      if (answered) return;
      answered = true;
      running.delete(request.id);
      const empty = new Uint8Array(0);
      const output = { stdout: empty, stderr: empty, truncated: false };
      process.send?.({ id: request.id, error, timedOut: false, durationMs: 0, ...output });
    };
    let child: ChildProcess;
    try {
      child = spawn(program, args, {
        env: request.env,
        detached: true,
        stdio: 'pipe',
        ...(request.cwd === undefined ? {} : { cwd: request.cwd }),
      });
    } catch (error) {
      failure(error instanceof Error && 'code' in error ? String(error.code) : String(error));
      return;
    }
    const stdout = collector(child.stdout, request.outputBytesMax);
    const stderr = collector(child.stderr, request.outputBytesMax);
    let killTimer: NodeJS.Timeout | undefined;
    const finish = (): void => {
      if (answered || ending === undefined) return;
      answered = true;
      clearTimeout(timer);
      clearTimeout(killTimer);
      running.delete(request.id);
      for (const stream of [child.stdout, child.stderr]) stream?.destroy();
      process.send?.({
        id: request.id,
        ...(ending.code === null ? {} : { exitCode: ending.code }),
        ...(ending.signal === null ? {} : { signal: ending.signal }),
        timedOut,
        stdout: stdout.bytes(),
        stderr: stderr.bytes(),
        truncated: stdout.truncated() || stderr.truncated(),
        durationMs: performance.now() - startedMs,
      });
    };
    const stop = (): void => {
      signalGroup(child, 'SIGTERM');
      killTimer ??= setTimeout(() => {
        signalGroup(child, 'SIGKILL');
        finish();
      }, request.killGraceMs);
    };
    const timer = setTimeout(() => {
      timedOut = true;
      stop();
    }, request.timeoutMs);
    running.set(request.id, { child, stop });
    child.on('error', error => {
      clearTimeout(timer);
      failure('code' in error ? String(error.code) : error.message);
    });
    child.on('exit', (code, signal) => {
      ending = { code, signal };
      // A service that the command started may hold its pipes open for ever: after the grace nobody waits for them.
      clearTimeout(timer);
      killTimer ??= setTimeout(finish, request.killGraceMs);
    });
    child.on('close', () => {
      // After a timeout the rest of the group may still be there although the leader and its pipes are gone.
      if (timedOut) signalGroup(child, 'SIGKILL');
      finish();
    });
    child.stdin?.on('error', () => {});
    child.stdin?.end(request.stdin);
  };

  process.on('message', (request: HelperRequest) => {
    if (request.kind === 'run') run(request);
    else running.get(request.id)?.stop();
  });
  // The parent is gone, however it died: nothing it started may outlive it unwatched.
  process.on('disconnect', () => {
    for (const { child } of running.values()) signalGroup(child, 'SIGKILL');
    process.exit(0);
  });
  // Signals meant for the parent (Ctrl-C reaches the whole terminal group) are the parent's to act on.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
}
