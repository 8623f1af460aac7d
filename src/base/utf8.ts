// Byte order of UTF-8 for JavaScript strings, which compare by UTF-16 code unit.

/**
 * Compares two strings in the byte order of their UTF-8 form: negative, zero or positive.
 * Code units agree with that order except that surrogates (U+10000 and up) sort after U+E000..U+FFFF.
 */
export function compareUtf8(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return rank(x) - rank(y);
  }
  return a.length - b.length;
}

/** Moves the surrogates above the rest of the basic plane. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}
