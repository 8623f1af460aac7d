// Long texts made in parts: what is written is handed on whenever it has become long enough, so that no answer needs a string
// of its whole length, and none keeps others waiting.

import type { ServerResponse, Turns } from '../base/index.ts';

/** Long enough that a part costs little, and short enough to be made in a moment. */
const PART_CHARS = 64 * 1024;

export class TextParts {
  #text = '';

  add(text: string): void {
    this.#text += text;
  }

  get isFull(): boolean {
    return this.#text.length >= PART_CHARS;
  }

  /** What was added since the last time. */
  take(): string {
    const text = this.#text;
    this.#text = '';
    return text;
  }
}

/** Adds to the parts, and yields whenever they are full. */
export type Writing = (parts: TextParts) => Generator<void>;

/** The body of an answer: a string where it is short, else a stream. `onEnd` is called once, however that ends. */
export function bodyOf(turns: Turns, write: Writing, onEnd: () => void = () => {}): ServerResponse['body'] {
  const parts = new TextParts();
  const writing = write(parts);
  if (writing.next().done !== true) return endingWith(stream(turns, parts, writing), onEnd);
  onEnd();
  return parts.take();
}

async function* stream(turns: Turns, parts: TextParts, writing: Generator<void>): AsyncGenerator<string> {
  const work = turns.start('usual');
  do {
    yield parts.take();
    // The client may have taken its time.
    await turns.between(work);
  } while (writing.next().done !== true);
  yield parts.take();
}

/** A generator alone does nothing at its end where it was never begun. */
function endingWith(pieces: AsyncGenerator<string>, onEnd: () => void): AsyncIterable<string> {
  let end: (() => void) | undefined = onEnd;
  const over = (): void => {
    end?.();
    end = undefined;
  };
  const iterator: AsyncIterator<string> = {
    async next() {
      const next = await pieces.next();
      if (next.done === true) over();
      return next;
    },
    async return() {
      over();
      return pieces.return(undefined);
    },
  };
  return { [Symbol.asyncIterator]: () => iterator };
}
