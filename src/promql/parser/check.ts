// What a well-formed expression must also keep: types, known functions, matching rules, selectors that select.

import { never } from '../../base/index.ts';
import { compileMatcher, type Matcher, type TextSpan } from '../../model/index.ts';
import {
  type Aggregation,
  type Binary,
  type Call,
  COMPARISONS,
  type Expr,
  SET_OPS,
  typeOf,
  unparen,
  type ValueType,
  type VectorSelector,
} from './ast.ts';
import type { ParseProblem } from './context.ts';
import {
  ANCHORED_FUNCTIONS,
  returnTypeOf,
  SIGNATURES,
  type Signature,
  SMOOTHED_FUNCTIONS,
} from './signatures.ts';

export const TYPE_WORDS: Readonly<Record<ValueType, string>> = {
  scalar: 'scalar',
  string: 'string',
  vector: 'instant vector',
  matrix: 'range vector',
};

/** Walks the whole expression and returns every problem found, in Prometheus's order. */
export function checkExpr(expr: Expr, text: string): readonly ParseProblem[] {
  const checker: Checker = { text, problems: [] };
  visit(expr, checker);
  return checker.problems;
}

interface Checker {
  readonly text: string;
  readonly problems: ParseProblem[];
}

function note(checker: Checker, span: TextSpan, message: string): void {
  checker.problems.push({ span, message });
}

function type(expr: Expr): ValueType {
  return typeOf(expr, returnTypeOf);
}

function visit(expr: Expr, checker: Checker): void {
  switch (expr.kind) {
    case 'number':
    case 'string':
      return;
    case 'selector':
      checkSelector(expr, checker);
      return;
    case 'range':
      checkSelector(expr.selector, checker);
      return;
    case 'paren':
      visit(expr.expr, checker);
      return;
    case 'unary': {
      visit(expr.expr, checker);
      const inner = type(expr.expr);
      if (isOperandType(inner)) return;
      const message = `unary expression only allowed on expressions of type scalar or instant vector, got "${TYPE_WORDS[inner]}"`;
      note(checker, expr.span, message);
      return;
    }
    case 'subquery': {
      visit(expr.expr, checker);
      const got = type(expr.expr);
      if (got === 'vector') return;
      note(checker, expr.span, `subquery is only allowed on instant vector, got ${got} instead`);
      return;
    }
    case 'call':
      checkCall(expr, checker);
      return;
    case 'aggregation':
      checkAggregation(expr, checker);
      return;
    case 'binary':
      checkBinary(expr, checker);
      return;
    default:
      never(expr);
  }
}

function isOperandType(type: ValueType): boolean {
  return type === 'scalar' || type === 'vector';
}

function checkSelector({ name, matchers, span }: VectorSelector, checker: Checker): void {
  for (const matcher of matchers) {
    if (name !== '' && matcher.name === '__name__') {
      note(checker, span, `metric name must not be set twice: "${name}" or "${matcher.value}"`);
    }
  }
  if (name !== '' || matchers.some(excludesEmpty)) return;
  note(checker, span, 'vector selector must contain at least one non-empty matcher');
}

function excludesEmpty(matcher: Matcher): boolean {
  const compiled = compileMatcher(matcher);
  return compiled.ok && !compiled.value.test('');
}

interface Wanted {
  readonly wanted: ValueType;
  readonly where: string;
}

function expectType(expr: Expr, { wanted, where }: Wanted, checker: Checker): void {
  const got = type(expr);
  if (got === wanted) return;
  note(checker, expr.span, `expected type ${TYPE_WORDS[wanted]} in ${where}, got ${TYPE_WORDS[got]}`);
}

function checkCall(call: Call, checker: Checker): void {
  const signature = SIGNATURES.get(call.func);
  // The names of functions belong to the syntax, and were judged there.
  if (signature === undefined) return;
  const { args, variadic } = signature;
  checkCount(call, signature, checker);
  const where = `call to function "${call.func}"`;
  const selector = call.func === 'info' ? call.args[1] : undefined;
  if (selector !== undefined) checkInfoSelector(call, selector, checker);
  for (const [i, arg] of call.args.entries()) {
    const wanted = args[Math.min(i, args.length - 1)];
    if (wanted === undefined || (i >= args.length && variadic === 0)) return;
    // The selector of info() may match everything.
    if (arg !== selector || arg.kind !== 'selector' || arg.name !== '') visit(arg, checker);
    expectType(arg, { wanted, where }, checker);
    checkModifierUse(arg, call.func, checker);
  }
}

