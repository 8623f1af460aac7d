// Syntax tree → plan: names become matchers, signs and parentheses disappear, what does not depend on the step is
// evaluated once.

import { never } from '../../base/index.ts';
import {
  type Aggregation,
  type AtModifier,
  type Call,
  type DurationExpr,
  type Expr,
  foldDuration,
  returnTypeOf,
  type Subquery,
  typeOf,
  unparen,
  type VectorSelector,
} from '../parser/index.ts';
import type {
  Planned,
  PlannedAt,
  PlannedDuration,
  PlannedMatcher,
  PlannedNumber,
  PlannedSource,
} from './types.ts';

export function planExpr(expr: Expr): Planned {
  return withDetection(wrap(expr), false);
}

// --- step invariance ------------------------------------------------------------------------------

/** Their value depends on the evaluation time even where the argument does not. */
const TIME_DEPENDENT: ReadonlySet<string> = new Set([
  'day_of_month',
  'day_of_week',
  'day_of_year',
  'days_in_month',
  'hour',
  'minute',
  'month',
  'predict_linear',
  'time',
  'timestamp',
  'year',
]);

function isInvariant(expr: Expr): boolean {
  switch (expr.kind) {
    case 'number':
    case 'string':
      return true;
    case 'selector':
      return expr.at !== undefined;
    case 'range':
      return expr.selector.at !== undefined;
    case 'subquery':
      return expr.at !== undefined;
    case 'paren':
    case 'unary':
      return isInvariant(expr.expr);
    case 'call':
      return !TIME_DEPENDENT.has(expr.func) && expr.args.every(isInvariant);
    case 'aggregation':
      return isInvariant(expr.expr) && (expr.param === undefined || isInvariant(expr.param));
    case 'binary':
      return isInvariant(expr.left) && isInvariant(expr.right);
    default:
      return never(expr);
  }
}

/** Plans an expression, repeated over the steps where it does not depend on them. */
function wrap(expr: Expr): Planned {
  const inner = unparen(expr);
  const constant = inner.kind === 'number' || inner.kind === 'string';
  if (constant || typeOf(inner, returnTypeOf) === 'matrix' || !isInvariant(inner)) return plan(inner);
  return { op: 'repeat', inputs: [withoutRepeats(plan(inner))], settings: { span: inner.span } };
}

/** Within a repeated node nothing needs repeating again, up to the next subquery, which has steps of its own. */
function withoutRepeats(node: Planned): Planned {
  switch (node.op) {
    case 'repeat':
      return withoutRepeats(node.inputs[0]);
    case 'negate':
      return { ...node, inputs: [withoutRepeats(node.inputs[0])] };
    case 'binary':
      return { ...node, inputs: [withoutRepeats(node.inputs[0]), withoutRepeats(node.inputs[1])] };
    case 'call':
    case 'aggregate':
      return { ...node, inputs: node.inputs.map(withoutRepeats) };
    case 'subquery':
    case 'select':
    case 'select-times':
    case 'select-range':
    case 'number':
    case 'string':
      return node;
    default:
      return never(node);
  }
}

// --- histograms of which only count and sum are asked for -------------------------------------------

const OF_TOTALS: ReadonlySet<string> = new Set(['histogram_avg', 'histogram_count', 'histogram_sum']);
const OF_BUCKETS: ReadonlySet<string> = new Set([
  'histogram_fraction',
  'histogram_quantile',
  'histogram_quantiles',
  'histogram_stddev',
  'histogram_stdvar',
]);

/** Prometheus reads such histograms in a way that finds resets; `isTotals` is said by what stands around the node. */
function withDetection(node: Planned, isTotals: boolean): Planned {
  switch (node.op) {
    case 'select':
      return isTotals ? { ...node, settings: { ...node.settings, detectsResets: true } } : node;
    case 'select-range':
      return isTotals ? { ...node, settings: { ...node.settings, detectsResets: true } } : node;
    case 'call': {
      const { func } = node.settings;
      const inner = OF_TOTALS.has(func) || (isTotals && !OF_BUCKETS.has(func));
      return { ...node, inputs: node.inputs.map(input => withDetection(input, inner)) };
    }
    case 'aggregate':
      return { ...node, inputs: node.inputs.map(input => withDetection(input, isTotals)) };
    case 'binary': {
      const inner = isTotals && node.settings.operator !== '</' && node.settings.operator !== '>/';
      const [left, right] = node.inputs;
      return { ...node, inputs: [withDetection(left, inner), withDetection(right, inner)] };
    }
    case 'negate':
    case 'repeat':
      return { ...node, inputs: [withDetection(node.inputs[0], isTotals)] };
    case 'subquery':
      return { ...node, inputs: [withDetection(node.inputs[0], false)] };
    case 'select-times':
    case 'number':
    case 'string':
      return node;
    default:
      return never(node);
  }
}

