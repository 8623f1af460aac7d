// Texts of records and blocks, from UTF-8.

/** Only U+FFFD for what is not UTF-8 changes a text: a byte order mark is part of it. */
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

export function decodeText(bytes: Uint8Array, from: number, to: number): string {
  return decoder.decode(bytes.subarray(from, to));
}
