// Short texts read out of bytes again and again, such as the names and values of labels: the same bytes give the same string
// object, which costs neither a decoder nor memory, and whose hash a Map knows already.

const SLOTS = 4096;
/** Longer ones are hardly ever repeated. */
const BYTES_MAX = 64;

export class TextCache {
  readonly #texts: (string | undefined)[] = new Array(SLOTS).fill(undefined);
  readonly #decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

  /** The text of a stretch of bytes; undefined when that is not valid UTF-8. */
  read(bytes: Uint8Array, from: number, to: number): string | undefined {
    const length = to - from;
    if (length > BYTES_MAX) return this.#decode(bytes, from, to);
    let hash = length;
    for (let i = from; i < to; i++) {
      const byte = bytes[i] as number;
      if (byte >= 0x80) return this.#decode(bytes, from, to);
      hash = Math.imul(hash ^ byte, 0x01000193);
    }
    const slot = (hash ^ (hash >>> 13)) & (SLOTS - 1);
    const known = this.#texts[slot];
    if (known !== undefined && isSame(known, bytes, from, length)) return known;
    const text = ascii(bytes, from, to);
    this.#texts[slot] = text;
    return text;
  }

  #decode(bytes: Uint8Array, from: number, to: number): string | undefined {
    try {
      return this.#decoder.decode(bytes.subarray(from, to));
    } catch {
      return undefined;
    }
  }
}

function isSame(text: string, bytes: Uint8Array, from: number, length: number): boolean {
  if (text.length !== length) return false;
  for (let i = 0; i < length; i++) if (text.charCodeAt(i) !== bytes[from + i]) return false;
  return true;
}

function ascii(bytes: Uint8Array, from: number, to: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString('latin1');
}