// --- nodes ----------------------------------------------------------------------------------------

function plan(expr: Expr): Planned {
  switch (expr.kind) {
    case 'number':
      return { op: 'number', inputs: [], settings: { value: planNumber(expr.value) } };
    case 'string':
      return { op: 'string', inputs: [], settings: { text: expr.value } };
    case 'paren':
      return wrap(expr.expr);
    case 'selector':
      return { op: 'select', inputs: [], settings: planSource(expr, '') };
    case 'range':
      return planRange(expr, '');
    case 'subquery':
      return planSubquery(expr);
    case 'unary':
      if (expr.op === '+') return wrap(expr.expr);
      return { op: 'negate', inputs: [wrap(expr.expr)], settings: { span: expr.span } };
    case 'call':
      return planCall(expr);
    case 'aggregation':
      return planAggregation(expr);
    case 'binary': {
      const { on, labels, card, include, fillLeft, fillRight } = expr.matching;
      return {
        op: 'binary',
        inputs: [wrap(expr.left), wrap(expr.right)],
        settings: {
          operator: expr.op,
          bool: expr.bool,
          matching: {
            on,
            labels,
            card,
            include,
            fillLeft: fillLeft === undefined ? null : planNumber(fillLeft),
            fillRight: fillRight === undefined ? null : planNumber(fillRight),
          },
          span: expr.span,
        },
      };
    }
    default:
      return never(expr);
  }
}

function planAggregation(expr: Aggregation): Planned {
  return {
    op: 'aggregate',
    inputs: expr.param === undefined ? [wrap(expr.expr)] : [wrap(expr.expr), wrap(expr.param)],
    settings: {
      func: expr.op,
      without: expr.without,
      grouping: expr.grouping,
      span: expr.span,
      paramSpan: expr.param?.span ?? expr.span,
    },
  };
}

function planCall(call: Call): Planned {
  const [first] = call.args;
  const inner = first === undefined ? undefined : unparen(first);
  if (call.func === 'timestamp' && inner?.kind === 'selector' && inner.modifier === undefined) {
    return { op: 'select-times', inputs: [], settings: planSource(inner, 'timestamp') };
  }
  if (call.func === 'start_timestamp' && inner?.kind === 'selector' && inner.modifier === undefined) {
    const settings = { ...planSource(inner, 'timestamp'), of: 'start' } as const;
    return { op: 'select-times', inputs: [], settings };
  }
  if (call.func === 'info' && first !== undefined) return planInfo(call, first);
  const inputs = call.args.map(arg => {
    const bare = unparen(arg);
    return bare.kind === 'range' ? planRange(bare, call.func) : wrap(arg);
  });
  return {
    op: 'call',
    inputs,
    settings: { func: call.func, span: call.span, argSpans: call.args.map(arg => arg.span) },
  };
}

/** info(v, {…}) becomes info(v, info series, times of their samples), the series at the times that v's selector has. */
function planInfo(call: Call, base: Expr): Planned {
  const given = call.args[1];
  const matchers = given?.kind === 'selector' ? [...given.matchers] : [];
  const names = matchers.filter(({ name }) => name === '__name__');
  if (names.length === 0) matchers.push({ name: '__name__', op: '=', value: 'target_info' });
  else if (names.every(({ op }) => op === '!=' || op === '!~')) {
    matchers.push({ name: '__name__', op: '=~', value: '.+_info' });
  }
  const like = firstSelector(base);
  const source = planSource(
    {
      kind: 'selector',
      name: '',
      matchers,
      span: given?.span ?? call.span,
      ...(like?.offset === undefined ? {} : { offset: like.offset }),
      ...(like?.at === undefined ? {} : { at: like.at }),
    },
    '',
  );
  return {
    op: 'call',
    inputs: [
      wrap(base),
      { op: 'select', inputs: [], settings: source },
      { op: 'select-times', inputs: [], settings: source },
    ],
    settings: { func: call.func, span: call.span, argSpans: call.args.map(arg => arg.span) },
  };
}

