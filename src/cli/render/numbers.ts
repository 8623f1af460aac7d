// Numbers as answers carry them, and short enough for axes and columns.

/** As the API writes floats: "+Inf", "-Inf", "NaN" and what JavaScript reads. */
export function numberOf(text: string): number {
  if (text === '+Inf' || text === 'Inf') return Number.POSITIVE_INFINITY;
  if (text === '-Inf') return Number.NEGATIVE_INFINITY;
  return Number(text);
}

const UNITS: readonly (readonly [size: number, letter: string])[] = [
  [1e15, 'P'],
  [1e12, 'T'],
  [1e9, 'G'],
  [1e6, 'M'],
  [1e3, 'k'],
];
/** Beyond these a power of ten tells more than a letter or zeros. */
const LARGE = 1e18;
const SMALL = 1e-4;
/** Below it all digits in front of the point fit. */
const PLAIN_MAX = 10_000;

/** With so many digits that count: 12340 is 12.34k, 0.0000123 is 1.23e-5. */
export function shortNumber(value: number, digits = 4): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  const size = Math.abs(value);
  if (value === 0) return '0';
  if (size >= LARGE || size < SMALL) {
    const [mantissa = '', power = ''] = value.toExponential(digits - 1).split('e');
    return `${Number(mantissa)}e${power.replace('+', '')}`;
  }
  const rounded = Number(value.toPrecision(digits));
  if (Math.abs(rounded) < PLAIN_MAX) return String(rounded);
  const [unit, letter] = UNITS.find(([one]) => Math.abs(rounded) >= one) ?? [1, ''];
  return `${Number((value / unit).toPrecision(digits))}${letter}`;
}

const DIGITS = 4;
const DIGITS_MAX = 17;

/** Short, and with as many digits as it takes to tell them apart. */
export function distinctNumbers(values: readonly number[]): readonly string[] {
  const wanted = new Set(values).size;
  for (let digits = DIGITS; digits < DIGITS_MAX; digits++) {
    const texts = values.map(value => shortNumber(value, digits));
    if (new Set(texts).size === wanted) return texts;
  }
  return values.map(String);
}

/** Milliseconds with two decimals: columns of them are read against each other. */
export function milliseconds(ms: number): string {
  return ms.toFixed(2);
}

/** 1234567 as 1 234 567. */
export function grouped(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ' ');
}

export function counted(count: number, noun: string): string {
  if (count === 1) return `1 ${noun}`;
  return `${grouped(count)} ${noun.endsWith('s') ? noun : `${noun}s`}`;
}

const BYTE_UNITS = ['kB', 'MB', 'GB', 'TB', 'PB'] as const;

/** 1234567 as 1.23 MB: powers of a thousand, as disks are sold. */
export function byteText(bytes: number): string {
  let value = Math.abs(bytes);
  let unit = 'B';
  for (const next of BYTE_UNITS) {
    if (value < 1000) break;
    value /= 1000;
    unit = next;
  }
  return `${bytes < 0 ? '-' : ''}${unit === 'B' ? Math.round(value) : Number(value.toPrecision(3))} ${unit}`;
}
