// Small readers of the kernel's text: numbers, words and lines, undefined where a text is not what it should be.

/** Decimal digits only, as Go's ParseUint takes them. */
export function uint(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}

export function int(text: string | undefined): number | undefined {
  return text !== undefined && /^[-+]?\d+$/.test(text) ? Number(text) : undefined;
}

export function float(text: string | undefined): number | undefined {
  if (text === undefined || !/^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$/.test(text)) return undefined;
  return Number(text);
}

export function hex(text: string | undefined): number | undefined {
  return text !== undefined && /^[0-9a-fA-F]+$/.test(text) ? Number.parseInt(text, 16) : undefined;
}

/** A decimal number or one that begins with "0x". */
export function uintOrHex(text: string | undefined): number | undefined {
  return text?.startsWith('0x') ? hex(text.slice(2)) : uint(text);
}

export function words(line: string): string[] {
  const trimmed = line.trim();
  return trimmed === '' ? [] : trimmed.split(/\s+/);
}

export function lines(text: string): string[] {
  const all = text.split('\n');
  if (all.at(-1) === '') all.pop();
  return all;
}

/** The number at the end of a name: "mc12" → "12"; "" if there is none. */
export function trailingDigits(name: string): string {
  return /\d+$/.exec(name)?.[0] ?? '';
}
