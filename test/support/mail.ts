// A mail port that keeps the messages instead of sending them.

import {
  type Clock,
  err,
  type Mail,
  type MailError,
  type MailMessage,
  ok,
  type Result,
  sleep,
} from '../../src/base/index.ts';

export class FakeMail implements Mail {
  /** Accepted messages. */
  readonly sent: MailMessage[] = [];
  /** All messages, refused ones too. */
  readonly attempts: MailMessage[] = [];
  readonly #clock: Clock | undefined;
  #failures: MailError[] = [];
  #always: MailError | undefined;
  #latencyMs = 0;

  constructor(clock?: Clock) {
    this.#clock = clock;
  }

  /** Refuses the next message; calls add up. */
  failNext(code: MailError['code'], replyCode?: number): void {
    this.#failures.push(failure(code, replyCode));
  }

  /** Refuses all messages until called with `undefined`. */
  failAlways(code: MailError['code'] | undefined, replyCode?: number): void {
    this.#always = code === undefined ? undefined : failure(code, replyCode);
  }

  setLatency(latencyMs: number): void {
    this.#latencyMs = latencyMs;
  }

  async send(message: MailMessage, signal?: AbortSignal): Promise<Result<string, MailError>> {
    this.attempts.push(message);
    if (signal?.aborted) return err(failure('mail-timeout'));
    if (this.#latencyMs > 0 && this.#clock !== undefined) {
      const waited = await sleep(this.#clock, Math.min(this.#latencyMs, message.timeoutMs), signal);
      if (!waited || this.#latencyMs > message.timeoutMs) return err(failure('mail-timeout'));
    }
    const failed = this.#failures.shift() ?? this.#always;
    if (failed !== undefined) return err(failed);
    this.sent.push(message);
    return ok(`250 2.0.0 Ok: queued as FAKE${this.sent.length}`);
  }
}

function failure(code: MailError['code'], replyCode?: number): MailError {
  return {
    code,
    message: `Cannot send mail: ${code}`,
    ...(replyCode === undefined ? {} : { replyCode }),
  };
}
