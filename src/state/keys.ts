// What the journal's indices hold in place of texts: numbers of which equal texts have equal ones, and two texts hardly ever the same.
// They stand in databases: another hash needs a migration.

/** Of a first and a second 32-bit hash over UTF-16, so many bits of the second. */
const KEY_BITS = 10;
const IDENTITY_BITS = 21;
const END = 0x10000;

/** 42 bits: a wrong hit costs a look at a batch of events in vain. */
export function keyOf(text: string): number {
  return hashed([text], KEY_BITS);
}

/** 53 bits: for what is compared by it alone, and with the last of its subject only. */
export function identityOf(texts: readonly string[]): number {
  return hashed(texts, IDENTITY_BITS);
}

function hashed(texts: readonly string[], bits: number): number {
  let first = 0x811c9dc5 | 0;
  let second = 0x2545f491;
  for (const text of texts) {
    // Each text ends with a unit that no character has, so that two lists of the same letters differ.
    for (let i = 0; i <= text.length; i++) {
      const unit = i === text.length ? END : text.charCodeAt(i);
      first = Math.imul(first ^ unit, 0x01000193);
      second = Math.imul((second << 5) ^ (second >>> 27) ^ unit, 0x9e3779b1);
    }
  }
  // The upper bits of a product depend on all of what was multiplied.
  return (first >>> 0) * 2 ** bits + (second >>> (32 - bits));
}
