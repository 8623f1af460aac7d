// Numbers of promtool's notation.

/** "inf" and "nan" in any case; NaN too where it is no number. */
export function toNumber(text: string): number {
  const match = /^([+-]?)(inf)$/i.exec(text);
  if (match !== null) return match[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  if (/^nan$/i.test(text)) return Number.NaN;
  const negative = text.startsWith('-');
  const size = Number(text.replace(/^[+-]/, ''));
  return negative ? -size : size;
}
