// Times in the bodies of Alertmanager's API.

/** What its clients may send: RFC 3339, with the zone as `+01:00`, `+0100` or left out, which is UTC. */
const TIME = /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d:\d\d)(:\d\d)?(\.\d{1,9})?(?:[Zz]|([+-])(\d\d):?(\d\d))?$/;

/** Go's time.Time{}, which its clients send for "none". */
const GO_ZERO_MS = Date.parse('0001-01-01T00:00:00Z');

/** Undefined where the text is no time; "none" for Go's zero time. */
export function readTime(text: string): number | 'none' | undefined {
  const read = TIME.exec(text);
  if (read === null) return undefined;
  const [, year = '', month = '', day = '', minutes = '', seconds = ':00', fraction = '', sign] = read;
  if (Number(day) > daysIn(Number(year), Number(month))) return undefined;
  const zone = sign === undefined ? 'Z' : `${sign}${read[8]}:${read[9]}`;
  const atMs = Date.parse(`${year}-${month}-${day}T${minutes}${seconds}${fraction.slice(0, 4)}${zone}`);
  if (Number.isNaN(atMs)) return undefined;
  return atMs === GO_ZERO_MS ? 'none' : atMs;
}

function daysIn(year: number, month: number): number {
  return new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate();
}
