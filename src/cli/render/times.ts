// Times as people read them: in the time zone of the terminal, or in UTC where others print them so.

export interface TimeTexts {
  /** 2026-01-02 03:04:05 */
  full(ms: number): string;
  /** 2026-01-02 03:04:05 to 04:05:06: the second day only where it is another. */
  range(fromMs: number, toMs: number): string;
  /** Labels of an axis from one time to another, as short as they may be. */
  axis(fromMs: number, toMs: number): (ms: number) => string;
}

/** In UTC, to the second. */
export function utcText(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? '?' : date.toISOString().replace('T', ' ').slice(0, 19);
}

const MINUTES_WITH_SECONDS_MS = 10 * 60_000;
const MONTHS_MS = 300 * 86_400_000;

export function timeTexts(timeZone: string): TimeTexts {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  });
  const parts = (ms: number): Readonly<Record<string, string>> =>
    Object.fromEntries(format.formatToParts(ms).map(({ type, value }) => [type, value]));
  const day = (ms: number): string => {
    const { year, month, day: date } = parts(ms);
    return `${year}-${month}-${date}`;
  };
  const time = (ms: number): string => {
    const { hour, minute, second } = parts(ms);
    return `${hour}:${minute}:${second}`;
  };
  return {
    full: ms => `${day(ms)} ${time(ms)}`,
    range(fromMs, toMs) {
      const from = `${day(fromMs)} ${time(fromMs)}`;
      if (fromMs === toMs) return from;
      return `${from} to ${day(fromMs) === day(toMs) ? time(toMs) : `${day(toMs)} ${time(toMs)}`}`;
    },
    axis(fromMs, toMs) {
      if (toMs - fromMs > MONTHS_MS) return day;
      if (day(fromMs) !== day(toMs)) return ms => `${day(ms).slice(5)} ${time(ms).slice(0, 5)}`;
      return toMs - fromMs < MINUTES_WITH_SECONDS_MS ? time : ms => time(ms).slice(0, 5);
    },
  };
}
