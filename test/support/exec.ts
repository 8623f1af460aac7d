// Commands that never leave the process: each program has a handler, every request is recorded.

import {
  type Clock,
  type Exec,
  type ExecError,
  type ExecRequest,
  type ExecResult,
  err,
  ok,
  type Result,
} from '../../src/base/index.ts';

/** What a handler answers: output and exit code, an error, or how long the command would take. */
export interface FakeExecAnswer {
  readonly exitCode?: number;
  readonly signal?: string;
  readonly stdout?: string | Uint8Array;
  readonly stderr?: string | Uint8Array;
  /** Time on the clock; reaching the request's limit answers `timedOut`. `Infinity` never ends by itself. */
  readonly durationMs?: number;
  readonly error?: ExecError['code'];
}

export type FakeExecHandler = (request: ExecRequest) => FakeExecAnswer | Promise<FakeExecAnswer>;

export class FakeExec implements Exec {
  readonly requests: ExecRequest[] = [];
  readonly #clock: Clock;
  readonly #handlers = new Map<string, FakeExecHandler>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  on(program: string, handler: FakeExecHandler): this {
    this.#handlers.set(program, handler);
    return this;
  }

  async run(request: ExecRequest, signal?: AbortSignal): Promise<Result<ExecResult, ExecError>> {
    this.requests.push(request);
    const program = request.argv[0];
    if (signal?.aborted) return failed('exec-aborted', program, 'the caller gave up');
    const handler = this.#handlers.get(program);
    if (handler === undefined) return failed('exec-not-found', program, 'no such program');
    const answer = await handler(request);
    if (answer.error !== undefined) return failed(answer.error, program, 'the test says so');

    const wantedMs = answer.durationMs ?? 0;
    const timedOut = wantedMs > request.timeoutMs;
    const durationMs = Math.min(wantedMs, request.timeoutMs);
    if (durationMs > 0 && !(await this.#wait(durationMs, signal))) {
      return failed('exec-aborted', program, 'the caller gave up');
    }
    const stdout = bounded(answer.stdout, request.outputBytesMax);
    const stderr = bounded(answer.stderr, request.outputBytesMax);
    const ending = timedOut
      ? { signal: 'SIGTERM' }
      : answer.signal !== undefined
        ? { signal: answer.signal }
        : { exitCode: answer.exitCode ?? 0 };
    return ok({
      ...ending,
      timedOut,
      stdout: stdout.bytes,
      stderr: stderr.bytes,
      truncated: stdout.truncated || stderr.truncated,
      durationMs,
    });
  }

  #wait(delayMs: number, signal: AbortSignal | undefined): Promise<boolean> {
    return new Promise(resolve => {
      const stop = (): void => {
        timer.cancel();
        resolve(false);
      };
      const timer = this.#clock.after(delayMs, () => {
        signal?.removeEventListener('abort', stop);
        resolve(true);
      });
      signal?.addEventListener('abort', stop, { once: true });
    });
  }
}

function failed(code: ExecError['code'], program: string, cause: string): Result<never, ExecError> {
  return err({ code, message: `Cannot run "${program}": ${cause}` });
}

function bounded(
  output: string | Uint8Array | undefined,
  bytesMax: number,
): { readonly bytes: Uint8Array; readonly truncated: boolean } {
  const bytes = typeof output === 'string' ? new TextEncoder().encode(output) : (output ?? new Uint8Array(0));
  return { bytes: bytes.subarray(0, bytesMax), truncated: bytes.length > bytesMax };
}
