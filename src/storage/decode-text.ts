// Texts of records and blocks, from UTF-8.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file; indices are within their arrays by construction.

/** Only U+FFFD for what is not UTF-8 changes a text: a byte order mark is part of it. */
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

export function decodeText(bytes: Uint8Array, from: number, to: number): string {
  for (let i = from; i < to; i++) if (bytes[i]! > 127) return decoder.decode(bytes.subarray(from, to));
  // Half the time for the usual short text.
  return Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString('latin1');
}
