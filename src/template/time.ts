// Go's time.Time and time.Duration as template values: layouts by reference time, zones by name.

import { err, ok, type Result } from '../base/index.ts';
import { compileRegex } from '../model/index.ts';
import {
  type TemplateFunction,
  type Traits,
  traitsOf,
  type Value,
  type ValueObject,
  withTraits,
} from './values.ts';

const NS_PER_MS = 1_000_000n;
const NS_PER_S = 1_000_000_000n;
/** 0001-01-01T00:00:00Z, Go's zero time. */
export const ZERO_TIME_NS = -62_135_596_800n * NS_PER_S;

const MONTHS = 'January February March April May June July August September October November December'.split(
  ' ',
);
const DAYS = 'Sunday Monday Tuesday Wednesday Thursday Friday Saturday'.split(' ');

interface Parts {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly nanos: number;
  readonly weekday: number;
  readonly offsetMinutes: number;
  readonly zoneName: string;
}

export function goTime(timeNs: bigint, zone = 'UTC'): ValueObject {
  const format = (layout: string): string => formatTime(timeNs, zone, layout);
  const traits: Traits = {
    type: 'time.Time',
    struct: true,
    methods: timeMethods(timeNs, zone),
    timeNs,
    zone,
    text: () => format('2006-01-02 15:04:05.999999999 -0700 MST'),
    json: () => format('2006-01-02T15:04:05.999999999Z07:00'),
  };
  return withTraits({}, traits);
}

export function goTimeFromMs(timeMs: number, zone = 'UTC'): ValueObject {
  return goTime(BigInt(Math.round(timeMs)) * NS_PER_MS, zone);
}

export function goDuration(durationNs: bigint): ValueObject {
  const float = (perUnit: bigint): number => Number(durationNs) / Number(perUnit);
  const give = (value: Value): TemplateFunction => ({ params: [], call: () => ok(value) });
  return withTraits(
    {},
    {
      type: 'time.Duration',
      struct: false,
      durationNs,
      text: () => formatGoDuration(durationNs),
      json: () => durationNs,
      methods: new Map<string, TemplateFunction>([
        ['String', { params: [], call: () => ok(formatGoDuration(durationNs)) }],
        ['Seconds', give(float(NS_PER_S))],
        ['Minutes', give(float(60n * NS_PER_S))],
        ['Hours', give(float(3600n * NS_PER_S))],
        ['Milliseconds', give(durationNs / NS_PER_MS)],
        ['Microseconds', give(durationNs / 1000n)],
        ['Nanoseconds', give(durationNs)],
      ]),
    },
  );
}

function timeMethods(timeNs: bigint, zone: string): ReadonlyMap<string, TemplateFunction> {
  const part = (name: Exclude<keyof Parts, 'zoneName'>): TemplateFunction => ({
    params: [],
    call: () => ok(BigInt(partsOf(timeNs, zone)[name])),
  });
  const compare = (test: (other: bigint) => boolean): TemplateFunction => ({
    params: ['time'],
    call: ([other]) => ok(test(traitsOf(other)?.timeNs ?? 0n)),
  });
  const give = (make: () => Value): TemplateFunction => ({ params: [], call: () => ok(make()) });
  return new Map<string, TemplateFunction>([
    ['Format', { params: ['string'], call: ([layout]) => ok(formatTime(timeNs, zone, String(layout))) }],
    ['String', give(() => formatTime(timeNs, zone, '2006-01-02 15:04:05.999999999 -0700 MST'))],
    ['Unix', give(() => floorDiv(timeNs, NS_PER_S))],
    ['UnixMilli', give(() => floorDiv(timeNs, NS_PER_MS))],
    ['UnixNano', give(() => timeNs)],
    ['UTC', give(() => goTime(timeNs))],
    ['IsZero', give(() => timeNs === ZERO_TIME_NS)],
    [
      'Add',
      { params: ['duration'], call: ([d]) => ok(goTime(timeNs + (traitsOf(d)?.durationNs ?? 0n), zone)) },
    ],
    [
      'Sub',
      { params: ['time'], call: ([other]) => ok(goDuration(timeNs - (traitsOf(other)?.timeNs ?? 0n))) },
    ],
    ['After', compare(other => timeNs > other)],
    ['Before', compare(other => timeNs < other)],
    ['Equal', compare(other => timeNs === other)],
    ['Year', part('year')],
    ['Day', part('day')],
    ['Hour', part('hour')],
    ['Minute', part('minute')],
    ['Second', part('second')],
    ['Nanosecond', part('nanos')],
    ['Month', give(() => MONTHS[partsOf(timeNs, zone).month - 1])],
    ['Weekday', give(() => DAYS[partsOf(timeNs, zone).weekday])],
  ]);
}

