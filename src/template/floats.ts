// Go's text forms of floating-point numbers.

/** strconv.FormatFloat with the shortest digits ("g", -1): what %v prints. */
export function formatG(value: number): string {
  const special = formatSpecial(value);
  if (special !== undefined) return special;
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  const { digits, exponent, sign } = decompose(value.toExponential());
  // With the shortest digits the decision for the exponent form is made as for precision 6, whatever their count:
  // one million prints as 1e+06, and 123456789 as 1.23456789e+08.
  return exponent < -4 || exponent >= SHORTEST_THRESHOLD
    ? sign + scientific(digits, exponent)
    : sign + positional(digits, exponent);
}

/** `%.{precision}g`: significant digits, trailing zeros dropped unless `keepZeros` ("#" flag). */
export function formatGPrecision(value: number, precision: number, keepZeros = false): string {
  const special = formatSpecial(value);
  if (special !== undefined) return special;
  const wanted = precision === 0 ? 1 : Math.min(precision, 100);
  const { digits: all, exponent, sign } = decompose(value.toExponential(wanted - 1));
  const digits = keepZeros ? all : all.replace(/(?<=.)0+$/, '');
  const threshold = wanted > digits.length && digits.length >= exponent + 1 ? digits.length : wanted;
  return exponent < -4 || exponent >= threshold
    ? sign + scientific(digits, exponent)
    : sign + positional(digits, exponent);
}

export function formatE(value: number, precision: number | undefined): string {
  const special = formatSpecial(value);
  if (special !== undefined) return special;
  const text =
    precision === undefined ? value.toExponential() : value.toExponential(Math.min(precision, 100));
  const { digits, exponent, sign } = decompose(Object.is(value, -0) ? `-${text}` : text);
  return sign + scientific(digits, exponent);
}

export function formatF(value: number, precision: number | undefined): string {
  const special = formatSpecial(value);
  if (special !== undefined) return special;
  const minus = Object.is(value, -0) ? '-' : '';
  if (precision === undefined) {
    if (value === 0) return `${minus}0`;
    const { digits, exponent, sign } = decompose(value.toExponential());
    return sign + positional(digits, exponent);
  }
  if (Math.abs(value) < 1e21) return minus + value.toFixed(Math.min(precision, 100));
  // toFixed turns to exponents at 1e21; such a number is whole and a bigint prints it exactly.
  return `${BigInt(value)}${precision > 0 ? `.${'0'.repeat(precision)}` : ''}`;
}

/** `%x`: hexadecimal mantissa, binary exponent, shortest. */
export function formatHexFloat(value: number): string {
  const special = formatSpecial(value);
  if (special !== undefined) return special;
  const sign = value < 0 || Object.is(value, -0) ? '-' : '';
  if (value === 0) return `${sign}0x0p+00`;
  let exponent = Math.floor(Math.log2(Math.abs(value)));
  let mantissa = Math.abs(value) / 2 ** exponent;
  if (mantissa >= 2) {
    mantissa /= 2;
    exponent++;
  } else if (mantissa < 1) {
    mantissa *= 2;
    exponent--;
  }
  const fraction = mantissa.toString(16).replace(/^1\.?/, '');
  return `${sign}0x1${fraction === '' ? '' : `.${fraction}`}p${exponentText(exponent)}`;
}

const SHORTEST_THRESHOLD = 6;

function formatSpecial(value: number): string | undefined {
  if (Number.isNaN(value)) return 'NaN';
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  return value === Number.NEGATIVE_INFINITY ? '-Inf' : undefined;
}

function decompose(exponential: string): { digits: string; exponent: number; sign: string } {
  const [mantissa = '', exponent = '0'] = exponential.split('e');
  const sign = mantissa.startsWith('-') ? '-' : '';
  return { digits: mantissa.replace(/[-.]/g, ''), exponent: Number(exponent), sign };
}

function scientific(digits: string, exponent: number): string {
  const fraction = digits.length > 1 ? `.${digits.slice(1)}` : '';
  return `${digits.charAt(0)}${fraction}e${exponentText(exponent)}`;
}

function exponentText(exponent: number): string {
  return `${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
}

function positional(digits: string, exponent: number): string {
  if (exponent < 0) return `0.${'0'.repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, '0');
  const fraction = digits.slice(exponent + 1);
  return fraction === '' ? whole : `${whole}.${fraction}`;
}
