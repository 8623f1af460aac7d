// The n-th smallest of some numbers without sorting them all: quickselect, which falls back to sorting where pivots are bad ones.
// biome-ignore-all lint/style/noNonNullAssertion: a hot file, indices are within typed arrays by construction.

/** Rounds beyond twice the good case: numbers laid out to have bad pivots. */
const ROUNDS_SPARE = 8;

/** Puts the n-th smallest to place n, none greater before it and none smaller behind it. There is no NaN among them. */
export function putNth(values: Float64Array, n: number): void {
  let low = 0;
  let high = values.length - 1;
  let rounds = 2 * Math.log2(values.length) + ROUNDS_SPARE;
  while (low < high) {
    if (rounds-- <= 0) {
      values.subarray(low, high + 1).sort();
      return;
    }
    const pivot = middleOf(values[low]!, values[(low + high) >>> 1]!, values[high]!);
    let i = low;
    let j = high;
    while (i <= j) {
      while (values[i]! < pivot) i++;
      while (values[j]! > pivot) j--;
      if (i > j) break;
      const value = values[i]!;
      values[i++] = values[j]!;
      values[j--] = value;
    }
    if (n <= j) high = j;
    else if (n >= i) low = i;
    else return;
  }
}

function middleOf(a: number, b: number, c: number): number {
  return Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
}
