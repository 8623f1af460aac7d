// Texts at the same places of records that follow one another: most of them are those of the record before.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

/** Only U+FFFD for what is not UTF-8 changes a text: a byte order mark is part of it. */
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

export function decodeText(bytes: Uint8Array, from: number, to: number): string {
  return decoder.decode(bytes.subarray(from, to));
}

export class TextMemo {
  readonly #bytes: Uint8Array[] = [];
  readonly #texts: string[] = [];

  /** The text in bytes[from … to - 1]; `place` counts from 0. */
  decode(place: number, bytes: Uint8Array, range: { readonly from: number; readonly to: number }): string {
    const { from, to } = range;
    const known = this.#bytes[place];
    if (known !== undefined && isThere(known, bytes, from, to)) return this.#texts[place]!;
    const text = decodeText(bytes, from, to);
    // Places follow one another, so that the lists stay without gaps.
    if (place <= this.#bytes.length) {
      this.#bytes[place] = bytes.slice(from, to);
      this.#texts[place] = text;
    }
    return text;
  }
}

function isThere(known: Uint8Array, bytes: Uint8Array, from: number, to: number): boolean {
  if (known.length !== to - from) return false;
  for (let i = 0; i < known.length; i++) if (known[i] !== bytes[from + i]) return false;
  return true;
}
