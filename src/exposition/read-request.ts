// prometheus.ReadRequest, the question of a remote read, out of its bytes.

import { err, ok, type Result } from '../base/index.ts';
import type { Matcher, MatchOp } from '../model/index.ts';
import { BYTES, VARINT, WireReader } from './wire.ts';

export interface ReadQuery {
  /** Both ends are included. */
  readonly startMs: number;
  readonly endMs: number;
  readonly matchers: readonly Matcher[];
  readonly hints: ReadHints | undefined;
}

/** What the asker is going to do with the samples. */
export interface ReadHints {
  readonly startMs: number;
  readonly endMs: number;
  /** "series": only labels are wanted. */
  readonly func: string;
}

export type ReadAnswerKind = 'samples' | 'chunks';

export interface ReadRequest {
  readonly queries: readonly ReadQuery[];
  /** In the order of preference; kinds that are not known are left out. */
  readonly accepted: readonly ReadAnswerKind[];
}

/** One query a selector of an expression is what askers send; each of these may read much. */
const QUERIES_MAX = 100;
/** Far more than any selector has. */
const MATCHERS_MAX = 1000;

const OPS: readonly MatchOp[] = ['=', '!=', '=~', '!~'];
const KINDS: readonly ReadAnswerKind[] = ['samples', 'chunks'];

interface Reading {
  readonly reader: WireReader;
  readonly problems: string[];
}

export function readReadRequest(bytes: Uint8Array): Result<ReadRequest, string> {
  const reader = new WireReader(bytes);
  const reading: Reading = { reader, problems: [] };
  const queries: ReadQuery[] = [];
  const accepted: number[] = [];
  while (reader.next(reader.end)) {
    if (reader.field === 1 && reader.is(BYTES)) {
      queries.push(readQuery(reading, reader.span(reader.end)));
      if (queries.length > QUERIES_MAX) return err(`it has more than ${QUERIES_MAX} queries`);
    } else if (reader.field === 2) readNumbers(reader, accepted);
    else reader.skip(reader.end);
  }
  if (reader.bad) return err(`it is not a valid message (byte ${reader.at} of ${bytes.length})`);
  const [problem] = reading.problems;
  if (problem !== undefined) return err(problem);
  // Who names none knows nothing but samples.
  const kinds: (ReadAnswerKind | undefined)[] = accepted.map(number => KINDS[number]);
  if (accepted.length === 0) kinds.push('samples');
  return ok({ queries, accepted: kinds.filter(kind => kind !== undefined) });
}

function readQuery(reading: Reading, end: number): ReadQuery {
  const { reader, problems } = reading;
  let [startMs, endMs] = [0, 0];
  const matchers: Matcher[] = [];
  let hints: ReadHints | undefined;
  while (reader.next(end)) {
    if (reader.field === 1 && reader.is(VARINT)) startMs = reader.int64();
    else if (reader.field === 2 && reader.is(VARINT)) endMs = reader.int64();
    else if (reader.field === 3 && reader.is(BYTES)) {
      const matcher = readMatcher(reading, reader.span(end));
      if (matcher !== undefined) matchers.push(matcher);
      if (matchers.length > MATCHERS_MAX) {
        problems.push(`a query has more than ${MATCHERS_MAX} matchers`);
        reader.at = end;
      }
    } else if (reader.field === 4 && reader.is(BYTES)) hints = readHints(reading, reader.span(end));
    else reader.skip(end);
  }
  endHere(reader, end);
  return { startMs, endMs, matchers, hints };
}

function readMatcher({ reader, problems }: Reading, end: number): Matcher | undefined {
  let type = 0;
  let name = '';
  let value = '';
  while (reader.next(end)) {
    if (reader.field === 1 && reader.is(VARINT)) type = reader.varint();
    else if (reader.field === 2) name = readText({ reader, problems }, end);
    else if (reader.field === 3) value = readText({ reader, problems }, end);
    else reader.skip(end);
  }
  endHere(reader, end);
  const op = OPS[type];
  if (op !== undefined) return { name, op, value };
  problems.push(`the matcher of "${name}" has the unknown type ${type}`);
  return undefined;
}

function readHints(reading: Reading, end: number): ReadHints {
  const { reader } = reading;
  let func = '';
  let [startMs, endMs] = [0, 0];
  while (reader.next(end)) {
    if (reader.field === 2) func = readText(reading, end);
    else if (reader.field === 3 && reader.is(VARINT)) startMs = reader.int64();
    else if (reader.field === 4 && reader.is(VARINT)) endMs = reader.int64();
    else reader.skip(end);
  }
  endHere(reader, end);
  return { startMs, endMs, func };
}

/** A number at the end of a message must not go on behind it. */
function endHere(reader: WireReader, end: number): void {
  if (reader.at > end) reader.bad = true;
}

function readText({ reader, problems }: Reading, end: number): string {
  if (!reader.is(BYTES)) return '';
  const stop = reader.span(end);
  const bytes = reader.bytes.subarray(reader.at, stop);
  reader.at = stop;
  const text = decoder.decode(bytes);
  // What is not UTF-8 comes out as another text: a matcher for that would find, or leave out, what was not meant.
  if (text.includes('\ufffd') && Buffer.compare(Buffer.from(text), bytes) !== 0)
    problems.push(`the text "${text}" is not valid UTF-8`);
  return text;
}

/** Packed or one by one. */
function readNumbers(reader: WireReader, into: number[]): void {
  if (reader.type === VARINT) {
    into.push(reader.varint());
    return;
  }
  if (!reader.is(BYTES)) return;
  const stop = reader.span(reader.end);
  while (!reader.bad && reader.at < stop) into.push(reader.varint());
  endHere(reader, stop);
}

/** A byte order mark is part of a text. */
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
