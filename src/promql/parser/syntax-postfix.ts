// What stands behind an operand, and what durations are made of: the part of syntax.ts that knows on what a range, an
// offset, a time or a modifier may stand.

import type { TextSpan } from '../../model/index.ts';
import { DURATION_SECONDS_MAX } from './literals.ts';
import {
  expect,
  is,
  nested,
  note,
  peek,
  type Reader,
  refuse,
  signedNumber,
  take,
  takeNumber,
} from './reader.ts';

/** What a postfix operator must know of what it stands on. */
export interface Operand {
  readonly kind: 'selector' | 'range' | 'wrong-range' | 'subquery' | 'other';
  readonly span: TextSpan;
  readonly hasOffset?: boolean;
  readonly hasTime?: boolean;
  readonly modifier?: string;
}

export const POSTFIX: ReadonlySet<string> = new Set(['[', 'offset', '@', 'anchored', 'smoothed']);

/** Reads one postfix operator; undefined where reading ends. */
export function postfix(reader: Reader, operand: Operand): Operand | undefined {
  const { kind, span } = take(reader);
  if (kind === '[') return brackets(reader, operand, span.start);
  if (kind === 'offset') return offset(reader, operand);
  return kind === '@' ? timestamp(reader, operand) : modifier(reader, operand, kind);
}

const ONLY_SELECTORS = 'ranges only allowed for vector selectors';

function brackets(reader: Reader, operand: Operand, open: number): Operand | undefined {
  if (!positiveDuration(reader)) return undefined;
  const { start } = operand.span;
  if (is(reader, ':')) {
    take(reader);
    if (!is(reader, ']') && !positiveDuration(reader)) return undefined;
    if (!expect(reader, ']', 'behind the step')) return undefined;
    return { kind: 'subquery', span: { start, end: reader.end } };
  }
  if (!expect(reader, ']', 'or ":" behind the range')) return undefined;
  const where = { start: open, end: reader.end };
  if (operand.kind !== 'selector') note(reader, where, ONLY_SELECTORS);
  else if (operand.hasOffset === true) note(reader, where, 'no offset modifiers allowed before range');
  else if (operand.hasTime === true) note(reader, where, 'no @ modifiers allowed before range');
  const kind = operand.kind === 'selector' ? 'range' : 'wrong-range';
  return { ...operand, kind, span: { start, end: reader.end } };
}

function offset(reader: Reader, operand: Operand): Operand | undefined {
  const duration = offsetDuration(reader);
  if (duration === undefined) return undefined;
  if (!mayBeShifted(reader, operand, 'offset')) return operand;
  if (operand.hasOffset === true) note(reader, operand.span, 'offset may not be set multiple times');
  // An offset of nothing is none, and may be followed by one.
  const hasOffset = operand.hasOffset === true || duration.seconds !== 0;
  return { ...operand, hasOffset, span: { start: operand.span.start, end: reader.end } };
}

/** Timestamps must fit signed 64-bit milliseconds. */
const TIME_MS_MAX = 2 ** 63;

function timestamp(reader: Reader, operand: Operand): Operand | undefined {
  if (is(reader, 'start', 'end')) {
    take(reader);
    if (!expect(reader, '(', 'behind start or end') || !expect(reader, ')', 'behind "("')) return undefined;
  } else {
    const seconds = signedNumber(reader);
    if (seconds === undefined) return undefined;
    if (!(Math.abs(seconds * 1000) < TIME_MS_MAX)) {
      note(reader, operand.span, `timestamp out of bounds for @ modifier: ${seconds}`);
    }
  }
  if (!mayBeShifted(reader, operand, '@')) return operand;
  if (operand.hasTime === true) {
    note(reader, operand.span, '@ <timestamp> may not be set multiple times');
    return operand;
  }
  return { ...operand, hasTime: true, span: { start: operand.span.start, end: reader.end } };
}

function mayBeShifted(reader: Reader, { kind, span }: Operand, word: string): boolean {
  if (kind === 'wrong-range') note(reader, span, ONLY_SELECTORS);
  else if (kind === 'other') {
    const targets = 'an instant vector selector or range vector selector or a subquery';
    note(reader, span, `${word} modifier must be preceded by ${targets}`);
  }
  return kind !== 'wrong-range' && kind !== 'other';
}

/** The word is not part of the span, as in Prometheus. */
function modifier(reader: Reader, operand: Operand, word: string): Operand {
  const { kind, span } = operand;
  if (kind === 'wrong-range') return operand;
  if (kind !== 'selector' && kind !== 'range') {
    note(reader, span, `${word} modifier must be preceded by a vector or range selector`);
    return operand;
  }
  if (operand.modifier !== undefined && operand.modifier !== word) {
    note(reader, span, 'anchored and smoothed modifiers cannot be used together');
  }
  if (word === 'anchored' && kind !== 'range') {
    note(reader, span, 'anchored modifier must be preceded by a range selector');
  }
  return { ...operand, modifier: word };
}

