// The element-wise operators with Go's results at the edges.

export type Arithmetic = (left: number, right: number) => number;
export type Comparison = (left: number, right: number) => boolean;

export const ARITHMETIC: Readonly<Record<string, Arithmetic>> = {
  '+': (left, right) => left + right,
  '-': (left, right) => left - right,
  '*': (left, right) => left * right,
  '/': (left, right) => left / right,
  '%': (left, right) => left % right,
  '^': power,
  atan2: Math.atan2,
};

export const COMPARISON: Readonly<Record<string, Comparison>> = {
  '==': (left, right) => left === right,
  '!=': (left, right) => left !== right,
  '<': (left, right) => left < right,
  '<=': (left, right) => left <= right,
  '>': (left, right) => left > right,
  '>=': (left, right) => left >= right,
};

/** Go says 1 for 1 ^ anything and for -1 ^ ±Inf, where JavaScript says NaN. */
function power(base: number, exponent: number): number {
  if (base === 1 || (base === -1 && Math.abs(exponent) === Number.POSITIVE_INFINITY)) return 1;
  return base ** exponent;
}

/** How a comparison answers: keep what fits, 0 or 1, or (for the caller's second look) the left side of each pair. */
export type CompareMode = 'filter' | 'bool' | 'unfiltered';

/** The number an operator gives; a comparison's is 1 or 0. */
export function operationOf(operator: string): (left: number, right: number) => number {
  const arithmetic = ARITHMETIC[operator];
  if (arithmetic !== undefined) return arithmetic;
  const compare = COMPARISON[operator];
  // Cutting is for histograms only: of floats nothing comes of it.
  if (isTrim(operator)) return () => Number.NaN;
  if (compare === undefined) throw new Error(`unknown operator ${operator}`);
  return (left, right) => (compare(left, right) ? 1 : 0);
}

/** `</` and `>/`, which cut native histograms: what stays is still the metric's own. */
export function isTrim(operator: string): boolean {
  return operator === '</' || operator === '>/';
}
