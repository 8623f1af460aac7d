// Values as JSON text in the database. JSON has no word for NaN, the infinities and -0, which alerts and evidence may
// hold: they are written {"$number": "NaN"}. A key of the user's that begins with "$" gets a second one.

import { assert } from '../base/index.ts';

const TAG = '$number';

export function encode(value: unknown): string {
  // Nearly everything: a look at all of it costs a small part of what it costs to ask back at each part.
  if (isPlain(value)) return JSON.stringify(value);
  const text = JSON.stringify(value, (_, part: unknown) => {
    if (typeof part === 'number') {
      return Number.isFinite(part) && !Object.is(part, -0) ? part : new Tagged(part);
    }
    if (typeof part === 'object' && part !== null && !(part instanceof Tagged) && hasDollarKey(part)) {
      return Object.fromEntries(
        Object.entries(part).map(([key, inner]) => [key.startsWith('$') ? `$${key}` : key, inner]),
      );
    }
    return part;
  });
  // undefined and functions have no JSON; no caller may hand them in.
  assert(text !== undefined, 'a value without a JSON form was to be stored');
  return text;
}

/** Whether JSON has a word for all of it, and no key has to be doubled. */
function isPlain(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value) && !Object.is(value, -0);
  if (typeof value !== 'object' || value === null)
    return typeof value === 'string' || typeof value === 'boolean' || value === null;
  if (Array.isArray(value)) {
    for (const part of value) if (!isPlain(part)) return false;
    return true;
  }
  // No pairs are made of it: this is asked of all that is ever written.
  return arePlainParts(value as Readonly<Record<string, unknown>>);
}

function arePlainParts(parts: Readonly<Record<string, unknown>>): boolean {
  for (const key in parts) {
    const part = parts[key];
    if (key.startsWith('$') || !(part === undefined || isPlain(part))) return false;
  }
  return true;
}

/** Reads what `encode` wrote. The type is the writer's: each column is written by one place only. */
export function decode<T>(text: string): T {
  // Nearly everything: without a key that begins with "$" there is nothing to put back.
  if (!text.includes('"$')) return JSON.parse(text) as T;
  return JSON.parse(text, (_, part: unknown) => {
    if (typeof part !== 'object' || part === null || Array.isArray(part) || !hasDollarKey(part)) return part;
    if (TAG in part) return Number(part[TAG] === '-0' ? -0 : part[TAG]);
    return Object.fromEntries(
      Object.entries(part).map(([key, inner]) => [key.startsWith('$') ? key.slice(1) : key, inner]),
    );
  }) as T;
}

/** A number on its way into the text; its own key must not be doubled. */
class Tagged {
  readonly [TAG]: string;
  constructor(value: number) {
    this[TAG] = Object.is(value, -0) ? '-0' : String(value);
  }
}

function hasDollarKey(value: object): value is Record<string, unknown> {
  return !Array.isArray(value) && Object.keys(value).some(key => key.startsWith('$'));
}
