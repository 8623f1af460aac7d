// How far a long start is, for whoever waits for it: said every few seconds, and not at all when it is short.

import type { Clock, Log } from '../base/index.ts';

const SAID_EVERY_MS = 2000;

export class ReplayProgress {
  readonly #ports: { readonly clock: Clock; readonly log: Log };
  #files = 0;
  #done = 0;
  #saidMs: number;

  constructor(ports: { readonly clock: Clock; readonly log: Log }) {
    this.#ports = ports;
    this.#saidMs = ports.clock.monotonicMs();
  }

  begin(files: number): void {
    this.#files = files;
  }

  fileDone(): void {
    this.#done++;
    const { clock, log } = this.#ports;
    const nowMs = clock.monotonicMs();
    if (nowMs - this.#saidMs < SAID_EVERY_MS || this.#done === this.#files) return;
    this.#saidMs = nowMs;
    log.log('info', 'the store is being opened', { filesRead: this.#done, files: this.#files });
  }
}