function firstSelector(expr: Expr): VectorSelector | undefined {
  switch (expr.kind) {
    case 'number':
    case 'string':
      return undefined;
    case 'selector':
      return expr;
    case 'range':
      return expr.selector;
    case 'paren':
    case 'unary':
    case 'subquery':
    case 'aggregation':
      return firstSelector(expr.expr);
    case 'call':
      return expr.args.map(firstSelector).find(found => found !== undefined);
    case 'binary':
      return firstSelector(expr.left) ?? firstSelector(expr.right);
    default:
      return never(expr);
  }
}

function planRange(expr: Expr & { kind: 'range' }, func: string): Planned {
  const source = { ...planSource(expr.selector, func), span: expr.span };
  return { op: 'select-range', inputs: [], settings: { ...source, range: planDuration(expr.range) } };
}

function planSubquery(expr: Subquery): Planned {
  return {
    op: 'subquery',
    inputs: [wrap(expr.expr)],
    settings: {
      range: planDuration(expr.range),
      step: expr.step === undefined ? null : planDuration(expr.step),
      offset: expr.offset === undefined ? 0 : planDuration(expr.offset),
      at: planAt(expr.at),
      span: expr.span,
    },
  };
}

function planSource(selector: VectorSelector, func: string): PlannedSource {
  const named: PlannedMatcher[] =
    selector.name === '' ? [] : [{ name: '__name__', op: '=', value: selector.name }];
  return {
    matchers: [...named, ...selector.matchers.map(({ name, op, value }) => ({ name, op, value }))],
    offset: selector.offset === undefined ? 0 : planDuration(selector.offset),
    at: planAt(selector.at),
    modifier: selector.modifier ?? null,
    func,
    span: selector.span,
  };
}

function planNumber(value: number): PlannedNumber {
  if (Object.is(value, -0)) return '-0';
  return Number.isFinite(value) ? value : String(value);
}

function planAt(at: AtModifier | undefined): PlannedAt {
  if (at === undefined) return null;
  return at.kind === 'time' ? at.timeMs : at.kind;
}

// --- durations ------------------------------------------------------------------------------------

function planDuration(duration: DurationExpr): PlannedDuration {
  const folded = foldDuration(duration);
  return folded === undefined ? planOpenDuration(duration) : toMs(folded);
}

function planOpenDuration(duration: DurationExpr): PlannedDuration {
  switch (duration.kind) {
    case 'literal':
      return { kind: 'literal', seconds: duration.seconds };
    case 'step':
      return { kind: 'step' };
    case 'range':
      return { kind: 'range' };
    case 'paren':
      return planOpenDuration(duration.expr);
    case 'negate':
      return { kind: 'negate', of: planOpenDuration(duration.expr) };
    case 'min_of':
    case 'max_of':
      return {
        kind: duration.kind,
        left: planOpenDuration(duration.left),
        right: planOpenDuration(duration.right),
      };
    case 'binary':
      return {
        kind: duration.op,
        left: planOpenDuration(duration.left),
        right: planOpenDuration(duration.right),
      };
    default:
      return never(duration);
  }
}

function toMs(seconds: number): number {
  return Math.round(seconds * 1000);
}

/** Milliseconds of a planned duration in a query with this step and range. */
export function resolveDuration(
  duration: PlannedDuration,
  times: { readonly stepMs: number; readonly rangeMs: number },
): number {
  return typeof duration === 'number' ? duration : toMs(seconds(duration, times));
}

function seconds(
  duration: PlannedDuration,
  times: { readonly stepMs: number; readonly rangeMs: number },
): number {
  if (typeof duration === 'number') return duration / 1000;
  switch (duration.kind) {
    case 'literal':
      return duration.seconds;
    case 'step':
      return times.stepMs / 1000;
    case 'range':
      return times.rangeMs / 1000;
    case 'negate':
      return -seconds(duration.of, times);
    default:
      return combine(duration.kind, seconds(duration.left, times), seconds(duration.right, times));
  }
}

function combine(
  op: '+' | '-' | '*' | '/' | '%' | '^' | 'min_of' | 'max_of',
  left: number,
  right: number,
): number {
  switch (op) {
    case '+':
      return left + right;
    case '-':
      return left - right;
    case '*':
      return left * right;
    case '/':
      return left / right;
    case '%':
      return left % right;
    case '^':
      return left ** right;
    case 'min_of':
      return Math.min(left, right);
    case 'max_of':
      return Math.max(left, right);
    default:
      return never(op);
  }
}
