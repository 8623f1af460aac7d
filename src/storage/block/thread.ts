// Blocks made in a thread of their own. Both ends are here, so that their messages are read beside each other. The thread is
// there while there is something to make, and for a while after: an idle one would take memory all day.

import {
  assert,
  type Clock,
  err,
  never,
  type Result,
  type StartThread,
  type Thread,
  type ThreadPort,
  type Timer,
} from '../../base/index.ts';
import type { SeriesColumns } from '../../model/index.ts';
import type { BlockMaker, Finish, MakeFailure, SealedBatch, SourceBlock } from './maker.ts';

type Request =
  | { readonly kind: 'begin'; readonly folder: string }
  | { readonly kind: 'blocks'; readonly sources: readonly SourceBlock[] }
  | { readonly kind: 'sealed'; readonly batch: SealedBatch }
  | { readonly kind: 'columns'; readonly series: readonly SeriesColumns[] }
  | { readonly kind: 'finish'; readonly wanted: Finish }
  | { readonly kind: 'abandon' }
  /** Has no answer. */
  | { readonly kind: 'stop' };

/** Compactions that follow one another find the thread still there. */
const IDLE_MS = 5_000;

// --- the store's side -------------------------------------------------------------------------------

/** Gives all work to a thread. One call at a time, as the maker makes one block at a time. */
export class ThreadMaker implements BlockMaker {
  readonly #start: StartThread;
  readonly #clock: Clock;
  #thread: Thread | undefined;
  #folder = '';
  /** Takes the answer to what was asked; its argument is undefined when the thread has ended. */
  #answer: ((value: unknown, cause: string) => void) | undefined;
  #idle: Timer | undefined;
  #stopped = false;

  constructor(options: { readonly start: StartThread; readonly clock: Clock }) {
    this.#start = options.start;
    this.#clock = options.clock;
  }

  begin(folder: string): ReturnType<BlockMaker['begin']> {
    if (this.#stopped) return Promise.resolve(err({ kind: 'stopped' }));
    this.#folder = folder;
    this.#idle?.cancel();
    this.#thread ??= this.#startThread();
    return this.#ask({ kind: 'begin', folder });
  }

  addBlocks(sources: readonly SourceBlock[]): ReturnType<BlockMaker['addBlocks']> {
    return this.#ask({ kind: 'blocks', sources });
  }

  addSealed(batch: SealedBatch): ReturnType<BlockMaker['addSealed']> {
    return this.#ask({ kind: 'sealed', batch });
  }

  addColumns(series: readonly SeriesColumns[]): ReturnType<BlockMaker['addColumns']> {
    return this.#ask({ kind: 'columns', series });
  }

  async finish(wanted: Finish): ReturnType<BlockMaker['finish']> {
    const finished: Awaited<ReturnType<BlockMaker['finish']>> = await this.#ask({ kind: 'finish', wanted });
    this.#rest();
    return finished;
  }

  async abandon(): Promise<void> {
    if (this.#thread === undefined) return;
    await this.#ask({ kind: 'abandon' });
    this.#rest();
  }

  stop(): void {
    this.#stopped = true;
    this.#thread?.post({ kind: 'stop' } satisfies Request);
  }

  async close(): Promise<void> {
    this.#idle?.cancel();
    const thread = this.#thread;
    this.#thread = undefined;
    await thread?.end();
  }

  #startThread(): Thread {
    const thread = this.#start({
      onMessage: value => this.#settle(value, ''),
      onEnd: cause => {
        if (this.#thread !== thread) return;
        this.#thread = undefined;
        this.#settle(undefined, cause);
      },
    });
    return thread;
  }

  #ask<T>(request: Request): Promise<Result<T, MakeFailure>> {
    assert(this.#answer === undefined, 'one thing is asked at a time');
    return new Promise(resolve => {
      // An answer has the shape that the other side below gives to its request.
      this.#answer = (value, cause) =>
        resolve(value === undefined ? this.#ended(cause) : (value as Result<T, MakeFailure>));
      if (this.#thread === undefined) this.#settle(undefined, 'it is not there');
      else this.#thread.post(request);
    });
  }

  #settle(value: unknown, cause: string): void {
    const answer = this.#answer;
    this.#answer = undefined;
    answer?.(value, cause);
  }

  #ended(cause: string): Result<never, MakeFailure> {
    const message = `the thread that writes blocks has ended: ${cause}`;
    return err({ kind: 'disk', error: { code: 'disk-io', op: 'write', path: this.#folder, message } });
  }

  #rest(): void {
    this.#idle?.cancel();
    this.#idle = this.#clock.after(IDLE_MS, () => {
      if (this.#answer === undefined) void this.close();
    });
  }
}

// --- the thread's side ------------------------------------------------------------------------------

/** Runs in the thread until it is ended. */
export function serveMaker(port: ThreadPort, maker: BlockMaker): void {
  port.onMessage(message => {
    // `ThreadMaker` sends nothing else.
    const request = message as Request;
    if (request.kind === 'stop') maker.stop();
    // What is thrown is a bug: it ends the thread, and the other side hears of it.
    else void answerTo(maker, request).then(value => port.post(value));
  });
}

function answerTo(maker: BlockMaker, request: Exclude<Request, { readonly kind: 'stop' }>): Promise<unknown> {
  switch (request.kind) {
    case 'begin':
      return maker.begin(request.folder);
    case 'blocks':
      return maker.addBlocks(request.sources);
    case 'sealed':
      return maker.addSealed(request.batch);
    case 'columns':
      return maker.addColumns(request.series);
    case 'finish':
      return maker.finish(request.wanted);
    case 'abandon':
      return maker.abandon().then(() => true);
    default:
      return never(request);
  }
}
