// The Kahan–Neumaier sum as Prometheus has it: what rounding takes is added up beside the total, and dropped where the total
// is infinite.

/** The error that adding `inc` to `sum` (giving `total`) loses, to be added to what was lost before. */
export function lostIn(total: number, sum: number, inc: number): number {
  return Math.abs(sum) >= Math.abs(inc) ? sum - total + inc : inc - total + sum;
}

export function isInfinite(value: number): boolean {
  return value === Number.POSITIVE_INFINITY || value === Number.NEGATIVE_INFINITY;
}
