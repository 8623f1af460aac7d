// Time intervals: whether an instant lies in spans of days and hours, in a time zone. Alertmanager's semantics.

import type { NamedTimeInterval, NumberRange, TimeIntervalSpec } from '../config/index.ts';

const MINUTE_MS = 60_000;

/** An instant as the clock on the wall of a place shows it. */
interface WallTime {
  readonly year: number;
  /** From 1. */
  readonly month: number;
  readonly day: number;
  /** 0 is Sunday. */
  readonly weekday: number;
  readonly minuteOfDay: number;
}

/**
 * Owns the formatters of the time zones and the last answers: they hold for a whole minute, and ten thousand groups ask in
 * the same one.
 */
export class TimeIntervals {
  readonly #byName: ReadonlyMap<string, readonly TimeIntervalSpec[]>;
  readonly #zones = new Map<string, Intl.DateTimeFormat>();
  readonly #answers = new Map<string, boolean>();
  #answersMinute = Number.NaN;

  constructor(named: readonly NamedTimeInterval[]) {
    this.#byName = new Map(named.map(one => [one.name, one.intervals]));
  }

  /** Whether the instant lies in the interval of that name; an unknown name is never inside. */
  contains(name: string, atMs: number): boolean {
    const minute = Math.floor(atMs / MINUTE_MS);
    if (minute !== this.#answersMinute) {
      this.#answers.clear();
      this.#answersMinute = minute;
    }
    const known = this.#answers.get(name);
    if (known !== undefined) return known;
    const answer = (this.#byName.get(name) ?? []).some(spec => isInside(spec, this.#wallTime(spec, atMs)));
    this.#answers.set(name, answer);
    return answer;
  }

  #wallTime({ location = 'UTC' }: TimeIntervalSpec, atMs: number): WallTime {
    let format = this.#zones.get(location);
    if (format === undefined) {
      format = zoneFormat(location);
      this.#zones.set(location, format);
    }
    return wallTime(format, atMs);
  }
}

function zoneFormat(location: string): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat('en-US', {
    // "Local" and an empty name are the machine's own zone, which is what no zone at all means here.
    ...(location === 'Local' || location === '' ? {} : { timeZone: location }),
    calendar: 'gregory',
    numberingSystem: 'latn',
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
  });
}

function wallTime(format: Intl.DateTimeFormat, atMs: number): WallTime {
  const parts = new Map(format.formatToParts(atMs).map(part => [part.type, Number(part.value)]));
  const part = (type: Intl.DateTimeFormatPartTypes): number => parts.get(type) ?? 0;
  const [year, month, day] = [part('year'), part('month'), part('day')];
  return {
    year,
    month,
    day,
    weekday: new Date(Date.UTC(year, month - 1, day)).getUTCDay(),
    minuteOfDay: part('hour') * 60 + part('minute'),
  };
}

function isInside(spec: TimeIntervalSpec, at: WallTime): boolean {
  const { times = [], weekdays = [], daysOfMonth = [], months = [], years = [] } = spec;
  const holds = <T>(list: readonly T[], test: (one: T) => boolean): boolean =>
    list.length === 0 || list.some(test);
  return (
    holds(times, one => at.minuteOfDay >= one.startMinute && at.minuteOfDay < one.endMinute) &&
    holds(daysOfMonth, range => isDayIn(range, at)) &&
    holds(months, range => isIn(range, at.month)) &&
    holds(weekdays, range => isIn(range, at.weekday)) &&
    holds(years, range => isIn(range, at.year))
  );
}

function isIn({ first, last }: NumberRange, value: number): boolean {
  return value >= first && value <= last;
}

/** Ends beyond the month are cut to it; a range that begins beyond it holds on no day of the month. */
function isDayIn({ first, last }: NumberRange, at: WallTime): boolean {
  const days = new Date(Date.UTC(at.year, at.month, 0)).getUTCDate();
  const begin = first < 0 ? days + first + 1 : first;
  const end = last < 0 ? days + last + 1 : last;
  return begin <= days && at.day >= begin && at.day <= Math.min(end, days);
}
