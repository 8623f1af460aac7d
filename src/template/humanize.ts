// Numbers for people, as Prometheus's template functions write them.

import { err, ok, type Result } from '../base/index.ts';
import { formatG, formatGPrecision } from './floats.ts';
import { parseGoFloat } from './literals.ts';
import { traitsOf, typeName, type Value } from './values.ts';

/** A number, or a text or duration that stands for one (a duration in seconds). */
export function toFloat(value: Value): Result<number, string> {
  if (typeof value === 'number') return ok(value);
  if (typeof value === 'bigint') return ok(Number(value));
  if (typeof value === 'string') {
    const parsed = parseGoFloat(value);
    if (parsed !== undefined) return ok(parsed);
    return err(`strconv.ParseFloat: parsing ${JSON.stringify(value)}: invalid syntax`);
  }
  const durationNs = traitsOf(value)?.durationNs;
  if (durationNs !== undefined) return ok(Number(durationNs) / 1e9);
  return err(`can't convert ${typeName(value)} to float`);
}

const four = (value: number): string => formatGPrecision(value, 4);
const LARGE = ['k', 'M', 'G', 'T', 'P', 'E', 'Z', 'Y'];
const SMALL = ['m', 'u', 'n', 'p', 'f', 'a', 'z', 'y'];
const LARGE_1024 = ['ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei', 'Zi', 'Yi'];

/** 1234567 → "1.235M", 0.12 → "120m". */
export function humanize(value: number): string {
  if (value === 0 || !Number.isFinite(value)) return four(value);
  return Math.abs(value) >= 1 ? scaleDown(value, 1000, LARGE) : scaleUp(value, '');
}

/** 1048576 → "1Mi". */
export function humanize1024(value: number): string {
  if (Math.abs(value) <= 1 || !Number.isFinite(value)) return four(value);
  return scaleDown(value, 1024, LARGE_1024);
}

function scaleDown(value: number, by: number, units: readonly string[]): string {
  let scaled = value;
  let unit = '';
  for (const next of units) {
    if (Math.abs(scaled) < by) break;
    unit = next;
    scaled /= by;
  }
  return four(scaled) + unit;
}

function scaleUp(value: number, suffix: string): string {
  let scaled = value;
  let unit = '';
  for (const next of SMALL) {
    if (Math.abs(scaled) >= 1) break;
    unit = next;
    scaled *= 1000;
  }
  return four(scaled) + unit + suffix;
}

/** Seconds: 3600 → "1h 0m 0s", 0.1 → "100ms". */
export function humanizeDuration(seconds: number): string {
  if (!Number.isFinite(seconds)) return four(seconds);
  if (seconds === 0) return `${four(seconds)}s`;
  if (Math.abs(seconds) < 1) return scaleUp(seconds, 's');
  const sign = seconds < 0 ? '-' : '';
  const size = Math.abs(seconds);
  const whole = Math.trunc(size);
  const s = whole % 60;
  const m = Math.floor(whole / 60) % 60;
  const h = Math.floor(whole / 3600) % 24;
  const d = Math.floor(whole / 86_400);
  if (d > 0) return `${sign}${d}d ${h}h ${m}m ${s}s`;
  if (h > 0) return `${sign}${h}h ${m}m ${s}s`;
  if (m > 0) return `${sign}${m}m ${s}s`;
  return `${sign}${four(size)}s`;
}

export function humanizePercentage(ratio: number): string {
  return `${four(ratio * 100)}%`;
}

const INT64_MAX = 2 ** 63;

/** Nanoseconds since the epoch, at the precision of a millisecond as Prometheus's own times. */
export function secondsToNs(seconds: number): Result<bigint, string> {
  const nanos = seconds * 1e9;
  if (Number.isNaN(nanos) || nanos >= INT64_MAX || nanos < -INT64_MAX) {
    return err(
      `${formatG(seconds)} cannot be represented as a nanoseconds timestamp since it overflows int64`,
    );
  }
  return ok(BigInt(Math.floor(nanos / 1e6)) * 1_000_000n);
}
