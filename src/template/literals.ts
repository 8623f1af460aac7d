// Go's literals: quoted strings with escapes, raw strings, characters, and numbers.

const SIMPLE: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  "'": "'",
  '"': '"',
};

/** The value of `"…"` or `` `…` ``; undefined if an escape is wrong. */
export function readQuoted(literal: string): string | undefined {
  const inner = literal.slice(1, -1);
  // Go drops carriage returns from raw strings.
  if (literal.startsWith('`')) return inner.replaceAll('\r', '');
  if (!inner.includes('\\')) return inner;
  let valid = true;
  const bytes: number[] = [];
  const encoder = new TextEncoder();
  const pattern = /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|(.))|([^\\]+)/gsu;
  for (const [, hex, short, long, octal, simple, plain] of inner.matchAll(pattern)) {
    if (plain !== undefined) bytes.push(...encoder.encode(plain));
    else if (hex !== undefined) bytes.push(Number.parseInt(hex, 16));
    else if (octal !== undefined) {
      const byte = Number.parseInt(octal, 8);
      if (byte > 255) valid = false;
      bytes.push(byte & 255);
    } else if (short !== undefined || long !== undefined) {
      const point = Number.parseInt(short ?? long ?? '', 16);
      if (point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) valid = false;
      else bytes.push(...encoder.encode(String.fromCodePoint(point)));
    } else {
      const value = SIMPLE[simple ?? ''];
      if (value === undefined || simple === "'") valid = false;
      else bytes.push(...encoder.encode(value));
    }
  }
  return valid ? new TextDecoder().decode(Uint8Array.from(bytes)) : undefined;
}

const INT64_MIN = -(2n ** 63n);
const UINT64_MAX = 2n ** 64n - 1n;

/** Whole numbers as bigint (Go's int), others as number (float64); characters are whole numbers. */
export function readNumber(literal: string): number | bigint | undefined {
  if (literal.startsWith("'")) return readChar(literal);
  const plain = literal.replaceAll('_', '').replace(/^\+/, '');
  const negative = plain.startsWith('-');
  const digits = negative ? plain.slice(1) : plain;
  if (digits === '') return undefined;
  if (/^(0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO][0-7]+|\d+)$/.test(digits)) {
    const octal = /^0[0-7]+$/.test(digits);
    if (!octal && /^0\d+$/.test(digits)) return undefined;
    const value = BigInt(octal ? `0o${digits.slice(1)}` : digits);
    const signed = negative ? -value : value;
    return signed < INT64_MIN || signed > UINT64_MAX ? undefined : signed;
  }
  if (/^0[xX]/.test(digits)) return undefined;
  const value = Number(digits);
  return Number.isFinite(value) ? (negative ? -value : value) : undefined;
}

function readChar(literal: string): bigint | undefined {
  const value = readQuoted(`"${literal.slice(1, -1).replace(/^\\'$/, "'").replace(/^"$/, '\\"')}"`);
  if (value === undefined || [...value].length !== 1) return undefined;
  return BigInt(value.codePointAt(0) ?? 0);
}

/** Parses a float as Go's strconv.ParseFloat does: decimal, hexadecimal with exponent, Inf and NaN in any case. */
export function parseGoFloat(text: string): number | undefined {
  if (/^[+-]?inf(inity)?$/i.test(text)) {
    return text.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  }
  if (/^nan$/i.test(text)) return Number.NaN;
  const hex = /^([+-]?)0[xX]([0-9a-fA-F]*)\.?([0-9a-fA-F]*)[pP]([+-]?\d+)$/.exec(text);
  if (hex !== null) {
    const digits = `${hex[2]}${hex[3]}`;
    if (digits === '') return undefined;
    const size = Number(BigInt(`0x${digits}`)) * 2 ** (Number(hex[4]) - 4 * (hex[3] ?? '').length);
    return hex[1] === '-' ? -size : size;
  }
  if (!/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text)) return undefined;
  return Number(text);
}
