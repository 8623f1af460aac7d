// What ends an exchange before its time. Node's AbortController makes a whole target of events, and garbage of it for each page, so
// that one is made only for who asks for its signal.

/** Owns whether, and who is to be told. */
export class Stop {
  /** Called once, when it comes to that: whoever waits now. */
  onStop: (() => void) | undefined;
  #isStopped = false;
  #controller: AbortController | undefined;

  get isStopped(): boolean {
    return this.#isStopped;
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#isStopped) this.#controller.abort();
    return this.#controller.signal;
  }

  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#controller?.abort();
    this.onStop?.();
  }
}
