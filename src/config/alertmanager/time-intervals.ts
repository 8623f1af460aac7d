// alertmanager.yml: `time_intervals` and `mute_time_intervals`: named spans of days and hours.

import { bad, INVALID, list, mapped, optional, record, type Schema, text } from '../schema.ts';
import { requireSet } from '../shared/checks.ts';

/** Both ends inclusive. */
export interface NumberRange {
  readonly first: number;
  readonly last: number;
}

/** An instant is inside when each part that is given holds; an absent part holds always. */
export interface TimeIntervalSpec {
  /** Minutes since midnight; the end is exclusive. */
  readonly times?: readonly { readonly startMinute: number; readonly endMinute: number }[];
  /** 0 is Sunday. */
  readonly weekdays?: readonly NumberRange[];
  /** From 1; negative counts from the end of the month. */
  readonly daysOfMonth?: readonly NumberRange[];
  /** From 1. */
  readonly months?: readonly NumberRange[];
  readonly years?: readonly NumberRange[];
  /** IANA name; UTC when absent. */
  readonly location?: string;
}

export interface NamedTimeInterval {
  readonly name: string;
  readonly intervals: readonly TimeIntervalSpec[];
}

const WEEKDAYS = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'];
const MONTHS = [
  'january',
  'february',
  'march',
  'april',
  'may',
  'june',
  'july',
  'august',
  'september',
  'october',
  'november',
  'december',
];

const minute: Schema<number> = mapped(text(), (value, context) => {
  const match = /^((?:[01]\d|2[0-3]):[0-5]\d|24:00)$/.exec(value);
  if (match === null)
    return bad(`Cannot take the time "${value}": HH:MM from 00:00 to 24:00 expected`, context);
  return Number(value.slice(0, 2)) * 60 + Number(value.slice(3));
});

const timeRange = mapped(
  record({ start_time: optional(minute), end_time: optional(minute) }, (_, context, node) =>
    requireSet(node, context, ['start_time', 'end_time']),
  ),
  (value, context) => {
    const range = { startMinute: value.start_time ?? 0, endMinute: value.end_time ?? 0 };
    return range.startMinute < range.endMinute
      ? range
      : bad('Cannot use the time range: start_time must be before end_time', context, 'split it at midnight');
  },
);

/** "first:last" or one value; `read` gives the number of one end, or what is wrong with it. */
function range(says: string, read: (word: string) => number | string): Schema<NumberRange> {
  return mapped(text(), (value, context) => {
    const parts = value.toLowerCase().split(':');
    if (parts.length > 2)
      return bad(`Cannot take the range "${value}": ${says} or first:last expected`, context);
    const ends = parts.map(part => read(part));
    const wrong = ends.find(end => typeof end === 'string');
    if (wrong !== undefined) return bad(`Cannot take the range "${value}": ${wrong}`, context);
    const [first = 0, last = first] = ends.filter(end => typeof end === 'number');
    return { first, last };
  });
}

/** The end must not lie before the start. */
function ordered(schema: Schema<NumberRange>): Schema<NumberRange> {
  return mapped(schema, (value, context) =>
    value.first <= value.last
      ? value
      : bad(`Cannot use the range in ${context.path}: its end is before its start`, context),
  );
}

const weekday = ordered(
  range('a weekday', word => {
    const day = WEEKDAYS.indexOf(word);
    return day < 0 ? `"${word}" is not a valid weekday` : day;
  }),
);

const dayOfMonth = mapped(
  range('a day of the month', word => {
    const day = Number(word);
    if (!/^-?\d+$/.test(word)) return `"${word}" is not a number`;
    return day === 0 || Math.abs(day) > 31 ? `${word} is not a valid day of the month: out of range` : day;
  }),
  (value, context) => {
    if (value.first < 0 && value.last > 0) {
      return bad(
        'Cannot use the range of days: its end must be negative when its start is negative',
        context,
      );
    }
    // Alertmanager's own sum, which refuses a few ranges that would be right in long months: 28:-1 is one.
    const first = value.first < 0 ? 28 + value.first : value.first;
    const last = value.last < 0 ? 28 + value.last : value.last;
    return first <= last ? value : bad('Cannot use the range of days: its end is before its start', context);
  },
);

const month = ordered(
  range('a month', word => {
    const named = MONTHS.indexOf(word) + 1;
    const number = named > 0 ? named : /^\d+$/.test(word) ? Number(word) : 0;
    return number < 1 || number > 12 ? `"${word}" is not a valid month` : number;
  }),
);

const year = ordered(
  range('a year', word => (/^\d+$/.test(word) ? Number(word) : `"${word}" is not a year`)),
);

const location: Schema<string> = mapped(text(), (value, context) => {
  if (value === 'Local' || value === '') return value;
  try {
    new Intl.DateTimeFormat('en', { timeZone: value });
    return value;
  } catch {
    return bad(
      `Cannot use the location "${value}": no such time zone`,
      context,
      'an IANA name such as Europe/Berlin',
    );
  }
});

export const timeIntervalSpec: Schema<TimeIntervalSpec> = mapped(
  record({
    times: optional(list(timeRange)),
    weekdays: optional(list(weekday)),
    days_of_month: optional(list(dayOfMonth)),
    months: optional(list(month)),
    years: optional(list(year)),
    location: optional(location),
  }),
  value => ({
    ...(value.times === undefined ? {} : { times: value.times }),
    ...(value.weekdays === undefined ? {} : { weekdays: value.weekdays }),
    ...(value.days_of_month === undefined ? {} : { daysOfMonth: value.days_of_month }),
    ...(value.months === undefined ? {} : { months: value.months }),
    ...(value.years === undefined ? {} : { years: value.years }),
    ...(value.location === undefined ? {} : { location: value.location }),
  }),
);

const namedInterval: Schema<NamedTimeInterval> = mapped(
  record({ name: optional(text()), time_intervals: optional(list(timeIntervalSpec)) }, (_, context, node) => {
    requireSet(node, context, ['name']);
  }),
  value => (value.name === undefined ? INVALID : { name: value.name, intervals: value.time_intervals ?? [] }),
);

export const timeIntervals: Schema<readonly NamedTimeInterval[]> = list(namedInterval);
