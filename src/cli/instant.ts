// Instants as words of a command line.

/** Seconds since the epoch or RFC 3339; NaN for anything else. */
export function timeMs(text: string): number {
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) * 1000 : Date.parse(text);
}
