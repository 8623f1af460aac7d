// Commands through a few helper processes that live as long as the program: from the first command on, or once told.

import { type ChildProcess, spawn } from 'node:child_process';
import {
  type Exec,
  type ExecError,
  type ExecRequest,
  type ExecResult,
  err,
  ok,
  type Result,
} from '../base/index.ts';
import { type HelperReply, type HelperRequest, helperMain } from './exec-helper.ts';

export interface ExecPool extends Exec {
  /** Starts the helpers now, so that the first command need not wait for them. */
  prepare(): void;
  /** Ends the helpers; what runs is killed. */
  close(): void;
}

export interface ExecPoolSettings {
  /** Two: one that dies leaves another, and a helper handles many commands at once. */
  readonly helpers?: number;
  /** Running and waiting commands beyond this are refused. */
  readonly commandsMax?: number;
}

const HELPERS = 2;
/** Some 200 plugins a second finish in time on one core; a longer backlog would only be late. */
const COMMANDS_MAX = 1000;
/** A helper keeps little more than the output of what runs. */
const HELPER_HEAP_MB = 64;

interface Helper {
  child: ChildProcess;
  readonly waiting: Map<number, (result: Result<ExecResult, ExecError>) => void>;
}

export function execPool(settings: ExecPoolSettings = {}): ExecPool {
  const commandsMax = settings.commandsMax ?? COMMANDS_MAX;
  const helpers: Helper[] = [];
  let lastId = 0;
  let closed = false;

  const prepare = (): void => {
    if (closed || helpers.length > 0) return;
    for (let i = 0; i < (settings.helpers ?? HELPERS); i++) {
      const helper: Helper = { child: startHelper(), waiting: new Map() };
      attach(helper);
      helpers.push(helper);
    }
  };

  function attach(helper: Helper): void {
    const { child } = helper;
    child.on('message', (reply: HelperReply) => {
      const answer = helper.waiting.get(reply.id);
      helper.waiting.delete(reply.id);
      answer?.(resultOf(reply));
    });
    child.on('error', () => {});
    child.on('exit', () => {
      const lost = [...helper.waiting.values()];
      helper.waiting.clear();
      for (const answer of lost)
        answer(failed('exec-failed', 'its helper process died; whether it took effect is not known'));
      if (closed) return;
      helper.child = startHelper();
      attach(helper);
    });
  }

  const run = (request: ExecRequest, signal?: AbortSignal): Promise<Result<ExecResult, ExecError>> => {
    const program = request.argv[0];
    if (signal?.aborted) return Promise.resolve(named(program, failed('exec-aborted', 'the caller gave up')));
    if (closed) return Promise.resolve(named(program, failed('exec-failed', 'the program is ending')));
    // What is sent to one that is still starting waits in its channel.
    prepare();
    const busy = helpers.reduce((count, helper) => count + helper.waiting.size, 0);
    if (busy >= commandsMax) {
      return Promise.resolve(
        named(program, failed('exec-failed', `${commandsMax} commands are under way already`)),
      );
    }
    const helper = helpers.reduce((best, one) => (one.waiting.size < best.waiting.size ? one : best));
    const id = ++lastId;
    return new Promise(resolve => {
      let aborted = false;
      const onAbort = (): void => {
        aborted = true;
        post(helper, { kind: 'kill', id });
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      helper.child.channel?.ref();
      helper.waiting.set(id, result => {
        signal?.removeEventListener('abort', onAbort);
        if (helper.waiting.size === 0) helper.child.channel?.unref();
        resolve(named(program, aborted ? failed('exec-aborted', 'the caller gave up') : result));
      });
      const { argv, env, cwd, stdin, timeoutMs, killGraceMs, outputBytesMax } = request;
      post(helper, { kind: 'run', id, argv, env, cwd, stdin, timeoutMs, killGraceMs, outputBytesMax });
    });
  };

  return {
    run,
    prepare,
    close: () => {
      closed = true;
      for (const { child } of helpers) if (child.connected) child.disconnect();
    },
  };
}

function startHelper(): ChildProcess {
  const source = `(${helperMain.toString()})(require)`;
  const child = spawn(
    process.execPath,
    [`--max-old-space-size=${HELPER_HEAP_MB}`, '--input-type=commonjs', '-e', source],
    {
      // Advanced serialisation carries bytes as bytes. Nothing of the program's environment is passed on.
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      env: {},
      cwd: '/',
    },
  );
  // The helpers must not keep a finished program alive; while a command runs, its caller does.
  child.unref();
  child.channel?.unref();
  return child;
}

function post(helper: Helper, request: HelperRequest): void {
  // A helper that just died answers its commands through 'exit'.
  if (helper.child.connected) helper.child.send(request, () => {});
}

function resultOf(reply: HelperReply): Result<ExecResult, ExecError> {
  if (reply.error !== undefined) {
    if (reply.error === 'ENOENT') return failed('exec-not-found', 'no such program or working folder');
    if (reply.error === 'EACCES' || reply.error === 'EPERM')
      return failed('exec-denied', 'permission denied');
    return failed('exec-failed', reply.error);
  }
  const { exitCode, signal, timedOut, stdout, stderr, truncated, durationMs } = reply;
  return ok({
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(signal === undefined ? {} : { signal }),
    timedOut,
    stdout,
    stderr,
    truncated,
    durationMs,
  });
}

function failed(code: ExecError['code'], cause: string): Result<never, ExecError> {
  return err({ code, message: cause });
}

function named(program: string, result: Result<ExecResult, ExecError>): Result<ExecResult, ExecError> {
  if (result.ok) return result;
  return failed(result.error.code, `Cannot run "${program}": ${result.error.message}`);
}