// --- durations --------------------------------------------------------------------------------------

/** A literal with its value, or what has its value when the query runs. */
interface Duration {
  readonly seconds: number | undefined;
  readonly span: TextSpan;
}

const NOWHERE: TextSpan = { start: 0, end: 0 };
const COMPOSED: Duration = { seconds: undefined, span: NOWHERE };
/** Stands for what was refused. As in Prometheus it is 0 and nowhere in the text: in brackets that is one more problem. */
const REFUSED: Duration = { seconds: 0, span: NOWHERE };

const PRECEDENCE: Readonly<Record<string, number>> = { '+': 1, '-': 1, '*': 2, '/': 2, '%': 2, '^': 3 };
/** A sign binds like a product: only "^" behind it is stronger. */
const SIGN_PRECEDENCE = 3;

function positiveDuration(reader: Reader): boolean {
  const duration = durations(reader, 0);
  if (duration === undefined) return false;
  if (duration.seconds !== undefined && duration.seconds <= 0) {
    note(reader, duration.span, 'duration must be greater than 0');
  }
  return true;
}

function durations(reader: Reader, lowest: number): Duration | undefined {
  let left = durationOperand(reader);
  for (;;) {
    if (left === undefined) return undefined;
    const precedence = PRECEDENCE[peek(reader).kind];
    if (precedence === undefined || precedence < lowest) return left;
    const op = take(reader);
    const next = op.kind === '^' ? precedence : precedence + 1;
    const right = nested(reader, () => durations(reader, next));
    if (!right) return undefined;
    const isDivided = right.seconds === 0 && (op.kind === '/' || op.kind === '%');
    if (isDivided) note(reader, op.span, op.kind === '/' ? 'division by zero' : 'modulo by zero');
    left = isDivided ? REFUSED : COMPOSED;
  }
}

function durationOperand(reader: Reader): Duration | undefined {
  if (!is(reader, '+', '-')) return durationPrimary(reader);
  // One after the other and not one in the other: there may be very many.
  const signs = [];
  while (is(reader, '+', '-')) signs.push(take(reader));
  let duration = durations(reader, SIGN_PRECEDENCE);
  for (const { kind, span } of signs.reverse()) {
    if (duration?.seconds === undefined) break;
    const seconds = kind === '-' ? -duration.seconds : duration.seconds;
    duration = { seconds, span: { start: span.start, end: Math.max(span.end, duration.span.end) } };
  }
  return duration;
}

function durationPrimary(reader: Reader): Duration | undefined {
  const { kind } = peek(reader);
  if (kind === 'number' || kind === 'duration') return durationLiteral(reader);
  if (kind === '(') {
    take(reader);
    const inner = nested(reader, () => durations(reader, 0));
    return inner && expect(reader, ')', 'behind the duration') ? COMPOSED : undefined;
  }
  if (kind === 'min_of' || kind === 'max_of') {
    take(reader);
    if (!expect(reader, '(', `behind ${kind}`) || !nested(reader, () => durations(reader, 0)))
      return undefined;
    if (!expect(reader, ',', 'between durations')) return undefined;
    if (!nested(reader, () => durations(reader, 0))) return undefined;
    return expect(reader, ')', 'behind the durations') ? COMPOSED : undefined;
  }
  if (kind !== 'step' && kind !== 'range') {
    refuse(reader, 'a number, a duration, step() or range()');
    return undefined;
  }
  take(reader);
  return expect(reader, '(', `behind ${kind}`) && expect(reader, ')', 'behind "("') ? COMPOSED : undefined;
}

/** Too large a value is told at the literal, or at the sign where `offset` stands in front of that. */
function durationLiteral(reader: Reader, sign?: TextSpan): Duration {
  const { start, end } = peek(reader).span;
  const seconds = takeNumber(reader);
  if (Math.abs(seconds) <= DURATION_SECONDS_MAX) return { seconds, span: { start, end } };
  note(reader, sign ?? { start, end }, 'duration out of range');
  return REFUSED;
}

/** Only one operand: "foo offset 5s - 8" subtracts from foo. */
function offsetDuration(reader: Reader): Duration | undefined {
  const sign = is(reader, '+', '-') ? take(reader).span : undefined;
  return is(reader, 'number', 'duration') ? durationLiteral(reader, sign) : durationPrimary(reader);
}