function floorDiv(value: bigint, by: bigint): bigint {
  const quotient = value / by;
  return value % by < 0n ? quotient - 1n : quotient;
}

/** Whether the platform knows the zone. */
export function isTimeZone(zone: string): boolean {
  if (zone === '' || zone === 'UTC' || zone === 'Local') return true;
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}

function partsOf(timeNs: bigint, zone: string): Parts {
  const timeMs = Number(floorDiv(timeNs, NS_PER_MS));
  const nanos = Number(timeNs - floorDiv(timeNs, NS_PER_S) * NS_PER_S);
  const { offsetMinutes, zoneName } = offsetOf(timeMs, zone);
  const local = new Date(timeMs + offsetMinutes * 60_000);
  return {
    year: local.getUTCFullYear(),
    month: local.getUTCMonth() + 1,
    day: local.getUTCDate(),
    hour: local.getUTCHours(),
    minute: local.getUTCMinutes(),
    second: local.getUTCSeconds(),
    nanos,
    weekday: local.getUTCDay(),
    offsetMinutes,
    zoneName,
  };
}

function offsetOf(timeMs: number, zone: string): { offsetMinutes: number; zoneName: string } {
  if (zone === 'UTC' || zone === '' || zone === 'Local') return { offsetMinutes: 0, zoneName: 'UTC' };
  const fixed = /^([+-])(\d\d):?(\d\d)$/.exec(zone);
  if (fixed !== null) {
    const minutes = Number(fixed[2]) * 60 + Number(fixed[3]);
    return { offsetMinutes: fixed[1] === '-' ? -minutes : minutes, zoneName: zone.replace(':', '') };
  }
  const name = (style: 'longOffset' | 'short'): string =>
    new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: style })
      .formatToParts(new Date(timeMs))
      .find(part => part.type === 'timeZoneName')?.value ?? 'GMT';
  const match = /GMT([+-])(\d\d):(\d\d)/.exec(name('longOffset'));
  const minutes = match === null ? 0 : Number(match[2]) * 60 + Number(match[3]);
  const offsetMinutes = match?.[1] === '-' ? -minutes : minutes;
  const short = name('short');
  const zoneName = short.startsWith('GMT') ? (zoneAbbreviation(zone, offsetMinutes) ?? short) : short;
  return { offsetMinutes, zoneName };
}

/** Abbreviations that the zone database has and JavaScript's English locale does not. */
const CENTRAL_EUROPE = new Set(
  'Paris Berlin Rome Madrid Amsterdam Vienna Brussels Prague Warsaw Zurich Stockholm Oslo Copenhagen Budapest'
    .split(' ')
    .map(city => `Europe/${city}`),
);
const FIXED_NAMES: ReadonlyMap<string, string> = new Map([
  ['Asia/Shanghai', 'CST'],
  ['Asia/Tokyo', 'JST'],
  ['Asia/Kolkata', 'IST'],
]);

function zoneAbbreviation(zone: string, offsetMinutes: number): string | undefined {
  if (CENTRAL_EUROPE.has(zone)) return offsetMinutes === 120 ? 'CEST' : 'CET';
  if (zone === 'Europe/London') return offsetMinutes === 60 ? 'BST' : 'GMT';
  return FIXED_NAMES.get(zone);
}

const LAYOUT =
  /January|Jan|Monday|Mon|MST|2006|Z07:00:00|Z07:00|Z0700|Z07|-07:00:00|-07:00|-0700|-07|[.,]0+(?!\d)|[.,]9+(?!\d)|002|01|02|03|04|05|06|15|PM|pm|_2|1|2|3|4|5/g;

