// Time intervals: ends of ranges and months, time zones, and the days on which clocks are changed.

import { describe, expect, it } from 'vitest';
import type { NumberRange, TimeIntervalSpec } from '../config/index.ts';
import { TimeIntervals } from './time-intervals.ts';

function inside(spec: TimeIntervalSpec, at: string): boolean {
  return new TimeIntervals([{ name: 'x', intervals: [spec] }]).contains('x', Date.parse(at));
}

const OFFICE = { times: [{ startMinute: 9 * 60, endMinute: 17 * 60 }] };

describe('parts', () => {
  const cases: readonly (readonly [string, TimeIntervalSpec, string, boolean])[] = [
    ['the start belongs to it', OFFICE, '2026-03-02T09:00:00Z', true],
    ['the last moment before the end', OFFICE, '2026-03-02T16:59:59.999Z', true],
    ['the end does not', OFFICE, '2026-03-02T17:00:00Z', false],
    ['until midnight', { times: [{ startMinute: 23 * 60, endMinute: 1440 }] }, '2026-03-02T23:59:59Z', true],
    ['an empty part holds always', { ...OFFICE, weekdays: [], months: [] }, '2026-03-02T10:00:00Z', true],
    ['nothing given is always', {}, '2026-03-02T10:00:00Z', true],
    ['a weekday: Sunday is 0', { weekdays: [{ first: 0, last: 0 }] }, '2026-03-01T00:00:00Z', true],
    ['another weekday', { weekdays: [{ first: 1, last: 5 }] }, '2026-03-01T00:00:00Z', false],
    ['the last day of February', { daysOfMonth: [{ first: -1, last: -1 }] }, '2028-02-29T12:00:00Z', true],
    [
      'not the last in a leap year',
      { daysOfMonth: [{ first: -1, last: -1 }] },
      '2028-02-28T12:00:00Z',
      false,
    ],
    ['cut to the month', { daysOfMonth: [{ first: 25, last: 31 }] }, '2026-02-28T12:00:00Z', true],
    ['beyond the month: never', { daysOfMonth: [{ first: 30, last: 31 }] }, '2026-02-28T12:00:00Z', false],
    ['from the first to the last', { daysOfMonth: [{ first: 1, last: -1 }] }, '2026-04-30T12:00:00Z', true],
    ['a month', { months: [{ first: 1, last: 3 }] }, '2026-03-31T23:59:00Z', true],
    ['the month after', { months: [{ first: 1, last: 3 }] }, '2026-04-01T00:00:00Z', false],
    ['a year', { years: [{ first: 2026, last: 2027 }] }, '2026-01-01T00:00:00Z', true],
    [
      'all parts must hold',
      { ...OFFICE, years: [{ first: 2025, last: 2025 }] },
      '2026-03-02T10:00:00Z',
      false,
    ],
  ];
  it.each(cases)('%s', (_, spec, at, wanted) => expect(inside(spec, at)).toBe(wanted));
});

