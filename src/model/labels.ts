// A label set: the identity of a series or an alert.
// Layout: one flat frozen array [name0, value0, name1, value1, …], names unique and in byte order of UTF-8,
// no empty values (an empty label is an absent label).

import { compareUtf8 } from '../base/index.ts';

declare const labelsBrand: unique symbol;
export type Labels = readonly string[] & { readonly [labelsBrand]: true };

export const METRIC_NAME = '__name__';

export const NO_LABELS: Labels = Object.freeze([]) as readonly string[] as Labels;

/** Builds a label set from pairs in any order; of a repeated name the last wins, empty values are left out. */
export function labelsFromPairs(pairs: Iterable<readonly [name: string, value: string]>): Labels {
  const given: string[] = [];
  for (const [name, value] of pairs) given.push(name, value);
  return labelsFromFlat(given);
}

/** The same of names and values in turn; takes the array over. */
export function labelsFromFlat(given: string[]): Labels {
  // Most come in order already: programs write them so.
  return isSortedSet(given) ? labelsFromSorted(Object.freeze(given)) : sortedSet(given);
}

function isSortedSet(flat: readonly string[]): boolean {
  for (let i = 0; i < flat.length; i += 2) {
    if (flat[i + 1] === '') return false;
    if (i > 0 && compareUtf8(flat[i - 2] as string, flat[i] as string) >= 0) return false;
  }
  return true;
}

function sortedSet(given: readonly string[]): Labels {
  const byName = new Map<string, string>();
  for (let i = 0; i < given.length; i += 2) byName.set(given[i] as string, given[i + 1] as string);
  const names = [...byName.keys()].sort(compareUtf8);
  const flat: string[] = [];
  for (const name of names) {
    const value = byName.get(name) as string;
    if (value !== '') flat.push(name, value);
  }
  return Object.freeze(flat) as readonly string[] as Labels;
}

export function labelsFrom(record: Readonly<Record<string, string>>): Labels {
  return labelsFromPairs(Object.entries(record));
}

/** Takes over a flat array that already keeps the invariant above (hot paths that sorted it themselves). */
export function labelsFromSorted(flat: readonly string[]): Labels {
  return flat as Labels;
}

/** The value of a label, "" when absent. */
export function labelValue(labels: Labels, name: string): string {
  for (let i = 0; i < labels.length; i += 2) {
    if (labels[i] === name) return labels[i + 1] as string;
  }
  return '';
}

export function* labelPairs(labels: Labels): Generator<readonly [name: string, value: string]> {
  for (let i = 0; i < labels.length; i += 2) yield [labels[i] as string, labels[i + 1] as string];
}

export function labelsToRecord(labels: Labels): Record<string, string> {
  // No prototype: a label may be called "__proto__".
  const record: Record<string, string> = Object.create(null);
  for (let i = 0; i < labels.length; i += 2) record[labels[i] as string] = labels[i + 1] as string;
  return record;
}

/** A text equal for equal label sets only: each part is preceded by its length. */
export function labelsKey(labels: Labels): string {
  let key = '';
  for (const part of labels) key += `${part.length}:${part}`;
  return key;
}

export function labelsEqual(a: Labels, b: Labels): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Byte order over (name, value, name, value, …), then fewer labels first: the order of Prometheus's answers. */
export function compareLabels(a: Labels, b: Labels): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    // Mostly the very same string: that is seen at a glance.
    if (a[i] === b[i]) continue;
    const order = compareUtf8(a[i] as string, b[i] as string);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

/** Label sets from `first` to `last` in the order of `compareLabels`, both included. */
export interface LabelsRange {
  readonly first: Labels;
  readonly last: Labels;
}

export function isBetween(labels: Labels, { first, last }: LabelsRange): boolean {
  return compareLabels(labels, first) >= 0 && compareLabels(labels, last) <= 0;
}

/** Sets labels; an empty value removes the name. */
export function withLabels(labels: Labels, changes: Readonly<Record<string, string>>): Labels {
  return labelsFromPairs([...labelPairs(labels), ...Object.entries(changes)]);
}

export function withoutLabels(labels: Labels, names: ReadonlySet<string>): Labels {
  const flat: string[] = [];
  for (const [name, value] of labelPairs(labels)) if (!names.has(name)) flat.push(name, value);
  return labelsFromSorted(Object.freeze(flat));
}

/** `name{a="b", c="d"}`, or `{"na.me", "a b"="c"}` where names are not plain: as a query has it; for messages and logs. */
export function formatLabels(labels: Labels): string {
  const name = labelValue(labels, METRIC_NAME);
  const isPlain = name === '' || PLAIN_METRIC.test(name);
  const parts: string[] = isPlain ? [] : [JSON.stringify(name)];
  for (const [key, value] of labelPairs(labels)) {
    if (key === METRIC_NAME) continue;
    parts.push(`${PLAIN_LABEL.test(key) ? key : JSON.stringify(key)}=${JSON.stringify(value)}`);
  }
  const front = isPlain ? name : '';
  return parts.length === 0 && front !== '' ? front : `${front}{${parts.join(', ')}}`;
}

const PLAIN_METRIC = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const PLAIN_LABEL = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/**
 * 64-bit FNV-1a over the UTF-8 bytes of names and values, each ended by 0xFF, as 16 hex digits:
 * the fingerprint by which Alertmanager's clients know an alert.
 */
export function fingerprint(labels: Labels): string {
  // Two signed 32-bit halves, so that no number is made on the heap: prime 0x100000001b3 = 2^40 + 0x1b3.
  let high = 0xcbf29ce4 | 0;
  let low = 0x84222325 | 0;
  for (const part of labels) {
    // Mostly ASCII, which is its own UTF-8: no bytes are made of it.
    const bytes = ASCII.test(part) ? undefined : encoder.encode(part);
    const length = bytes?.length ?? part.length;
    for (let i = 0; i <= length; i++) {
      const byte = i === length ? 0xff : bytes === undefined ? part.charCodeAt(i) : (bytes[i] as number);
      low ^= byte;
      const product = (low & 0xffff) * 0x1b3;
      const upper = (low >>> 16) * 0x1b3 + (product >>> 16);
      high = (Math.imul(high, 0x1b3) + (upper >>> 16) + (low << 8)) | 0;
      low = (upper << 16) | (product & 0xffff);
    }
  }
  return hex32(high) + hex32(low);
}

function hex32(half: number): string {
  return (half >>> 0).toString(16).padStart(8, '0');
}

/** All of it. */
const ASCII = /^[\0-\x7f]*$/;

const encoder = new TextEncoder();
