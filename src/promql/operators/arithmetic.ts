// The element-wise operators with Go's results at the edges.

/** In the order of `operate`. */
const OPERATORS: readonly string[] = [
  ...['+', '-', '*', '/', '%', '^', 'atan2'],
  ...['==', '!=', '<', '<=', '>', '>=', '</', '>/'],
];

/** The operator by number, for `operate`. */
export function operatorCode(operator: string): number {
  const code = OPERATORS.indexOf(operator);
  if (code < 0) throw new Error(`unknown operator ${operator}`);
  return code;
}

/**
 * The number an operator gives; a comparison's is 1 or 0. A switch rather than a table of functions: in a loop over columns the
 * numbers stay in registers, where a function that is not known beforehand gets and gives objects.
 */
export function operate(code: number, left: number, right: number): number {
  switch (code) {
    case 0:
      return left + right;
    case 1:
      return left - right;
    case 2:
      return left * right;
    case 3:
      return left / right;
    case 4:
      return left % right;
    case 5:
      return power(left, right);
    case 6:
      return Math.atan2(left, right);
    case 7:
      return left === right ? 1 : 0;
    case 8:
      return left !== right ? 1 : 0;
    case 9:
      return left < right ? 1 : 0;
    case 10:
      return left <= right ? 1 : 0;
    case 11:
      return left > right ? 1 : 0;
    case 12:
      return left >= right ? 1 : 0;
    default:
      // Cutting is for histograms only: of floats nothing comes of it.
      return Number.NaN;
  }
}

/** Go says 1 for 1 ^ anything and for -1 ^ ±Inf, where JavaScript says NaN. */
function power(base: number, exponent: number): number {
  if (base === 1 || (base === -1 && Math.abs(exponent) === Number.POSITIVE_INFINITY)) return 1;
  return base ** exponent;
}

/** How a comparison answers: keep what fits, 0 or 1, or (for the caller's second look) the left side of each pair. */
export type CompareMode = 'filter' | 'bool' | 'unfiltered';

export function operationOf(operator: string): (left: number, right: number) => number {
  const code = operatorCode(operator);
  return (left, right) => operate(code, left, right);
}

/** `</` and `>/`, which cut native histograms: what stays is still the metric's own. */
export function isTrim(operator: string): boolean {
  return operator === '</' || operator === '>/';
}