describe('time zones', () => {
  const berlin = { ...OFFICE, location: 'Europe/Berlin' };
  const newYork = { ...OFFICE, location: 'America/New_York' };
  const sundayInNewYork = { weekdays: [{ first: 0, last: 0 }], location: 'America/New_York' };
  const lordHowe = { times: [{ startMinute: 90, endMinute: 120 }], location: 'Australia/Lord_Howe' };
  const year = (one: number): NumberRange => ({ first: one, last: one });
  const sydney = { weekdays: [{ first: 1, last: 1 }], location: 'Australia/Sydney' };
  const cases: readonly (readonly [string, TimeIntervalSpec, string, boolean])[] = [
    ['winter time', berlin, '2026-01-05T08:00:00Z', true],
    ['winter time, an hour before', berlin, '2026-01-05T07:59:00Z', false],
    ['summer time', berlin, '2026-07-06T07:00:00Z', true],
    ['summer time, the end', berlin, '2026-07-06T15:00:00Z', false],
    // 2026-03-29: 02:00 becomes 03:00; an interval within the hour that is left out never comes.
    [
      'the hour that is left out',
      { times: [{ startMinute: 120, endMinute: 180 }], location: 'Europe/Berlin' },
      '2026-03-29T01:00:00Z',
      false,
    ],
    // 2026-10-25: 02:30 comes twice.
    [
      'the hour that comes twice, first',
      { times: [{ startMinute: 150, endMinute: 151 }], location: 'Europe/Berlin' },
      '2026-10-25T00:30:00Z',
      true,
    ],
    [
      'the hour that comes twice, second',
      { times: [{ startMinute: 150, endMinute: 151 }], location: 'Europe/Berlin' },
      '2026-10-25T01:30:00Z',
      true,
    ],
    ['a weekday there', sydney, '2026-03-01T13:00:00Z', true],
    ['the day before there', sydney, '2026-03-01T12:59:00Z', false],
    [
      'half an hour beside the full ones',
      { ...OFFICE, location: 'Asia/Kolkata' },
      '2026-03-02T03:30:00Z',
      true,
    ],
    ['a moment before, there', { ...OFFICE, location: 'Asia/Kolkata' }, '2026-03-02T03:29:59Z', false],
    ['three quarters of an hour', { ...OFFICE, location: 'Asia/Kathmandu' }, '2026-03-02T03:15:00Z', true],
    // 2026-03-08: 02:00 becomes 03:00 in New York, where 09:00 is 13:00 UTC from then on.
    ['the day on which clocks go forward', newYork, '2026-03-08T13:00:00Z', true],
    ['an hour before, that day', newYork, '2026-03-08T12:59:59Z', false],
    ['the day before', newYork, '2026-03-07T13:59:59Z', false],
    ['the day before, at nine', newYork, '2026-03-07T14:00:00Z', true],
    // 2026-11-01: 02:00 becomes 01:00; the day has 25 hours, all of them on the same date.
    ['the first hour of the day on which they go back', sundayInNewYork, '2026-11-01T04:00:00Z', true],
    ['its last one, 25 hours later', sundayInNewYork, '2026-11-02T04:59:59Z', true],
    ['the hour after it', sundayInNewYork, '2026-11-02T05:00:00Z', false],
    // Lord Howe changes by half an hour: 2026-04-05 at 02:00 it becomes 01:30.
    ['half an hour that comes twice, first', lordHowe, '2026-04-04T14:30:00Z', true],
    ['half an hour that comes twice, second', lordHowe, '2026-04-04T15:00:00Z', true],
    ['half an hour that comes twice, over', lordHowe, '2026-04-04T15:30:00Z', false],
    // The year begins first on Kiritimati and last on Pago Pago, 25 hours apart.
    [
      'next year already',
      { years: [year(2027)], location: 'Pacific/Kiritimati' },
      '2026-12-31T10:00:00Z',
      true,
    ],
    ['not yet', { years: [year(2027)], location: 'Pacific/Kiritimati' }, '2026-12-31T09:59:59Z', false],
    ['still this year', { years: [year(2026)], location: 'Pacific/Pago_Pago' }, '2027-01-01T10:59:59Z', true],
    ['no more', { years: [year(2026)], location: 'Pacific/Pago_Pago' }, '2027-01-01T11:00:00Z', false],
    // The last day of February there begins while it is the 27th elsewhere.
    [
      'the last day of a month there',
      { daysOfMonth: [{ first: -1, last: -1 }], location: 'Pacific/Auckland' },
      '2026-02-27T11:00:00Z',
      true,
    ],
    [
      'and the first of the next one',
      { daysOfMonth: [{ first: -1, last: -1 }], location: 'Pacific/Auckland' },
      '2026-02-28T11:00:00Z',
      false,
    ],
    // A place that dropped a whole day: 2011-12-30 never was on Samoa.
    [
      'a day that was left out',
      { daysOfMonth: [{ first: 30, last: 30 }], months: [{ first: 12, last: 12 }], location: 'Pacific/Apia' },
      '2011-12-30T12:00:00Z',
      false,
    ],
  ];
  it.each(cases)('%s', (_, spec, at, wanted) => expect(inside(spec, at)).toBe(wanted));
});

it('inside one of several is inside; an unknown name and one without intervals never are; each minute is looked at anew', () => {
  const intervals = new TimeIntervals([
    { name: 'both', intervals: [{ months: [{ first: 1, last: 1 }] }, OFFICE] },
    { name: 'none', intervals: [] },
  ]);
  const start = Date.parse('2026-03-02T08:59:00Z');
  const seen = [0, 59_999, 60_000].map(afterMs => intervals.contains('both', start + afterMs));
  expect(seen).toEqual([false, false, true]);
  expect(intervals.contains('none', start)).toBe(false);
  expect(intervals.contains('unknown', start)).toBe(false);
});
