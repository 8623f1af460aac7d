// Numbers as Go prints them. Prometheus and its clients have three habits; all are pure and run in the browser.

/** For the shortest form Go decides as if the precision were 6: 123456 but 1.234567e+06. */
const EXPONENT_FROM = 6;

/** strconv.FormatFloat(value, 'g', -1, 64): 1e+06, 0.0001, 1.5, +Inf, NaN. Metrics pages, templates, label values. */
export function formatFloat(value: number): string {
  const special = formatSpecial(value);
  if (special !== undefined) return special;
  const exponent = decimalExponent(value);
  return exponent < -4 || exponent >= EXPONENT_FROM ? withExponent(value) : plain(value);
}

/** As answers of the HTTP API hold values: 'f' -1, with an exponent below 1e-6 and from 1e21 on. */
export function formatFloatJson(value: number): string {
  const special = formatSpecial(value);
  if (special !== undefined) return special;
  const magnitude = Math.abs(value);
  return magnitude !== 0 && (magnitude < 1e-6 || magnitude >= 1e21) ? withExponent(value) : plain(value);
}

/** As OpenMetrics writes bucket bounds: like 'g', but a whole number keeps ".0". */
export function formatFloatOpenMetrics(value: number): string {
  const text = formatFloat(value);
  return /^-?\d+$/.test(text) ? `${text}.0` : text;
}

function formatSpecial(value: number): string | undefined {
  if (Number.isNaN(value)) return 'NaN';
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  if (value === Number.NEGATIVE_INFINITY) return '-Inf';
  if (Object.is(value, -0)) return '-0';
  return undefined;
}

function decimalExponent(value: number): number {
  if (value === 0) return 0;
  const text = value.toExponential();
  return Number(text.slice(text.indexOf('e') + 1));
}

/** Shortest digits with an exponent of at least two digits: 1e+06, 1.5e-07. */
function withExponent(value: number): string {
  const text = value.toExponential();
  const at = text.indexOf('e');
  const digits = text.slice(at + 2);
  return `${text.slice(0, at)}e${text[at + 1]}${digits.padStart(2, '0')}`;
}

/** Shortest digits without an exponent, however long. */
function plain(value: number): string {
  const text = String(value);
  const at = text.indexOf('e');
  if (at < 0) return text;
  const exponent = Number(text.slice(at + 1));
  const negative = text.startsWith('-');
  const mantissa = text.slice(negative ? 1 : 0, at);
  const dot = mantissa.indexOf('.');
  const digits = mantissa.replace('.', '');
  const point = (dot < 0 ? mantissa.length : dot) + exponent;
  const sign = negative ? '-' : '';
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`;
  if (point >= digits.length) return `${sign}${digits}${'0'.repeat(point - digits.length)}`;
  return `${sign}${digits.slice(0, point)}.${digits.slice(point)}`;
}
