// What a reader asks of the run that it reads for. A refusal on the way must not go through the reader as an exception: it
// waits here until the reader has answered.

import type { ReadWork } from '../../model/index.ts';
import { Refusal, type Run } from './run.ts';

export class RunReadWork implements ReadWork {
  readonly #run: Run;
  /** Bytes that the reader has accounted for. */
  reserved = 0;
  /** Why the reader was told to stop. */
  stopped: Refusal | undefined;

  constructor(run: Run) {
    this.#run = run;
  }

  isDue(): boolean {
    return this.#run.isDue();
  }

  async pause(): Promise<boolean> {
    try {
      await this.#run.pause();
      return true;
    } catch (error) {
      return this.#stop(error);
    }
  }

  reserve(bytes: number): boolean {
    try {
      this.#run.reserve(bytes);
      this.reserved += bytes;
      return true;
    } catch (error) {
      return this.#stop(error);
    }
  }

  #stop(error: unknown): false {
    if (!(error instanceof Refusal)) throw error;
    this.stopped = error;
    return false;
  }
}
