// Long texts are stored as bytes: a page of them that was damaged must be found out here, where SQLite's binding would end the
// program over a text that is no UTF-8.

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text);
}

/** What `read` makes of the text; undefined where it is damaged. */
export function readBytes<T>(bytes: Uint8Array, read: (text: string) => T): T | undefined {
  try {
    return read(decoder.decode(bytes));
  } catch {
    return undefined;
  }
}
