// The canonical text of an expression, as Prometheus prints it. Reading it back gives the same expression.

import { formatDuration, never } from '../../base/index.ts';
import type { Matcher } from '../../model/index.ts';
import type { AtModifier, Binary, DurationExpr, Expr, VectorMatching, VectorSelector } from './ast.ts';
import { formatPlainNumber, quote } from './literals.ts';

export function printExpr(expr: Expr): string {
  switch (expr.kind) {
    case 'number':
      return expr.duration ? printSeconds(expr.value) : formatPlainNumber(expr.value);
    case 'string':
      return quote(expr.value);
    case 'selector':
      return printBare(expr) + printModifiers(expr);
    case 'range':
      return `${printBare(expr.selector)}[${printDuration(expr.range)}]${printModifiers(expr.selector)}`;
    case 'subquery': {
      const step = expr.step === undefined ? '' : printDuration(expr.step);
      return `${printExpr(expr.expr)}[${printDuration(expr.range)}:${step}]${printModifiers(expr)}`;
    }
    case 'call':
      return `${expr.func}(${expr.args.map(printExpr).join(', ')})`;
    case 'aggregation': {
      const args = expr.param === undefined ? [expr.expr] : [expr.param, expr.expr];
      const body = `(${args.map(printExpr).join(', ')})`;
      if (!expr.without && expr.grouping.length === 0) return expr.op + body;
      const labels = expr.grouping.map(printLabelName).join(', ');
      return `${expr.op} ${expr.without ? 'without' : 'by'} (${labels}) ${body}`;
    }
    case 'unary':
      return `${expr.op}${printExpr(expr.expr)}`;
    case 'binary':
      return printBinary(expr);
    case 'paren':
      return `(${printExpr(expr.expr)})`;
    default:
      return never(expr);
  }
}

function printBinary({ left, op, bool, matching, right }: Binary): string {
  const word = bool ? `${op} bool` : op;
  return `${printExpr(left)} ${word}${printMatching(matching)} ${printExpr(right)}`;
}

function printMatching(matching: VectorMatching): string {
  const { on, labels, card, include, fillLeft, fillRight } = matching;
  let text = '';
  if (on || labels.length > 0 || card !== 'one-to-one') {
    text += ` ${on ? 'on' : 'ignoring'} (${labels.map(printLabelName).join(', ')})`;
  }
  if (card !== 'one-to-one') {
    const word = card === 'many-to-one' ? 'group_left' : 'group_right';
    text += ` ${word} (${include.map(printLabelName).join(', ')})`;
  }
  if (fillLeft !== undefined && Object.is(fillLeft, fillRight)) {
    return `${text} fill (${formatPlainNumber(fillLeft)})`;
  }
  if (fillLeft !== undefined) text += ` fill_left (${formatPlainNumber(fillLeft)})`;
  if (fillRight !== undefined) text += ` fill_right (${formatPlainNumber(fillRight)})`;
  return text;
}

function printBare({ name, matchers }: VectorSelector): string {
  if (matchers.length === 0) return name === '' ? '{}' : name;
  return `${name}{${matchers.map(printMatcher).join(',')}}`;
}

function printMatcher({ name, op, value }: Matcher): string {
  return `${printLabelName(name)}${op}${quote(value)}`;
}

function printLabelName(name: string): string {
  return /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name) ? name : quote(name);
}

function printModifiers(target: {
  readonly modifier?: string;
  readonly at?: AtModifier;
  readonly offset?: DurationExpr;
}): string {
  const { modifier, at, offset } = target;
  let text = modifier === undefined ? '' : ` ${modifier}`;
  if (at !== undefined) text += ` @ ${printAt(at)}`;
  if (offset !== undefined) text += ` offset ${printDuration(offset)}`;
  return text;
}

function printAt(at: AtModifier): string {
  return at.kind === 'time' ? (at.timeMs / 1000).toFixed(3) : `${at.kind}()`;
}

function printDuration(duration: DurationExpr): string {
  switch (duration.kind) {
    case 'literal':
      return duration.duration ? printSeconds(duration.seconds) : formatPlainNumber(duration.seconds);
    case 'step':
    case 'range':
      return `${duration.kind}()`;
    case 'negate':
      return `-${printDuration(duration.expr)}`;
    case 'paren':
      return `(${printDuration(duration.expr)})`;
    case 'min_of':
    case 'max_of':
      return `${duration.kind}(${printDuration(duration.left)}, ${printDuration(duration.right)})`;
    case 'binary':
      return `${printDuration(duration.left)} ${duration.op} ${printDuration(duration.right)}`;
    default:
      return never(duration);
  }
}

/** Durations are printed in units where milliseconds suffice, else as plain seconds. */
function printSeconds(seconds: number): string {
  const ms = Math.round(seconds * 1000);
  return ms / 1000 === seconds ? formatDuration(ms) : formatPlainNumber(seconds);
}