export function formatTime(timeNs: bigint, zone: string, layout: string): string {
  const parts = partsOf(timeNs, zone);
  return layout.replace(LAYOUT, token => layoutToken(token, parts));
}

function layoutToken(token: string, parts: Parts): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  const hour12 = parts.hour % 12 === 0 ? 12 : parts.hour % 12;
  if (/^[.,][09]/.test(token)) return fraction(token, parts.nanos);
  if (/^[Z-]07/.test(token)) return offsetText(token, parts.offsetMinutes);
  const table: Readonly<Record<string, () => string>> = {
    January: () => MONTHS[parts.month - 1] ?? '',
    Jan: () => (MONTHS[parts.month - 1] ?? '').slice(0, 3),
    Monday: () => DAYS[parts.weekday] ?? '',
    Mon: () => (DAYS[parts.weekday] ?? '').slice(0, 3),
    MST: () => parts.zoneName,
    '2006': () => String(parts.year).padStart(4, '0'),
    '06': () => two(parts.year % 100),
    '01': () => two(parts.month),
    '1': () => String(parts.month),
    '02': () => two(parts.day),
    '2': () => String(parts.day),
    _2: () => String(parts.day).padStart(2, ' '),
    '002': () => String(dayOfYear(parts)).padStart(3, '0'),
    '15': () => two(parts.hour),
    '03': () => two(hour12),
    '3': () => String(hour12),
    '04': () => two(parts.minute),
    '4': () => String(parts.minute),
    '05': () => two(parts.second),
    '5': () => String(parts.second),
    PM: () => (parts.hour >= 12 ? 'PM' : 'AM'),
    pm: () => (parts.hour >= 12 ? 'pm' : 'am'),
  };
  return table[token]?.() ?? token;
}

function dayOfYear(parts: Parts): number {
  return (
    Math.floor((Date.UTC(parts.year, parts.month - 1, parts.day) - Date.UTC(parts.year, 0, 1)) / 86_400_000) +
    1
  );
}

function fraction(token: string, nanos: number): string {
  const digits = String(nanos)
    .padStart(9, '0')
    .slice(0, token.length - 1);
  if (token.charAt(1) === '0') return token.charAt(0) + digits;
  const trimmed = digits.replace(/0+$/, '');
  return trimmed === '' ? '' : token.charAt(0) + trimmed;
}

function offsetText(token: string, offsetMinutes: number): string {
  if (token.startsWith('Z') && offsetMinutes === 0) return 'Z';
  const size = Math.abs(offsetMinutes);
  const hours = String(Math.floor(size / 60)).padStart(2, '0');
  const minutes = String(size % 60).padStart(2, '0');
  const sign = offsetMinutes < 0 ? '-' : '+';
  if (token.length === 3) return sign + hours;
  return `${sign}${hours}${token.includes(':') ? ':' : ''}${minutes}${/:00:00/.test(token) ? ':00' : ''}`;
}