function checkCount({ func, args, span }: Call, signature: Signature, checker: Checker): void {
  const wanted = signature.args.length;
  const got = args.length;
  const { variadic } = signature;
  const count = `argument(s) in call to "${func}", got ${got}`;
  if (variadic === 0 && got !== wanted) note(checker, span, `expected ${wanted} ${count}`);
  else if (variadic !== 0 && got < wanted - 1)
    note(checker, span, `expected at least ${wanted - 1} ${count}`);
  else if (variadic > 0 && got > wanted - 1 + variadic) {
    note(checker, span, `expected at most ${wanted - 1 + variadic} ${count}`);
  }
}

function checkInfoSelector(call: Call, arg: Expr, checker: Checker): void {
  const got = type(arg);
  if (got !== 'vector') {
    const message = `expected type ${TYPE_WORDS.vector} in call to function "info", got ${TYPE_WORDS[got]}`;
    note(checker, call.span, message);
  }
  if (arg.kind !== 'selector') note(checker, arg.span, 'expected label selectors only');
  else if (arg.name !== '') {
    note(checker, arg.span, 'expected label selectors only, got vector selector instead');
  }
}

function checkModifierUse(arg: Expr, func: string, checker: Checker): void {
  const inner = unparen(arg);
  const modifier = inner.kind === 'range' ? inner.selector.modifier : undefined;
  if (modifier === undefined) return;
  const allowed = modifier === 'smoothed' ? SMOOTHED_FUNCTIONS : ANCHORED_FUNCTIONS;
  if (allowed.includes(func)) return;
  const message = `${modifier} modifier can only be used with: ${allowed.join(', ')} - not with ${func}`;
  note(checker, arg.span, message);
}

function checkAggregation({ op, param, expr }: Aggregation, checker: Checker): void {
  visit(expr, checker);
  expectType(expr, { wanted: 'vector', where: 'aggregation expression' }, checker);
  if (param === undefined) return;
  visit(param, checker);
  const wanted = op === 'count_values' ? 'string' : 'scalar';
  expectType(param, { wanted, where: 'aggregation parameter' }, checker);
}

// --- binary operators -------------------------------------------------------------------------------

function checkBinary(binary: Binary, checker: Checker): void {
  const { op, span } = binary;
  visit(binary.left, checker);
  visit(binary.right, checker);
  const left = type(binary.left);
  const right = type(binary.right);
  if (binary.bool && !COMPARISONS.has(op)) {
    const where = operatorSpan(binary, checker.text);
    note(checker, where, 'bool modifier can only be used on comparison operators');
  }
  if (left === 'scalar' && right === 'scalar' && COMPARISONS.has(op) && !binary.bool) {
    const where = operatorSpan(binary, checker.text);
    note(checker, where, 'comparisons between scalars must use BOOL modifier');
  }
  checkLabelsOnce(binary, checker);
  for (const side of [binary.left, binary.right]) {
    if (isOperandType(type(side))) continue;
    note(checker, side.span, 'binary expression must contain only scalar and instant vector types');
  }
  if (left !== 'vector' || right !== 'vector') checkNoMatching(binary, checker);
  else if (SET_OPS.has(op)) checkSetOperation(binary, checker);
  if ((left === 'scalar' || right === 'scalar') && SET_OPS.has(op)) {
    note(checker, span, `set operator "${op}" not allowed in binary scalar expression`);
  }
}

/** The operator with its modifiers. As Prometheus has it, the end stands at the last character rather than behind it. */
function operatorSpan({ left, right }: Binary, text: string): TextSpan {
  let start = left.span.end;
  while (isSpace(text[start])) start++;
  let end = right.span.start - 1;
  while (isSpace(text[end])) end--;
  return { start, end: Math.max(start, end) };
}

function isSpace(c: string | undefined): boolean {
  return c !== undefined && ' \t\n\r'.includes(c);
}

function checkLabelsOnce(binary: Binary, checker: Checker): void {
  const { on, labels, include } = binary.matching;
  if (!on) return;
  for (const label of labels) {
    for (const _ of include.filter(one => one === label)) {
      const where = operatorSpan(binary, checker.text);
      note(checker, where, `label "${label}" must not occur in ON and GROUP clause at once`);
    }
  }
}

function checkNoMatching({ matching, span }: Binary, checker: Checker): void {
  // "on ()" without labels is let pass, as in Prometheus: there is nothing to match either way.
  if (matching.labels.length > 0) {
    note(checker, span, 'vector matching only allowed between instant vectors');
  }
  if (matching.fillLeft !== undefined || matching.fillRight !== undefined) {
    note(checker, span, 'filling in missing series only allowed between instant vectors');
  }
}

function checkSetOperation({ op, matching, span }: Binary, checker: Checker): void {
  if (matching.card !== 'one-to-one') {
    note(checker, span, `no grouping allowed for "${op}" operation`);
    note(checker, span, 'set operations must always be many-to-many');
  }
  if (matching.fillLeft !== undefined || matching.fillRight !== undefined) {
    note(checker, span, 'filling in missing series not allowed for set operators');
  }
}
