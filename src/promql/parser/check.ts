// What a well-formed expression must also keep: types, known functions, matching rules, selectors that select.

import { never } from '../../base/index.ts';
import { compileMatcher, type TextSpan } from '../../model/index.ts';
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
import { ANCHORED_FUNCTIONS, returnTypeOf, SIGNATURES, SMOOTHED_FUNCTIONS } from './signatures.ts';

export const TYPE_WORDS: Readonly<Record<ValueType, string>> = {
  scalar: 'scalar',
  string: 'string',
  vector: 'instant vector',
  matrix: 'range vector',
};

/** Walks the whole expression and returns every problem found, in the order of the text. */
export function checkExpr(expr: Expr): readonly ParseProblem[] {
  const problems: ParseProblem[] = [];
  const note: Note = (span, message) => {
    problems.push({ span, message });
  };
  visit(expr, note);
  return problems;
}

type Note = (span: TextSpan, message: string) => void;

function type(expr: Expr): ValueType {
  return typeOf(expr, returnTypeOf);
}

function visit(expr: Expr, note: Note): void {
  switch (expr.kind) {
    case 'number':
    case 'string':
      return;
    case 'selector':
      checkSelector(expr, note);
      return;
    case 'range':
      checkSelector(expr.selector, note);
      return;
    case 'paren':
      visit(expr.expr, note);
      return;
    case 'unary': {
      visit(expr.expr, note);
      const inner = type(expr.expr);
      if (inner !== 'scalar' && inner !== 'vector') {
        note(
          expr.span,
          `unary expression only allowed on expressions of type scalar or instant vector, got "${TYPE_WORDS[inner]}"`,
        );
      }
      return;
    }
    case 'subquery':
      visit(expr.expr, note);
      if (type(expr.expr) !== 'vector') {
        const got = type(expr.expr);
        note(expr.span, `subquery is only allowed on instant vector, got ${got} instead`);
      }
      return;
    case 'call':
      checkCall(expr, note);
      return;
    case 'aggregation':
      checkAggregation(expr, note);
      return;
    case 'binary':
      checkBinary(expr, note);
      return;
    default:
      never(expr);
  }
}

function checkSelector(selector: VectorSelector, note: Note): void {
  const { name, matchers, span } = selector;
  let selects = name !== '';
  for (const matcher of matchers) {
    if (name !== '' && matcher.name === '__name__') {
      note(span, `metric name must not be set twice: "${name}" or "${matcher.value}"`);
    }
    const compiled = compileMatcher(matcher);
    if (!compiled.ok)
      note(span, `bad regular expression in matcher for "${matcher.name}": ${compiled.error}`);
    else if (!compiled.value.test('')) selects = true;
  }
  if (!selects) note(span, 'vector selector must contain at least one non-empty matcher');
}

function expectType(expr: Expr, wanted: ValueType, { where, note }: { where: string; note: Note }): void {
  const got = type(expr);
  if (got !== wanted) {
    note(expr.span, `expected type ${TYPE_WORDS[wanted]} in ${where}, got ${TYPE_WORDS[got]}`);
  }
}

function checkCall(call: Call, note: Note): void {
  const signature = SIGNATURES.get(call.func);
  if (signature === undefined) {
    note(call.span, `unknown function with name "${call.func}"`);
    return;
  }
  const wanted = signature.args.length;
  const got = call.args.length;
  const { variadic } = signature;
  const count = `argument(s) in call to "${call.func}", got ${got}`;
  if (variadic === 0 && got !== wanted) note(call.span, `expected ${wanted} ${count}`);
  else if (variadic !== 0 && got < wanted - 1) note(call.span, `expected at least ${wanted - 1} ${count}`);
  else if (variadic > 0 && got > wanted - 1 + variadic) {
    note(call.span, `expected at most ${wanted - 1 + variadic} ${count}`);
  }
  for (const [i, arg] of call.args.entries()) {
    if (call.func === 'info' && i === 1) {
      checkInfoSelector(arg, note);
      continue;
    }
    visit(arg, note);
    if (i >= wanted && variadic === 0) continue;
    const type = signature.args[Math.min(i, wanted - 1)];
    if (type !== undefined) expectType(arg, type, { where: `call to function "${call.func}"`, note });
    checkModifierUse(arg, call.func, note);
  }
}

function checkInfoSelector(arg: Expr, note: Note): void {
  if (arg.kind !== 'selector') note(arg.span, 'expected label selectors only');
  else if (arg.name !== '') note(arg.span, 'expected label selectors only, got vector selector instead');
  else {
    for (const matcher of arg.matchers) {
      const compiled = compileMatcher(matcher);
      if (!compiled.ok) note(arg.span, compiled.error);
    }
  }
}

function checkModifierUse(arg: Expr, func: string, note: Note): void {
  const inner = unparen(arg);
  const modifier = inner.kind === 'range' ? inner.selector.modifier : undefined;
  if (modifier === undefined) return;
  const allowed = modifier === 'smoothed' ? SMOOTHED_FUNCTIONS : ANCHORED_FUNCTIONS;
  if (!allowed.includes(func)) {
    note(arg.span, `${modifier} modifier can only be used with: ${allowed.join(', ')} - not with ${func}`);
  }
}

function checkAggregation(aggregation: Aggregation, note: Note): void {
  const { op, param, expr } = aggregation;
  visit(expr, note);
  expectType(expr, 'vector', { where: 'aggregation expression', note });
  if (param === undefined) return;
  visit(param, note);
  const wanted = op === 'count_values' ? 'string' : 'scalar';
  expectType(param, wanted, { where: 'aggregation parameter', note });
}

function checkBinary(binary: Binary, note: Note): void {
  const { op, span, matching } = binary;
  visit(binary.left, note);
  visit(binary.right, note);
  const left = type(binary.left);
  const right = type(binary.right);
  if ((left !== 'scalar' && left !== 'vector') || (right !== 'scalar' && right !== 'vector')) {
    const wrong = left !== 'scalar' && left !== 'vector' ? binary.left : binary.right;
    note(wrong.span, 'binary expression must contain only scalar and instant vector types');
    return;
  }
  if (binary.bool && !COMPARISONS.has(op)) {
    note(span, 'bool modifier can only be used on comparison operators');
  }
  if (left === 'scalar' && right === 'scalar' && COMPARISONS.has(op) && !binary.bool) {
    note(span, 'comparisons between scalars must use BOOL modifier');
  }
  if (SET_OPS.has(op)) checkSetOperation(binary, note);
  if (matching.on) {
    for (const label of matching.include) {
      if (matching.labels.includes(label)) {
        note(span, `label "${label}" must not occur in ON and GROUP clause at once`);
      }
    }
  }
  if (left === 'vector' && right === 'vector') return;
  if (matching.labels.length > 0 || matching.on || matching.card !== 'one-to-one') {
    note(span, 'vector matching only allowed between instant vectors');
  }
  if (matching.fillLeft !== undefined || matching.fillRight !== undefined) {
    note(span, 'filling in missing series only allowed between instant vectors');
  }
  if (SET_OPS.has(op)) note(span, `set operator "${op}" not allowed in binary scalar expression`);
}

function checkSetOperation({ op, matching, span }: Binary, note: Note): void {
  if (matching.card !== 'one-to-one') {
    note(span, `no grouping allowed for "${op}" operation`);
    note(span, 'set operations must always be many-to-many');
  }
  if (matching.fillLeft !== undefined || matching.fillRight !== undefined) {
    note(span, 'filling in missing series not allowed for set operators');
  }
}
