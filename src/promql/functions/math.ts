// Element by element: rounding, logarithms, trigonometry, clamping.

import { elementwise, type FunctionImpl } from './call.ts';

export const MATH_FUNCTIONS: Readonly<Record<string, FunctionImpl>> = {
  abs: elementwise(Math.abs),
  acos: elementwise(Math.acos),
  acosh: elementwise(Math.acosh),
  asin: elementwise(Math.asin),
  asinh: elementwise(Math.asinh),
  atan: elementwise(Math.atan),
  atanh: elementwise(Math.atanh),
  ceil: elementwise(Math.ceil),
  clamp: elementwise((value, min = 0, max = 0) =>
    max < min ? undefined : Math.max(min, Math.min(max, value)),
  ),
  clamp_max: elementwise((value, max = 0) => Math.min(max, value)),
  clamp_min: elementwise((value, min = 0) => Math.max(min, value)),
  cos: elementwise(Math.cos),
  cosh: elementwise(Math.cosh),
  deg: elementwise(value => (value * 180) / Math.PI),
  exp: elementwise(Math.exp),
  floor: elementwise(Math.floor),
  ln: elementwise(Math.log),
  log10: elementwise(Math.log10),
  log2: elementwise(Math.log2),
  rad: elementwise(value => (value * Math.PI) / 180),
  // Ties round up; the inverse avoids that 0.1 steps pick up errors.
  round: elementwise(
    (value, nearest = 1) => {
      const inverse = 1 / nearest;
      return Math.floor(value * inverse + 0.5) / inverse;
    },
    { defaults: [1] },
  ),
  sgn: elementwise(value => (value > 0 ? 1 : value < 0 ? -1 : value)),
  sin: elementwise(Math.sin),
  sinh: elementwise(Math.sinh),
  sqrt: elementwise(Math.sqrt),
  tan: elementwise(Math.tan),
  tanh: elementwise(Math.tanh),
};