/** time.Parse for layouts of digits and names; the error is Go's first line. */
export function parseTime(layout: string, text: string): Result<bigint, string> {
  let pattern = '';
  let last = 0;
  const names: string[] = [];
  for (const match of layout.matchAll(LAYOUT)) {
    pattern += escapeRegex(layout.slice(last, match.index));
    pattern += tokenPattern(match[0]);
    names.push(match[0]);
    last = match.index + match[0].length;
  }
  pattern += escapeRegex(layout.slice(last));
  const compiled = compileRegex(pattern);
  const found = compiled.ok ? compiled.value.groups(text) : undefined;
  const fail = (): Result<bigint, string> => {
    const first = names[0] ?? layout;
    return err(
      `parsing time ${JSON.stringify(text)} as ${JSON.stringify(layout)}: cannot parse ${JSON.stringify(text)} as ${JSON.stringify(first)}`,
    );
  };
  if (found === undefined) return fail();
  const value = new Map(names.map((name, i) => [name, found[i + 1] ?? '']));
  const number = (...tokens: readonly string[]): number | undefined => {
    for (const token of tokens) if (value.has(token)) return Number(value.get(token));
    return undefined;
  };
  const named = value.get('January') ?? value.get('Jan');
  const month =
    named === undefined
      ? (number('01', '1') ?? 1)
      : MONTHS.findIndex(name => name.startsWith(named.slice(0, 3))) + 1;
  const short = number('06');
  const year = number('2006') ?? (short === undefined ? 0 : short + (short >= 69 ? 1900 : 2000));
  const half = value.get('PM') ?? value.get('pm');
  const hour12 = number('03', '3');
  const hour = number('15') ?? (hour12 ?? 0) % 12;
  const offset = [...value].find(([token]) => /^[Z-]07/.test(token))?.[1] ?? 'Z';
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, number('02', '2', '_2') ?? 1);
  date.setUTCHours(
    hour + (half?.toLowerCase() === 'pm' ? 12 : 0),
    number('04', '4') ?? 0,
    number('05', '5') ?? 0,
  );
  if (date.getUTCMonth() !== month - 1) return fail();
  const nanos = [...value].find(([token]) => /^[.,]/.test(token))?.[1] ?? '';
  return ok(
    BigInt(date.getTime()) * NS_PER_MS + BigInt(nanos.slice(1).padEnd(9, '0') || 0) - offsetNs(offset),
  );
}

function offsetNs(text: string): bigint {
  const match = /^([+-])(\d\d):?(\d\d)?/.exec(text);
  if (match === null) return 0n;
  const minutes = BigInt(match[2] ?? 0) * 60n + BigInt(match[3] ?? 0);
  return (match[1] === '-' ? -minutes : minutes) * 60n * NS_PER_S;
}

function tokenPattern(token: string): string {
  if (/^[.,]/.test(token)) return '([.,]\\d+)?';
  if (/^Z07/.test(token)) return '(Z|[+-]\\d\\d(?::?\\d\\d)?)';
  if (/^-07/.test(token)) return '([+-]\\d\\d(?::?\\d\\d)?)';
  if (token === '2006') return '(\\d{4})';
  if (token === 'January') return `(${MONTHS.join('|')})`;
  if (token === 'Jan') return `(${MONTHS.map(name => name.slice(0, 3)).join('|')})`;
  if (token === 'Monday') return `(${DAYS.join('|')})`;
  if (token === 'Mon') return `(${DAYS.map(name => name.slice(0, 3)).join('|')})`;
  if (token === 'MST') return '([A-Z]{3,5})';
  if (token === 'PM') return '([AP]M)';
  if (token === 'pm') return '([ap]m)';
  if (token === '002') return '(\\d{3})';
  if (token.length === 2) return token === '_2' ? '( ?\\d{1,2})' : '(\\d{2})';
  return '(\\d{1,2})';
}

function escapeRegex(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}

/** time.Duration's String: "1h30m0s", "1.5s", "100ms". */
export function formatGoDuration(durationNs: bigint): string {
  if (durationNs === 0n) return '0s';
  const sign = durationNs < 0n ? '-' : '';
  const size = durationNs < 0n ? -durationNs : durationNs;
  if (size < NS_PER_S) {
    const [unit, per] = size < 1000n ? ['ns', 1n] : size < NS_PER_MS ? ['µs', 1000n] : ['ms', NS_PER_MS];
    return `${sign}${decimal(size, per as bigint)}${unit}`;
  }
  const seconds = decimal(size % (60n * NS_PER_S), NS_PER_S);
  const minutes = size / (60n * NS_PER_S);
  if (minutes === 0n) return `${sign}${seconds}s`;
  return minutes < 60n
    ? `${sign}${minutes}m${seconds}s`
    : `${sign}${minutes / 60n}h${minutes % 60n}m${seconds}s`;
}

function decimal(value: bigint, per: bigint): string {
  const width = String(per).length - 1;
  const rest = String(value % per)
    .padStart(width, '0')
    .replace(/0+$/, '');
  return `${value / per}${rest === '' || width === 0 ? '' : `.${rest}`}`;
}
