// Time intervals around the present: drawn from a seed so that some hold now and others do not, each part of them in turn,
// in places all over the world. What would change while a test runs is not drawn.

import { TimeIntervals } from '../../src/alerting/time-intervals.ts';
import {
  list,
  parseDocument,
  readDocument,
  type TimeIntervalSpec,
  timeIntervalSpec,
} from '../../src/config/index.ts';
import { seededRandom } from '../support/random.ts';

/** As Alertmanager's configuration has it. */
export interface WrittenInterval {
  times?: readonly { readonly start_time: string; readonly end_time: string }[];
  weekdays?: readonly string[];
  days_of_month?: readonly string[];
  months?: readonly string[];
  years?: readonly string[];
  location?: string;
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
/** Far apart, on both sides of the date line, and beside the full hours. */
const PLACES = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'America/St_Johns',
  'America/Los_Angeles',
  'Asia/Kolkata',
  'Asia/Kathmandu',
  'Asia/Shanghai',
  'Australia/Lord_Howe',
  'Pacific/Auckland',
  'Pacific/Chatham',
  'Pacific/Kiritimati',
  'Pacific/Pago_Pago',
];
const MINUTES_PER_DAY = 1440;
/** How far a border keeps from the present. */
const CLEAR_MINUTES = 30;

interface Local {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly weekday: number;
  readonly minute: number;
  readonly daysInMonth: number;
}

export class IntervalDrawing {
  readonly #random: ReturnType<typeof seededRandom>;
  readonly #nowMs: number;

  constructor(seed: number, nowMs: number) {
    this.#random = seededRandom(seed);
    this.#nowMs = nowMs;
  }

  draw(): WrittenInterval {
    const location = this.#random.float() < 0.7 ? this.#pick(PLACES) : undefined;
    const now = localTime(this.#nowMs, location ?? 'UTC');
    const interval: WrittenInterval = {};
    if (location !== undefined) interval.location = location;
    if (this.#random.float() < 0.6) interval.times = this.#some(() => this.#times(now));
    if (this.#random.float() < 0.35) interval.weekdays = this.#some(() => this.#weekdays(now));
    if (this.#random.float() < 0.35) interval.days_of_month = this.#some(() => this.#days(now));
    if (this.#random.float() < 0.3) interval.months = this.#some(() => this.#months(now));
    if (this.#random.float() < 0.25) interval.years = this.#some(() => this.#years(now));
    return interval;
  }

  /** One or two ranges; a part is true where one of them is. */
  #some<T>(draw: () => T): readonly T[] {
    return this.#random.float() < 0.3 ? [draw(), draw()] : [draw()];
  }

  #holds(): boolean {
    return this.#random.float() < 0.75;
  }

  #times({ minute }: Local): { readonly start_time: string; readonly end_time: string } {
    const before = [0, Math.max(0, minute - CLEAR_MINUTES)] as const;
    const after = [Math.min(MINUTES_PER_DAY, minute + CLEAR_MINUTES), MINUTES_PER_DAY] as const;
    let [start, end] = [this.#between(before), this.#between(after)];
    if (!this.#holds()) {
      const side = this.#random.float() < 0.5 ? before : after;
      [start, end] = [this.#between(side), this.#between(side)].sort((a, b) => a - b) as [number, number];
    }
    if (start >= end) [start, end] = [0, MINUTES_PER_DAY];
    return { start_time: clockText(start), end_time: clockText(end) };
  }

  #weekdays({ weekday }: Local): string {
    const first = this.#holds() ? this.#between([0, weekday]) : this.#between([0, 6]);
    const last = this.#between([Math.max(first, this.#holds() ? weekday : first), 6]);
    const [from = '', to = ''] = [WEEKDAYS[first], WEEKDAYS[last]];
    return first === last ? from : `${from}:${to}`;
  }

  #days({ day, daysInMonth }: Local): string {
    // Counted from the end where the draw says so: -1 is the last day of the month.
    const written = (one: number): number => (this.#random.float() < 0.5 ? one : one - daysInMonth - 1);
    const first = this.#holds() ? this.#between([1, day]) : this.#between([1, daysInMonth]);
    const last = this.#between([Math.max(first, this.#holds() ? day : first), daysInMonth]);
    const [from, to] = [written(first), written(last)];
    return first === last ? `${from}` : `${from}:${to}`;
  }

  #months({ month }: Local): string {
    const written = (one: number): string =>
      this.#random.float() < 0.5 ? String(one) : (MONTHS[one - 1] ?? '');
    const first = this.#holds() ? this.#between([1, month]) : this.#between([1, 12]);
    const last = this.#between([Math.max(first, this.#holds() ? month : first), 12]);
    return first === last ? written(first) : `${written(first)}:${written(last)}`;
  }

  #years({ year }: Local): string {
    const first = this.#holds() ? year - this.#between([0, 3]) : year + this.#between([1, 3]);
    const last = first + this.#between([0, 5]);
    return first === last ? `${first}` : `${first}:${last}`;
  }

  #between([from, to]: readonly [number, number]): number {
    return from + (this.#random.uint32() % (to - from + 1));
  }

  #pick<T>(list: readonly T[]): T {
    return list[this.#random.uint32() % list.length] as T;
  }
}

/** What our configuration makes of them; undefined where it refuses them (days that run backwards in a long month). */
export function specsOf(written: readonly WrittenInterval[]): readonly TimeIntervalSpec[] | undefined {
  return readDocument(parseDocument(JSON.stringify(written), 'drawn'), list(timeIntervalSpec)).value;
}

/** The verdict now; undefined where it changes a while before or after. */
export function steadyVerdict(specs: readonly TimeIntervalSpec[], nowMs: number): boolean | undefined {
  const intervals = new TimeIntervals([{ name: 'x', intervals: specs }]);
  const now = intervals.contains('x', nowMs);
  for (let minute = -2; minute <= CLEAR_MINUTES - 5; minute++)
    if (intervals.contains('x', nowMs + minute * 60_000) !== now) return undefined;
  return now;
}

function clockText(minutes: number): string {
  const pad = (value: number): string => String(value).padStart(2, '0');
  return `${pad(Math.floor(minutes / 60))}:${pad(minutes % 60)}`;
}

function localTime(atMs: number, timeZone: string): Local {
  const parts = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
  }).formatToParts(atMs);
  const part = (type: string): number => Number(parts.find(one => one.type === type)?.value);
  const [year, month, day] = [part('year'), part('month'), part('day')];
  return {
    year,
    month,
    day,
    weekday: new Date(Date.UTC(year, month - 1, day)).getUTCDay(),
    minute: part('hour') * 60 + part('minute'),
    daysInMonth: new Date(Date.UTC(year, month, 0)).getUTCDate(),
  };
}
