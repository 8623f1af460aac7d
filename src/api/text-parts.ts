// Long texts made in parts: what is written is handed on whenever it has become long enough, so that no answer needs a string
// of its whole length, and none keeps others waiting.

import { breather, type Clock, type ServerResponse } from '../base/index.ts';

/** Long enough that a part costs little, and short enough to be made in a moment. */
const PART_CHARS = 64 * 1024;
/** Other work gets its turn after so long. */
const SLICE_MS = 12;

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

/** The body of an answer: a string where it is short, else a stream. */
export function bodyOf(clock: Clock, write: Writing): ServerResponse['body'] {
  const parts = new TextParts();
  const writing = write(parts);
  if (writing.next().done === true) return parts.take();
  return stream(clock, parts, writing);
}

async function* stream(clock: Clock, parts: TextParts, writing: Generator<void>): AsyncGenerator<string> {
  const breathe = breather(clock, SLICE_MS);
  do {
    yield parts.take();
    await breathe();
  } while (writing.next().done !== true);
  yield parts.take();
}
